//! The platform's tokens: what their pages load and what their forms do.

use domain::token::{ApiToken, TokenForm};
use leptos::prelude::*;

use crate::error::UiError;

/// The platform's tokens, those that work first.
pub async fn load_platform_tokens() -> Result<Vec<ApiToken>, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.api_tokens(&ssr::operator().await?).await?)
}

/// One of them.
pub async fn load_platform_token(token: String) -> Result<ApiToken, UiError> {
    use crate::ssr;
    let operator = ssr::operator().await?;
    Ok(ssr::backend()?.api_token(&operator, &domain::id::TokenId::parse(&token)?).await?)
}

/// Makes a token and shows it, this once.
#[server(prefix = "/api", endpoint = "ops/tokens/make")]
pub async fn make_platform_token(form: TokenForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&format!("{}/new", links::OPS_TOKENS), &form, async {
        let made = ssr::backend()?.make_api_token(&ssr::operator().await?, &form).await?;
        Ok(ssr::Done::to(links::ops_token(made.token.id.as_str())).keeping(&made))
    })
    .await
}

/// Makes the token that takes this one's place and shows it, this once.
#[server(prefix = "/api", endpoint = "ops/tokens/rotate")]
pub async fn rotate_platform_token(token: String, overlap_h: u32) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::ops_token(&token), &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::TokenId::parse(&token)?);
        let made = ssr::backend()?.rotate_api_token(&operator, &id, overlap_h).await?;
        Ok(ssr::Done::to(links::ops_token(made.token.id.as_str())).keeping(&made))
    })
    .await
}

/// Revokes a token. One that was used lately must be named.
#[server(prefix = "/api", endpoint = "ops/tokens/revoke")]
pub async fn revoke_platform_token(token: String, #[server(default)] name: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::ops_token(&token);
    ssr::form(&format!("{page}/revoke"), &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::TokenId::parse(&token)?);
        let revoked = ssr::backend()?.revoke_api_token(&operator, &id, Some(&name)).await?;
        let said = format!("{} is revoked. Programs that still send it are answered with 401.", revoked.name);
        Ok(ssr::Done::to(&page).saying(said))
    })
    .await
}
