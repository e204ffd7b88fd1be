//! The platform's tokens: loading and forms.

use domain::token::{ApiToken, TokenForm};
use leptos::prelude::*;

use crate::error::UiError;

/// The platform's tokens, active ones first.
pub async fn load_platform_tokens() -> Result<Vec<ApiToken>, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.api_tokens(&ssr::operator().await?).await?)
}

/// One token.
pub async fn load_platform_token(token: String) -> Result<ApiToken, UiError> {
    use crate::ssr;
    let operator = ssr::operator().await?;
    Ok(ssr::backend()?.api_token(&operator, &domain::id::TokenId::parse(&token)?).await?)
}

/// Creates a token and shows it once.
#[server(prefix = "/api", endpoint = "ops/tokens/make")]
pub async fn create_platform_token(form: TokenForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&format!("{}/new", links::OPS_TOKENS), &form, async {
        let created = ssr::backend()?.create_api_token(&ssr::operator().await?, &form.input()?).await?;
        Ok(ssr::Done::to(links::ops_token(created.token.id.as_str())).keeping(&created))
    })
    .await
}

/// Creates a replacement for a token and shows it once.
#[server(prefix = "/api", endpoint = "ops/tokens/rotate")]
pub async fn rotate_platform_token(token: String, overlap_h: u32) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::ops_token(&token), &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::TokenId::parse(&token)?);
        let created = ssr::backend()?.rotate_api_token(&operator, &id, overlap_h).await?;
        Ok(ssr::Done::to(links::ops_token(created.token.id.as_str())).keeping(&created))
    })
    .await
}

/// Revokes a token. If it was used recently, its name must be entered.
#[server(prefix = "/api", endpoint = "ops/tokens/revoke")]
pub async fn revoke_platform_token(token: String, #[server(default)] name: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::ops_token(&token);
    ssr::form(&format!("{page}/revoke"), &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::TokenId::parse(&token)?);
        let revoked = ssr::backend()?.revoke_api_token(&operator, &id, Some(&name)).await?;
        let message = format!("{} was revoked. Requests that use it now get a 401 response.", revoked.name);
        Ok(ssr::Done::to(&page).saying(message))
    })
    .await
}
