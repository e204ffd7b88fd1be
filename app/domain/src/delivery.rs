//! Deliveries: one event to one endpoint, its states, and how it is listed and shown.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    actor::Actor,
    attempt::Attempt,
    cause::Failure,
    error::Result,
    event::{EventKind, Page},
    filter::DeliveryFilter,
    id::{DeliveryId, EndpointId, EventId},
    retry::{EndReason, Rhythm},
    time::{UnixMs, length},
};

/// Where a delivery stands. `docs/states.md` draws the ways between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A 2xx came back.
    Delivered,
    /// An attempt is under way.
    Sending,
    /// Failed so far; another try is due.
    Retrying,
    /// Ended without success.
    Failed,
    /// Waits because its endpoint is paused or disabled.
    Held,
    /// Accepted, not tried yet.
    Queued,
    /// Ended because it was no longer worth sending.
    Expired,
    /// Ended by a person.
    Cancelled,
}

impl Status {
    /// All of them in the order of every legend.
    pub const ALL: [Self; 8] = [
        Self::Delivered,
        Self::Sending,
        Self::Retrying,
        Self::Failed,
        Self::Held,
        Self::Queued,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The name on the wire and in URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Sending => "sending",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The word that people read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "Delivered",
            Self::Sending => "Sending",
            Self::Retrying => "Retrying",
            Self::Failed => "Failed",
            Self::Held => "Held",
            Self::Queued => "Queued",
            Self::Expired => "Expired",
            Self::Cancelled => "Cancelled",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Expired | Self::Cancelled)
    }
}

/// One bar of the cadence strip: an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// When it began.
    pub started_at: UnixMs,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
    /// Whether a 2xx came back.
    pub ok: bool,
}

/// A delivery in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Id.
    pub id: DeliveryId,
    /// The event it carries; also the `webhook-id`.
    pub event_id: EventId,
    /// Kind of event.
    pub kind: EventKind,
    /// The call's UUID in lower case.
    pub call_id: String,
    /// Caller as the platform names it.
    pub caller: String,
    /// Callee, likewise.
    pub callee: String,
    /// The endpoint it goes to.
    pub endpoint_id: EndpointId,
    /// The endpoint's name.
    pub endpoint_name: String,
    /// The endpoint's host.
    pub endpoint_host: String,
    /// Where it stands.
    pub status: Status,
    /// Why it ended, for those that ended without success.
    pub end_reason: Option<EndReason>,
    /// Why the latest attempt failed, or why nothing is sent.
    pub failure: Option<Failure>,
    /// HTTP status of the latest attempt.
    pub status_code: Option<u16>,
    /// Duration of the latest attempt in milliseconds.
    pub duration_ms: Option<u32>,
    /// Attempts made so far, across resends.
    pub attempts: u32,
    /// Attempts made before the latest resend.
    pub attempts_before: u32,
    /// The rhythm that applies.
    pub rhythm: Rhythm,
    /// When the event was accepted.
    pub created_at: UnixMs,
    /// When the next attempt is due.
    pub next_attempt_at: Option<UnixMs>,
    /// When it ended.
    pub finished_at: Option<UnixMs>,
    /// Whether a person sent it as a test.
    pub test: bool,
    /// The attempts as the cadence strip draws them, oldest first.
    pub beats: Vec<Beat>,
}

impl DeliveryRow {
    /// How many attempts this round of tries may make in all, counted on from those before.
    #[must_use]
    pub const fn attempts_at_most(&self) -> u32 {
        self.attempts_before + self.rhythm.attempts()
    }

    /// The sentence that stands in the list: the cause, the end, or what comes next. No full stop.
    #[must_use]
    pub fn sentence(&self, now: UnixMs) -> String {
        let cause = self.failure.as_ref().map(|failure| failure.sentence(now));
        match (self.status, self.end_reason) {
            (Status::Delivered, _) => delivered(self.status_code, self.duration_ms),
            (Status::Failed, Some(EndReason::Exhausted)) => {
                cause.unwrap_or_else(|| EndReason::Exhausted.sentence().into())
            }
            (Status::Failed, _) => cause.unwrap_or_else(|| "Failed".to_owned()),
            (Status::Expired | Status::Cancelled, Some(reason)) => after(reason.sentence(), cause),
            (Status::Held, _) => cause.unwrap_or_else(|| "Held: endpoint paused".to_owned()),
            // The cause stays while the next attempt is under way: that may take half a minute.
            (Status::Sending, _) => after("Sending now", cause),
            (Status::Queued, _) => after("Waiting for its turn", cause),
            (_, _) => cause.unwrap_or_else(|| self.status.word().to_owned()),
        }
    }
}

/// What is so now, after what went before.
fn after(now: &str, before: Option<String>) -> String {
    before.map_or_else(|| now.to_owned(), |before| format!("{now}. Before: {before}"))
}

fn delivered(status_code: Option<u16>, duration_ms: Option<u32>) -> String {
    match (status_code, duration_ms) {
        (Some(code), Some(ms)) => format!("{code} in {}", length(ms)),
        _ => "Delivered".to_owned(),
    }
}

/// A delivery with everything that is kept about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryDetail {
    /// The delivery.
    pub row: DeliveryRow,
    /// Unix seconds of the event itself.
    pub event_timestamp: i64,
    /// The payload, compact JSON; none once it is past retention.
    pub payload: Option<String>,
    /// The endpoint's URL now.
    pub endpoint_url: String,
    /// The attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

/// How many deliveries match a filter, by what people ask for first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCounts {
    /// All that match, exact up to [`COUNT_MAX`]; one more means "more than".
    pub matching: u32,
    /// Of these: failed.
    pub failed: u32,
    /// Of these: retrying.
    pub retrying: u32,
    /// Of these: expired.
    pub expired: u32,
}

/// Counts are exact up to here.
pub const COUNT_MAX: u32 = 10_000;

/// Deliveries: the part of the port that lists, shows and resends them.
#[async_trait]
pub trait Deliveries {
    /// One page of the account's deliveries, newest first.
    ///
    /// # Errors
    /// `Forbidden` without the right to read.
    async fn deliveries(&self, actor: &Actor, filter: &DeliveryFilter) -> Result<Page<DeliveryRow>>;
    /// How many match the filter, its paging aside.
    ///
    /// # Errors
    /// `Forbidden` without the right to read.
    async fn delivery_counts(&self, actor: &Actor, filter: &DeliveryFilter) -> Result<DeliveryCounts>;
    /// One delivery with its attempts.
    ///
    /// # Errors
    /// `NotFound` also for another account's delivery.
    async fn delivery(&self, actor: &Actor, id: &DeliveryId) -> Result<DeliveryDetail>;
    /// Puts an ended delivery back into the queue with new tries; same event id. One that still waits is made
    /// due at once.
    ///
    /// # Errors
    /// `Conflict` when its endpoint was deleted or its payload is past retention.
    async fn resend(&self, actor: &Actor, id: &DeliveryId) -> Result<()>;
    /// Ends a waiting delivery.
    ///
    /// # Errors
    /// `Conflict` when it has already ended or is being sent.
    async fn cancel_delivery(&self, actor: &Actor, id: &DeliveryId) -> Result<()>;
    /// Waits until the delivery has ended or failed once, at most `wait_ms` milliseconds, and shows it.
    ///
    /// # Errors
    /// As [`Self::delivery`].
    async fn delivery_after_first_try(&self, actor: &Actor, id: &DeliveryId, wait_ms: u32) -> Result<DeliveryDetail>;
}
