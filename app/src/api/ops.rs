//! Ops pages: loading, and forms for accounts.

use domain::{
    account::LimitsForm,
    audit::AuditPage,
    ops::{
        accounts::{AccountDetail, AccountNameForm, AccountsPage, NewAccount},
        health::Health,
    },
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// Email address of the signed-in operator.
pub async fn load_operator() -> Result<String, UiError> {
    Ok(crate::ssr::operator().await?.name())
}

/// Overall health.
pub async fn load_health() -> Result<Health, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.health(&ssr::operator().await?).await?)
}

/// Lets a task try a parked item again.
#[server(prefix = "/api", endpoint = "ops/retry")]
pub async fn retry_parked(worker: String, item: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::OPS, &(), async {
        ssr::backend()?.retry_parked(&ssr::operator().await?, &worker, &item).await?;
        Ok(ssr::Done::to(links::OPS).saying("It will be tried again within a minute. If it fails, it is listed again."))
    })
    .await
}

/// One page of the accounts that match a query string.
pub async fn load_accounts(query: String) -> Result<AccountsPage, UiError> {
    use crate::ssr;
    let filter = domain::ops::accounts::AccountFilter::parse(&query);
    Ok(ssr::backend()?.accounts(&ssr::operator().await?, &filter).await?)
}

/// One account.
pub async fn load_account(acct: String) -> Result<AccountDetail, UiError> {
    use crate::ssr;
    let operator = ssr::operator().await?;
    Ok(ssr::backend()?.account_detail(&operator, &domain::id::AccountId::parse(&acct)?).await?)
}

/// One page of the ops audit log.
pub async fn load_audit(query: String) -> Result<AuditPage, UiError> {
    use crate::ssr;
    let filter = domain::audit::AuditFilter::parse(&query);
    Ok(ssr::backend()?.ops_audit(&ssr::operator().await?, &filter).await?)
}

/// Creates an account and invites its first admin.
#[server(prefix = "/api", endpoint = "ops/open")]
pub async fn create_customer_account(form: NewAccount) -> Result<(), UiError> {
    use crate::{api::members::ShownLink, links, ssr};
    ssr::form(&format!("{}/new", links::OPS_ACCOUNTS), &form, async {
        let (account, invited) = ssr::backend()?.create_customer_account(&ssr::operator().await?, &form).await?;
        let done = ssr::Done::to(links::ops_account(account.id.as_str(), ""));
        Ok(match invited {
            Some(sent) => {
                let message = format!("{} was created. {}", account.name, ssr::mail_messages::invited(&sent.email)?);
                done.saying(message).keeping(&ShownLink::of(&sent))
            }
            None => done.saying(format!("{} was created. It has no members yet.", account.name)),
        })
    })
    .await
}

/// Changes an account's name and reference.
#[server(prefix = "/api", endpoint = "ops/rename")]
pub async fn rename_account(acct: String, form: AccountNameForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::ops_account(&acct, "");
    ssr::form(&page, &form, async {
        let operator = ssr::operator().await?;
        ssr::backend()?.rename_account(&operator, &domain::id::AccountId::parse(&acct)?, &form).await?;
        Ok(ssr::Done::to(&page).saying("Saved. The change is recorded in both audit logs."))
    })
    .await
}

/// Form with the reason for a suspension.
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
        let message = format!("{} is suspended. Its events are held.", account.name);
        Ok(ssr::Done::to(links::ops_account(&acct, "")).saying(message))
    })
    .await
}

/// Resumes an account.
#[server(prefix = "/api", endpoint = "ops/resume")]
pub async fn resume_account(acct: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::ops_account(&acct, "");
    ssr::form(&page, &(), async {
        let (operator, id) = (ssr::operator().await?, domain::id::AccountId::parse(&acct)?);
        let account = ssr::backend()?.restore_account(&operator, &id).await?;
        Ok(ssr::Done::to(&page).saying(format!("{} is active again. Held events are being sent.", account.name)))
    })
    .await
}

/// Sets an account's limits.
#[server(prefix = "/api", endpoint = "ops/limits")]
pub async fn limit_account(acct: String, form: LimitsForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::ops_account(&acct, "");
    ssr::form(&page, &form, async {
        let (operator, id) = (ssr::operator().await?, domain::id::AccountId::parse(&acct)?);
        ssr::backend()?.limit_account(&operator, &id, form.input()?).await?;
        Ok(ssr::Done::to(&page).saying("Saved. The new limits apply immediately, and on other nodes within seconds."))
    })
    .await
}
