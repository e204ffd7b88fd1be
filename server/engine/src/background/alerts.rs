//! Emails an account's admins when an endpoint changed state after its attempts (failing, disabled, paused by a 410), and when a
//! connector lost its phone system; operators for a connector of the platform. Each of them may switch the emails off.
//!
//! The transaction of the change only writes that an alert is due, so that deliveries never wait for mail. This worker queues
//! the emails of each alert, one for each recipient.

mod texts;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    audit::AuditAction,
    id::{ConnectorId, EndpointId},
    time::MINUTE_MS,
};
use url::Url;

use crate::{
    delivery::Sender,
    mail::{self, Email, Queueing},
    parking::Parking,
    store::{
        accounts,
        alerts::{self, Alert},
        connectors, endpoints,
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
                let account = Some(alert.account_id.as_str()).filter(|account| !account.is_empty());
                let queued = parking.one(&alert.id, account, self.queue(&alert)).await?;
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

    /// One per recipient who wants it.
    async fn emails(&self, alert: &Alert) -> StoreResult<Vec<Email>> {
        let Some((subject, text)) = self.content(alert).await? else { return Ok(Vec::new()) };
        let off = self.page("me/security#letters");
        let text = format!("{text}\nYou can switch off these emails:\n{off}\n");
        let readers = email_preferences::alert_recipients(&self.sender.context.db, &alert.account_id).await?;
        let email = |to| Email { to, subject: subject.clone(), text: text.clone(), unsubscribe: Some(off.clone()) };
        Ok(readers.into_iter().map(email).collect())
    }

    fn page(&self, path: &str) -> String {
        self.public_url.join(path).map(String::from).unwrap_or_default()
    }

    /// Subject and text; none for what needs no alert.
    async fn content(&self, alert: &Alert) -> StoreResult<Option<(String, String)>> {
        let (action, db) = (alert.what()?, &self.sender.context.db);
        let account = accounts::account(db, &alert.account_id).await?;
        if action == AuditAction::ConnectorDown {
            let id = ConnectorId::parse(&alert.object_id).map_err(|_| alert.corrupt("object_id"))?;
            let Some(stored) = connectors::by_id(db, &id).await? else { return Ok(None) };
            let page = match &account {
                Some(account) => self.page(&format!("a/{}/connectors/{id}", account.id)),
                None => self.page(&format!("ops/connectors/{id}")),
            };
            return Ok(Some(texts::connector(&stored.connector, account.as_ref(), self.sender.now(), &page)));
        }
        let Some(account) = account else { return Ok(None) };
        let id = EndpointId::parse(&alert.object_id).map_err(|_| alert.corrupt("object_id"))?;
        // None about the account's own test line, whose responses a user chose.
        let stored = endpoints::one(db, &account.id, &id).await?.filter(|stored| !stored.endpoint.test_line);
        let Some(stored) = stored else { return Ok(None) };
        let page = self.page(&format!("a/{}/endpoints/{id}", account.id));
        let why = stored.last_failure.map(|failure| failure.sentence(self.sender.now()));
        Ok(texts::endpoint(action, &stored.endpoint, &account.name, why.as_deref(), &page))
    }
}
