//! API tokens: loading and forms.

use domain::token::{ApiToken, TokenForm};
use leptos::prelude::*;

use crate::error::UiError;

/// The account's tokens, active ones first.
pub async fn load_tokens(acct: String) -> Result<Vec<ApiToken>, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.api_tokens(&ssr::actor(&acct).await?).await?)
}

/// One token.
pub async fn load_token(acct: String, token: String) -> Result<ApiToken, UiError> {
    use crate::ssr;
    let id = domain::id::TokenId::parse(&token)?;
    Ok(ssr::backend()?.api_token(&ssr::actor(&acct).await?, &id).await?)
}

/// Creates a token and shows it once.
#[server(prefix = "/api", endpoint = "tokens/make")]
pub async fn create_token(acct: String, form: TokenForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::account(&acct, "tokens/new"), &form, async {
        let created = ssr::backend()?.create_api_token(&ssr::actor(&acct).await?, &form.input()?).await?;
        Ok(ssr::Done::to(links::token(&acct, created.token.id.as_str())).keeping(&created))
    })
    .await
}

/// Creates a replacement for a token and shows it once.
#[server(prefix = "/api", endpoint = "tokens/rotate")]
pub async fn rotate_token(acct: String, token: String, overlap_h: u32) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::token(&acct, &token), &(), async {
        let id = domain::id::TokenId::parse(&token)?;
        let created = ssr::backend()?.rotate_api_token(&ssr::actor(&acct).await?, &id, overlap_h).await?;
        Ok(ssr::Done::to(links::token(&acct, created.token.id.as_str())).keeping(&created))
    })
    .await
}

/// Revokes a token. If it was used recently, its name must be entered.
#[server(prefix = "/api", endpoint = "tokens/revoke")]
pub async fn revoke_token(acct: String, token: String, #[server(default)] name: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::token(&acct, &token);
    ssr::form(&format!("{page}/revoke"), &(), async {
        let id = domain::id::TokenId::parse(&token)?;
        let revoked = ssr::backend()?.revoke_api_token(&ssr::actor(&acct).await?, &id, Some(&name)).await?;
        let message = format!("{} was revoked. Requests that use it now get a 401 response.", revoked.name);
        Ok(ssr::Done::to(&page).saying(message))
    })
    .await
}
