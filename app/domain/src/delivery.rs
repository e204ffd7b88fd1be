//! Deliveries: one event to one endpoint.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use crate::status::Status;

use crate::{
    actor::Actor,
    attempt::Attempt,
    body::body,
    cause::Failure,
    error::Result,
    event_kind::EventKind,
    filter::DeliveryFilter,
    id::{DeliveryId, EndpointId, EventId},
    order::OrderGivenUp,
    query::Page,
    retry::{EndReason, RetryPolicy},
    time::{UnixMs, length},
};

/// An attempt as one bar of the delivery's attempt chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptMark {
    /// When it started.
    pub started_at: UnixMs,
    /// Duration in milliseconds.
    pub duration_ms: u32,
    /// Whether the response was a 2xx.
    pub ok: bool,
}

/// A delivery as listed.
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
    /// The caller as the platform names it.
    pub caller: String,
    /// The callee as the platform names it.
    pub callee: String,
    /// The endpoint it goes to.
    pub endpoint_id: EndpointId,
    /// The endpoint's name.
    pub endpoint_name: String,
    /// The endpoint's host.
    pub endpoint_host: String,
    /// Its status.
    pub status: Status,
    /// Why it ended, if it ended without success.
    pub end_reason: Option<EndReason>,
    /// Why later events of its call no longer wait for it, if it has given up its order.
    pub order_given_up: Option<OrderGivenUp>,
    /// Why the latest attempt failed, or why nothing was sent.
    pub failure: Option<Failure>,
    /// HTTP status code of the latest attempt.
    pub status_code: Option<u16>,
    /// Duration of the latest attempt in milliseconds.
    pub duration_ms: Option<u32>,
    /// Number of attempts, across resends.
    pub attempts: u32,
    /// Of these, the attempts that don't count: before the latest resend, or throttled.
    pub attempts_before: u32,
    /// The retry policy that applies.
    pub policy: RetryPolicy,
    /// When the event was accepted.
    pub created_at: UnixMs,
    /// When the next attempt is due.
    pub next_attempt_at: Option<UnixMs>,
    /// When it ended.
    pub finished_at: Option<UnixMs>,
    /// Whether it is a test.
    pub test: bool,
    /// The latest attempts for the attempt chart, at most [`MARKS_MAX`], oldest first.
    pub beats: Vec<AttemptMark>,
}

impl DeliveryRow {
    /// Maximum number of attempts, including those that don't count.
    #[must_use]
    pub const fn attempts_at_most(&self) -> u32 {
        self.attempts_before + self.policy.attempts()
    }

    /// The sentence shown in the list: the cause, how it ended, or what happens next. No full stop.
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
            // The cause stays visible during the next attempt, which may take half a minute.
            (Status::Sending, _) => after("Sending now", cause),
            (Status::Queued, _) => after("Waiting to be sent", cause),
            (_, _) => cause.unwrap_or_else(|| self.status.label().to_owned()),
        }
    }
}

/// The present state, followed by the previous failure.
fn after(now: &str, before: Option<String>) -> String {
    before.map_or_else(|| now.to_owned(), |before| format!("{now}. Last failure: {before}"))
}

fn delivered(status_code: Option<u16>, duration_ms: Option<u32>) -> String {
    match (status_code, duration_ms) {
        (Some(code), Some(ms)) => format!("{code} in {}", length(ms)),
        _ => "Delivered".to_owned(),
    }
}

/// A delivery with its payload and attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryDetail {
    /// The delivery.
    pub row: DeliveryRow,
    /// Unix seconds of the event itself.
    pub event_timestamp: i64,
    /// The payload as compact JSON; `None` once it is past retention.
    pub payload: Option<String>,
    /// The details as compact JSON; `None` if the event has none or the endpoint doesn't ask for them.
    pub details: Option<String>,
    /// The endpoint's current URL.
    pub endpoint_url: String,
    /// At most [`ATTEMPTS_SHOWN`] of the attempts, oldest first: the latest, or those around the one that was asked for.
    pub attempts: Vec<Attempt>,
}

impl DeliveryDetail {
    /// The request body with this auth token; `None` once the payload is past retention.
    #[must_use]
    pub fn body(&self, auth_token: &str) -> Option<String> {
        let payload = self.payload.as_deref()?;
        Some(body(payload, self.details.as_deref(), self.event_timestamp, auth_token))
    }
}

/// How many deliveries match a filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCounts {
    /// All matches, exact up to [`COUNT_MAX`]; a larger value means "more than [`COUNT_MAX`]".
    pub matching: u32,
    /// Of these, failed.
    pub failed: u32,
    /// Of these, retrying.
    pub retrying: u32,
    /// Of these, expired.
    pub expired: u32,
}

/// Most attempts that a delivery is shown with.
pub const ATTEMPTS_SHOWN: u32 = 20;
/// Most attempts in a delivery's attempt chart.
pub const MARKS_MAX: u32 = 64;
/// Most attempts of one page of them. Each has up to 32 KiB of a response.
pub const ATTEMPTS_PAGE_MAX: u32 = 32;
/// How often a delivery can be resent, or retried now, within an hour.
pub const RESENDS_PER_HOUR: u32 = 20;
/// Counts are exact up to this number.
pub const COUNT_MAX: u32 = 10_000;

/// Listing, showing, resending and cancelling deliveries.
#[async_trait]
pub trait Deliveries {
    /// One page of the account's deliveries, newest first.
    ///
    /// # Errors
    /// `Forbidden` without permission to read deliveries.
    async fn deliveries(&self, actor: &Actor, filter: &DeliveryFilter) -> Result<Page<DeliveryRow>>;
    /// How many deliveries match the filter, on all pages.
    ///
    /// # Errors
    /// `Forbidden` without permission to read deliveries.
    async fn delivery_counts(&self, actor: &Actor, filter: &DeliveryFilter) -> Result<DeliveryCounts>;
    /// One delivery with its latest attempts, or with those around the attempt with this number.
    ///
    /// # Errors
    /// `NotFound`, also for another account's delivery.
    async fn delivery(&self, actor: &Actor, id: &DeliveryId, around: Option<u32>) -> Result<DeliveryDetail>;
    /// One page of a delivery's attempts, newest first: those before the attempt with this number, at most
    /// [`ATTEMPTS_PAGE_MAX`].
    ///
    /// # Errors
    /// As [`Self::delivery`].
    async fn attempts(&self, actor: &Actor, id: &DeliveryId, before: Option<u32>, limit: u32) -> Result<Page<Attempt>>;
    /// Queues an ended delivery again with new attempts and the same event id. A waiting delivery is made due
    /// immediately.
    ///
    /// # Errors
    /// `Conflict` when its endpoint was deleted or its payload is past retention; `LimitReached` after
    /// [`RESENDS_PER_HOUR`].
    async fn resend(&self, actor: &Actor, id: &DeliveryId) -> Result<()>;
    /// Sends a delivery that waits for its next retry now.
    ///
    /// # Errors
    /// `Conflict` when it is not waiting for a retry, or its endpoint is not active; `LimitReached` after
    /// [`RESENDS_PER_HOUR`].
    async fn retry_delivery(&self, actor: &Actor, id: &DeliveryId) -> Result<()>;
    /// Cancels a waiting delivery.
    ///
    /// # Errors
    /// `Conflict` when it has already ended or is being sent.
    async fn cancel_delivery(&self, actor: &Actor, id: &DeliveryId) -> Result<()>;
    /// Waits until the first attempt has finished, at most `wait_ms` milliseconds, and returns the delivery.
    ///
    /// # Errors
    /// As [`Self::delivery`].
    async fn wait_for_first_attempt(&self, actor: &Actor, id: &DeliveryId, wait_ms: u32) -> Result<DeliveryDetail>;
}
