//! The operator's pages: what they load and what their forms do with accounts.

use domain::{
    audit::AuditPage,
    installation::{
        accounts::{AccountCard, AccountsPage, LimitsForm, Naming, NewAccount},
        health::Health,
    },
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// The e-mail address of the operator who looks.
pub async fn load_operator() -> Result<String, UiError> {
    Ok(crate::ssr::operator().await?.name())
}

/// How the installation does.
pub async fn load_health() -> Result<Health, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.health(&ssr::operator().await?).await?)
}

/// One page of the accounts that a query string asks for.
pub async fn load_accounts(query: String) -> Result<AccountsPage, UiError> {
    use crate::ssr;
    let filter = domain::installation::accounts::AccountFilter::parse(&query);
    Ok(ssr::backend()?.accounts(&ssr::operator().await?, &filter).await?)
}

/// One account.
pub async fn load_account(acct: String) -> Result<AccountCard, UiError> {
    use crate::ssr;
    let operator = ssr::operator().await?;
    Ok(ssr::backend()?.account_card(&operator, &domain::id::AccountId::parse(&acct)?).await?)
}

/// One page of the installation's audit log.
pub async fn load_audit(query: String) -> Result<AuditPage, UiError> {
    use crate::ssr;
    let filter = domain::audit::AuditFilter::parse(&query);
    Ok(ssr::backend()?.installation_audit(&ssr::operator().await?, &filter).await?)
}

/// Opens an account and invites its first admin.
#[server(prefix = "/api", endpoint = "ops/open")]
pub async fn open_account(form: NewAccount) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&format!("{}/new", links::OPS_ACCOUNTS), &form, async {
        let (account, invited) = ssr::backend()?.open_account(&ssr::operator().await?, &form).await?;
        let words = match invited {
            Some(invitation) => {
                format!("{} is open. {}", account.name, ssr::letters::invited(&invitation.email)?)
            }
            None => format!("{} is open. Nobody belongs to it yet.", account.name),
        };
        Ok(ssr::Done::to(links::ops_account(account.id.as_str(), "")).saying(words))
    })
    .await
}

/// Gives an account another name and reference.
#[server(prefix = "/api", endpoint = "ops/rename")]
pub async fn rename_account(acct: String, form: Naming) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::ops_account(&acct, "");
    ssr::form(&page, &form, async {
        let operator = ssr::operator().await?;
        ssr::backend()?.rename_account(&operator, &domain::id::AccountId::parse(&acct)?, &form).await?;
        Ok(ssr::Done::to(&page).saying("Saved. What changed stands in both audit logs."))
    })
    .await
}

/// Why an account is suspended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonForm {
    /// The reason.
    #[serde(default)]
    pub reason: String,
}

/// Suspends an account.
#[server(prefix = "/api", endpoint = "ops/suspend")]
pub async fn suspend_account(acct: String, form: ReasonForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::ops_account(&acct, "suspend"), &form, async {
        let (operator, id) = (ssr::operator().await?, domain::id::AccountId::parse(&acct)?);
        let account = ssr::backend()?.suspend_account(&operator, &id, &form.reason).await?;
        let words = format!("{} is suspended. Its events are taken in and held.", account.name);
        Ok(ssr::Done::to(links::ops_account(&acct, "")).saying(words))
    })
    .await
}

/// Ends a suspension.
#[server(prefix = "/api", endpoint = "ops/resume")]
pub async fn resume_account(acct: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::ops_account(&acct, "");
    ssr::form(&page, &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::AccountId::parse(&acct)?);
        let account = ssr::backend()?.restore_account(&operator, &id).await?;
        Ok(ssr::Done::to(&page).saying(format!("{} is resumed. Held events go out now.", account.name)))
    })
    .await
}

/// Sets what an account is allowed.
#[server(prefix = "/api", endpoint = "ops/limits")]
pub async fn limit_account(acct: String, form: LimitsForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::ops_account(&acct, "");
    ssr::form(&page, &form, async {
        let (operator, id) = (ssr::operator().await?, domain::id::AccountId::parse(&acct)?);
        ssr::backend()?.limit_account(&operator, &id, &form).await?;
        Ok(ssr::Done::to(&page).saying("Saved. The limits hold at once, on other nodes within seconds."))
    })
    .await
}
