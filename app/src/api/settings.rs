//! Account settings: loading and saving.

use domain::account::{Account, AccountForm, AccountUsage};
use leptos::prelude::*;

use crate::error::UiError;

/// The account with its settings, and what it uses of its limits.
pub async fn load_settings(acct: String) -> Result<(Account, AccountUsage), UiError> {
    use crate::ssr;
    let (actor, backend) = (ssr::actor(&acct).await?, ssr::backend()?);
    Ok((backend.account_settings(&actor).await?, backend.account_usage(&actor).await?))
}

/// Saves name and settings.
#[server(prefix = "/api", endpoint = "settings/save")]
pub async fn save_settings(acct: String, form: AccountForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::account(&acct, "settings");
    ssr::form(&page, &form, async {
        ssr::backend()?.change_account(&ssr::actor(&acct).await?, &form.input()?).await?;
        Ok(ssr::Done::to(page.clone()).saying("Saved. The change is recorded in the audit log."))
    })
    .await
}
