//! Support pages: loading and forms.

use domain::{
    account::Account,
    support::{FoundAccount, SupportForm, SupportRecord, SupportSession},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// The first support page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportHome {
    /// The agent's sessions, newest first.
    pub sessions: Vec<SupportSession>,
    /// Accounts found; none without a search.
    pub found: Option<Vec<FoundAccount>>,
    /// What is wrong with the search text.
    pub complaint: Option<String>,
}

/// Email address of the signed-in agent.
pub async fn load_agent() -> Result<String, UiError> {
    Ok(crate::ssr::agent().await?.name())
}

/// The agent's sessions, and the accounts that match a search text.
pub async fn load_home(text: String) -> Result<SupportHome, UiError> {
    use crate::ssr;
    let (agent, backend) = (ssr::agent().await?, ssr::backend()?);
    let sessions = backend.support_sessions(&agent).await?;
    if text.is_empty() {
        return Ok(SupportHome { sessions, found: None, complaint: None });
    }
    match backend.find_accounts(&agent, &text).await {
        Ok(found) => Ok(SupportHome { sessions, found: Some(found), complaint: None }),
        Err(error @ domain::Error::Invalid(_)) => {
            let complaint = Some(error.to_string());
            ssr::set_status(&error.into());
            Ok(SupportHome { sessions, found: None, complaint })
        }
        Err(error) => Err(error.into()),
    }
}

/// An account, before a session starts.
pub async fn load_account(account: String) -> Result<Account, UiError> {
    use crate::ssr;
    let id = domain::id::AccountId::parse(&account)?;
    Ok(ssr::backend()?.account_for_support(&ssr::agent().await?, &id).await?)
}

/// What the agent did in customer accounts, before the record `before`.
pub async fn load_log(before: String) -> Result<Vec<SupportRecord>, UiError> {
    use crate::ssr;
    let before = Some(before.as_str()).filter(|before| !before.is_empty());
    Ok(ssr::backend()?.support_log(&ssr::agent().await?, before).await?)
}

/// Starts a session and opens the account.
#[server(prefix = "/api", endpoint = "support/start")]
pub async fn start_support(form: SupportForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::support_start(&form.account, &form.rest), &form, async {
        let session = ssr::backend()?.start_support(&ssr::agent().await?, &form.input()?).await?;
        let page = links::in_support(session.account.as_str(), &form.rest);
        let inside = links::safe_next(&page).unwrap_or(links::SUPPORT).to_owned();
        Ok(ssr::Done::to(inside).saying("Session started. Every page you open is recorded in the account’s audit log."))
    })
    .await
}

/// Ends a session.
#[server(prefix = "/api", endpoint = "support/end")]
pub async fn end_support(session: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SUPPORT, &(), async {
        let id = domain::id::SupportId::parse(&session)?;
        let ended = ssr::backend()?.end_support(&ssr::agent().await?, &id).await?;
        Ok(ssr::Done::to(links::SUPPORT).saying(format!("The session in {} has ended.", ended.account_name)))
    })
    .await
}

/// Reveals a phone number of an event, logs it and returns to the page.
#[server(prefix = "/api", endpoint = "support/reveal")]
pub async fn reveal_number(acct: String, evt: String, party: String, back: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::{
        id::{AccountId, EventId},
        support::CallParty,
    };
    let back = links::safe_next(&back).filter(|page| links::is_support(page)).unwrap_or(links::SUPPORT);
    ssr::form(back, &(), async {
        let event = EventId::parse(&evt).map_err(|_| UiError::not_found("Event"))?;
        let party = CallParty::parse(&party)
            .ok_or_else(|| domain::Error::invalid("party", "Choose the caller or the callee."))?;
        let backend = ssr::backend()?;
        let (support, ..) = backend.support_actor(&ssr::agent().await?, &AccountId::parse(&acct)?).await?;
        backend.reveal_number(&support, &event, party).await?;
        Ok(ssr::Done::to(back).saying("Revealed until this session ends, and recorded in the account’s audit log."))
    })
    .await
}
