//! Emails an account's admins when an endpoint changed state after its attempts: failing, disabled, paused by a 410. Each
//! admin may switch them off.
//!
//! The transaction of an outcome only writes that an alert is due, so that deliveries never wait for mail. This worker queues
//! the emails of each alert, one for each admin.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{audit::AuditAction, endpoint::Endpoint, time::MINUTE_MS};
use url::Url;

use crate::{
    delivery::Sender,
    mail::{self, Email, Queueing, naming},
    parking::Parking,
    store::{
        accounts,
        alerts::{self, Alert},
        endpoints,
        error::StoreResult,
        users::email_preferences,
    },
    vault::Vault,
};

use super::worker::{Pause, Worker};

/// Polls at least this often.
const POLL_MS: u64 = MINUTE_MS.unsigned_abs();
/// Alerts read by one step.
const STEP_ROWS: u32 = 100;

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
        loop {
            let due = alerts::due(&self.sender.context.db, STEP_ROWS).await?;
            if due.is_empty() {
                return Ok(Pause::AtMost(POLL_MS));
            }
            let parking = Parking::of(&self.sender.context, self.name()).await?;
            for alert in due {
                let queued = parking.one(&alert.id, Some(&alert.account_id), self.queue(&alert)).await?;
                if queued == Some(false) {
                    return Ok(Pause::Fixed(POLL_MS));
                }
            }
        }
    }

    async fn woken(&self) {
        self.sender.alerts.notified().await;
    }
}

impl Alerts {
    pub(super) const fn new(sender: Arc<Sender>, vault: Arc<Vault>, public_url: Url) -> Self {
        Self { sender, vault, public_url }
    }

    /// False if it has to wait, because too many emails were written within the last hour.
    async fn queue(&self, alert: &Alert) -> StoreResult<bool> {
        let (context, emails) = (&self.sender.context, self.emails(alert).await?);
        let mut tx = context.db.begin().await?;
        if !alerts::remove(&mut tx, alert).await? {
            return Ok(true);
        }
        if !mail::has_room_for_notices(&mut tx, context, emails.len()).await? {
            tracing::warn!("an alert waits: there were too many emails within an hour");
            return Ok(false);
        }
        for email in emails {
            mail::queue(&mut tx, context, &self.vault, &email, Queueing::notice()).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// One per admin who wants it. None about the account's own test line, whose responses a user chose.
    async fn emails(&self, alert: &Alert) -> StoreResult<Vec<Email>> {
        let (account_id, endpoint_id, action) = alert.about()?;
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
        let Some((subject, text)) = content(action, &stored.endpoint, &account.name, why.as_deref(), &own) else {
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
