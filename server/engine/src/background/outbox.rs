//! Sends the emails of the outbox, and tries again while the mail server cannot be reached.
//!
//! At least once: a node that dies between sending and noting it leaves the email to be sent again, with the same ID.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    UnixMs,
    time::{HOUR_MS, MINUTE_MS},
};
use futures::future::join_all;

use crate::{
    context::Context,
    mail::{self, Email, Mail, OutgoingEmail, SendError},
    metrics::count,
    store::{
        emails::{self, DueEmail},
        error::StoreResult,
    },
    vault::Vault,
};

use super::worker::{Pause, Worker};

/// Looks for emails this often. An email may wait that long; every form that sends one would otherwise have to say so after its
/// commit, on each node.
const POLL_MS: u64 = 1_000;
/// Emails that are sent at the same time.
const AT_ONCE: i64 = 8;
/// After this time an email that was claimed is due again. Longer than an attempt takes.
const CLAIMED_MS: i64 = 5 * MINUTE_MS;
/// Waits after failed attempts; the last one repeats until the email expires.
const RETRY_MS: [i64; 6] = [MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 8 * HOUR_MS];
/// Stored characters of the reason for a failure.
const REASON_MAX_CHARS: usize = 300;
/// The reason when there is no mail server.
pub(crate) const NO_MAIL_SERVER: &str = "no mail server is configured";

/// Sends emails.
pub struct Outbox {
    context: Arc<Context>,
    vault: Arc<Vault>,
    mail: Arc<dyn Mail>,
}

#[async_trait]
impl Worker for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        let (db, now) = (&self.context.db, self.context.now());
        // Read first: claiming takes the writer.
        if emails::next_due(db).await?.is_none_or(|due| due > now) {
            return Ok(Pause::Fixed(POLL_MS));
        }
        let due = emails::claim(db, now, now.plus_ms(CLAIMED_MS), AT_ONCE).await?;
        if due.is_empty() {
            // Another transaction has locked them.
            return Ok(Pause::Fixed(POLL_MS));
        }
        for noted in join_all(due.into_iter().map(|email| self.send(email))).await {
            noted?;
        }
        Ok(Pause::Fixed(0))
    }
}

impl Outbox {
    pub(super) const fn new(context: Arc<Context>, vault: Arc<Vault>, mail: Arc<dyn Mail>) -> Self {
        Self { context, vault, mail }
    }

    /// One attempt, and what follows from it.
    async fn send(&self, due: DueEmail) -> StoreResult<()> {
        let (db, counters) = (&self.context.db, &self.context.counters.emails);
        let (id, expires, attempts) = (due.id.clone(), UnixMs(due.expires_ms), due.attempts);
        let result = self.attempt(due).await;
        let now = self.context.now();
        let Err(SendError { reason, is_final }) = result else {
            count(&counters.sent, 1);
            return emails::end(db, &id, None, now).await;
        };
        let reason: String = reason.chars().take(REASON_MAX_CHARS).collect();
        let next = now.plus_ms(retry_ms(attempts));
        if is_final || next > expires {
            count(&counters.failed, 1);
            tracing::error!(email = id, attempts, reason, "an email has failed");
            return emails::end(db, &id, Some(&reason), now).await;
        }
        tracing::warn!(email = id, attempts, reason, "an email was not sent; trying again");
        emails::retry(db, &id, next, &reason).await
    }

    async fn attempt(&self, due: DueEmail) -> Result<(), SendError> {
        let gone = |reason: &str| SendError { reason: reason.to_owned(), is_final: true };
        if UnixMs(due.expires_ms) <= self.context.now() {
            return Err(gone("it could not be sent in time"));
        }
        let opened = self.vault.open(&due.text_sealed, &mail::seal_context(&due.id));
        let text = opened.map_err(|_| gone("its text cannot be decrypted with this instance's keys"))?;
        let email = Email { to: due.recipient, subject: due.subject, text, unsubscribe: due.unsubscribe };
        self.mail.send(&OutgoingEmail { id: due.id, written_at: UnixMs(due.created_ms), email }).await?;
        // The operator finds it in the log; its recipient does not get it.
        if self.mail.is_configured() { Ok(()) } else { Err(gone(NO_MAIL_SERVER)) }
    }
}

/// The wait after this many failed attempts.
fn retry_ms(attempts: i64) -> i64 {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    RETRY_MS[index.min(RETRY_MS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_eight_hours() {
        assert_eq!([1, 2, 6, 60].map(retry_ms), [MINUTE_MS, 5 * MINUTE_MS, 8 * HOUR_MS, 8 * HOUR_MS]);
    }
}
