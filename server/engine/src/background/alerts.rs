//! Emails an account's admins when an endpoint changed state after its attempts: failing, disabled, paused by a 410. Each
//! admin may switch them off.
//!
//! They are queued after the commit of what they report, so that deliveries never wait for mail. If the process ends in
//! between, an email is missing: the endpoint's history and page show the same.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    audit::AuditAction,
    endpoint::Endpoint,
    id::{AccountId, EndpointId},
    time::MINUTE_MS,
};
use url::Url;

use crate::{
    delivery::{EndpointTransition, Sender},
    mail::{self, Email, Queueing, naming},
    store::{accounts, endpoints, error::StoreResult, users::email_preferences},
    vault::Vault,
};

use super::worker::{Pause, Worker};

/// Polls at least this often.
const POLL_MS: u64 = MINUTE_MS.unsigned_abs();

/// Emails admins.
pub struct Alerts {
    sender: Arc<Sender>,
    vault: Arc<Vault>,
    /// For links.
    public_url: Url,
}

#[async_trait]
impl Worker for Alerts {
    fn name(&self) -> &'static str {
        "alerts"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        let mut waiting = self.sender.transitions.take().into_iter();
        while let Some(transition) = waiting.next() {
            let Err(error) = self.queue(&transition).await else { continue };
            if error.is_transient() {
                self.sender.transitions.add(std::iter::once(transition).chain(waiting).collect());
                return Err(error);
            }
            tracing::error!(%error, endpoint = transition.endpoint, "an alert could not be written");
        }
        Ok(Pause::AtMost(POLL_MS))
    }

    async fn woken(&self) {
        self.sender.transitions.added().await;
    }
}

impl Alerts {
    pub(super) const fn new(sender: Arc<Sender>, vault: Arc<Vault>, public_url: Url) -> Self {
        Self { sender, vault, public_url }
    }

    async fn queue(&self, about: &EndpointTransition) -> StoreResult<()> {
        let (context, emails) = (&self.sender.context, self.emails(about).await?);
        if emails.is_empty() {
            return Ok(());
        }
        let mut tx = context.db.begin().await?;
        for email in emails {
            mail::queue(&mut tx, context, &self.vault, &email, Queueing::notice()).await?;
        }
        tx.commit().await
    }

    /// One per admin who wants it. None about the account's own test line, whose responses a user chose.
    async fn emails(&self, about: &EndpointTransition) -> StoreResult<Vec<Email>> {
        let ids = (AccountId::parse(&about.account), EndpointId::parse(&about.endpoint));
        let (Ok(account_id), Ok(endpoint_id)) = ids else { return Ok(Vec::new()) };
        let db = &self.sender.context.db;
        let account = accounts::account(db, account_id.as_str()).await?;
        let stored = endpoints::one(db, &account_id, &endpoint_id).await?;
        let (Some(account), Some(stored)) = (account, stored) else { return Ok(Vec::new()) };
        if stored.endpoint.test_line {
            return Ok(Vec::new());
        }
        let page = |path: &str| self.public_url.join(path).map(String::from).unwrap_or_default();
        let own = page(&format!("a/{account_id}/endpoints/{endpoint_id}"));
        let why = stored.last_failure.map(|failure| failure.sentence(self.sender.now()));
        let Some((subject, text)) = content(about.action, &stored.endpoint, &account.name, why.as_deref(), &own) else {
            return Ok(Vec::new());
        };
        let off = page("me/security#letters");
        let text = format!("{text}\nYou can switch off these emails:\n{off}\n");
        let readers = email_preferences::alert_recipients(db, &account_id).await?;
        let email = |to| Email { to, subject: subject.clone(), text: text.clone(), unsubscribe: Some(off.clone()) };
        Ok(readers.into_iter().map(email).collect())
    }
}

/// Subject and text; none for what needs no alert.
fn content(
    action: AuditAction,
    endpoint: &Endpoint,
    account: &str,
    why: Option<&str>,
    page: &str,
) -> Option<(String, String)> {
    let (name, account, host) = (naming::to_member(&endpoint.name), naming::to_member(account), endpoint.url.host());
    let retrying = "Offhook keeps retrying, and nothing is lost.";
    let (what, next) = match action {
        AuditAction::EndpointFailing => (
            "is failing",
            format!("{retrying} If attempts keep failing for five days, it is disabled and its events are held."),
        ),
        AuditAction::EndpointFailingOneDay => (
            "has been failing for a day",
            format!("{retrying} If attempts keep failing for four more days, it is disabled and its events are held."),
        ),
        AuditAction::EndpointFailingFourDays => (
            "has been failing for four days",
            format!("{retrying} This is the last warning: if attempts still fail in a day, it is disabled and its events are held."),
        ),
        AuditAction::EndpointDisabled => (
            "is disabled",
            "Attempts have failed for five days or more without a success, so Offhook has stopped retrying. Its events are \
             held, and none is lost: resume the endpoint when your server responds again."
                .to_owned(),
        ),
        AuditAction::EndpointPausedGone => (
            "is paused",
            "Your server responded with 410 Gone, which asks Offhook to stop. Its events are held, and none is lost: \
             resume the endpoint if that was not intended, or delete it."
                .to_owned(),
        ),
        _ => return None,
    };
    let latest = why.map(|why| format!("The latest failure: {why}.\n\n")).unwrap_or_default();
    let text = format!(
        "The endpoint {name} ({host}) of {account} {what}.\n\n{latest}{next}\n\nDetails and what to do:\n{page}\n"
    );
    Some((format!("{name} {what}"), text))
}
