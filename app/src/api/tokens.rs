//! API tokens: what their pages load and what their forms do.

use domain::token::{ApiToken, TokenForm};
use leptos::prelude::*;

use crate::error::UiError;

/// The account's tokens, those that work first.
pub async fn load_tokens(acct: String) -> Result<Vec<ApiToken>, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.api_tokens(&ssr::actor(&acct).await?).await?)
}

/// One of them.
pub async fn load_token(acct: String, token: String) -> Result<ApiToken, UiError> {
    use crate::ssr;
    let id = domain::id::TokenId::parse(&token)?;
    Ok(ssr::backend()?.api_token(&ssr::actor(&acct).await?, &id).await?)
}

/// Makes a token and shows it, this once.
#[server(prefix = "/api", endpoint = "tokens/make")]
pub async fn make_token(acct: String, form: TokenForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::account(&acct, "tokens/new"), &form, async {
        let made = ssr::backend()?.make_api_token(&ssr::actor(&acct).await?, &form).await?;
        Ok(ssr::Done::to(links::token(&acct, made.token.id.as_str())).keeping(&made))
    })
    .await
}

/// Makes the token that takes this one's place and shows it, this once.
#[server(prefix = "/api", endpoint = "tokens/rotate")]
pub async fn rotate_token(acct: String, token: String, overlap_h: u32) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::token(&acct, &token), &(), async {
        let id = domain::id::TokenId::parse(&token)?;
        let made = ssr::backend()?.rotate_api_token(&ssr::actor(&acct).await?, &id, overlap_h).await?;
        Ok(ssr::Done::to(links::token(&acct, made.token.id.as_str())).keeping(&made))
    })
    .await
}

/// Revokes a token. One that was used lately must be named.
#[server(prefix = "/api", endpoint = "tokens/revoke")]
pub async fn revoke_token(acct: String, token: String, #[server(default)] name: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::token(&acct, &token);
    ssr::form(&format!("{page}/revoke"), &(), async {
        let id = domain::id::TokenId::parse(&token)?;
        let revoked = ssr::backend()?.revoke_api_token(&ssr::actor(&acct).await?, &id, Some(&name)).await?;
        let said = format!("{} is revoked. Programs that still send it are answered with 401.", revoked.name);
        Ok(ssr::Done::to(&page).saying(said))
    })
    .await
}
