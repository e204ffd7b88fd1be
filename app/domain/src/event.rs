//! Events: what the phone platform reports about a call.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use crate::{event_kind::EventKind, query::Page};

use crate::{
    actor::Actor,
    connector::route::CallRoute,
    delivery::DeliveryRow,
    details::Details,
    error::{Error, Result},
    id::{AccountId, EventId},
    payload::Payload,
    time::UnixMs,
};

/// Maximum number of events per batch request.
pub const BATCH_MAX_EVENTS: usize = 1_000;
/// Maximum size of an event in bytes, as received and as sent.
pub const EVENT_BODY_MAX_BYTES: usize = 256 * 1_024;

/// An event as the platform posts it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostedEvent {
    /// Account id or the platform's own reference. Required with a platform token, otherwise implied.
    #[serde(default)]
    pub account: Option<String>,
    /// The platform connector that reports the call, instead of the account.
    #[serde(default)]
    pub connector: Option<String>,
    /// What decides the account of its call.
    #[serde(default)]
    pub route: Option<CallRoute>,
    /// The caller's own id for idempotency; generated if absent.
    #[serde(default)]
    pub id: Option<String>,
    /// The payload, spelled as it will be sent.
    pub payload: Box<RawValue>,
    /// Details for endpoints that ask for them: a JSON object.
    #[serde(default)]
    pub details: Option<Box<RawValue>>,
    /// Time of the event in Unix seconds; defaults to the time of acceptance.
    #[serde(default)]
    pub timestamp: Option<i64>,
}

/// A valid event, ready to be accepted.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The caller's own id.
    pub id: Option<EventId>,
    /// The checked payload.
    pub payload: Payload,
    /// The details, if the caller gave any.
    pub details: Option<Details>,
    /// Time of the event in Unix seconds, if the caller gave one.
    pub timestamp: Option<i64>,
}

impl NewEvent {
    /// Checks a posted event against the contract.
    ///
    /// # Errors
    /// `Invalid` naming every invalid field.
    pub fn parse(posted: &PostedEvent) -> Result<Self> {
        let id = posted.id.as_deref().map(EventId::parse).transpose()?;
        if posted.timestamp.is_some_and(|seconds| !(0..=253_402_300_799).contains(&seconds)) {
            return Err(Error::invalid(
                "timestamp",
                "A timestamp must be a Unix time in whole seconds, not milliseconds.",
            ));
        }
        let payload = Payload::parse(posted.payload.get())?;
        let details = posted.details.as_ref().map(|details| Details::parse(details.get())).transpose()?.flatten();
        Ok(Self { id, payload, details, timestamp: posted.timestamp })
    }

    /// Bytes of its payload and details.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.payload.text.len() + self.details.as_ref().map_or(0, |details| details.as_str().len())
    }
}

/// The result of accepting an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The event's id.
    pub id: EventId,
    /// Number of endpoints it is sent to.
    pub deliveries: u32,
    /// Whether this id had been accepted before with the same body, so that nothing new was stored.
    pub repeated: bool,
}

/// An event as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Id, unique within the account.
    pub id: EventId,
    /// Kind.
    pub kind: EventKind,
    /// The call's UUID in lower case.
    pub call_id: String,
    /// The caller as the platform names it: a number, or a party such as `extension 7048`.
    pub caller: String,
    /// The callee as the platform names it.
    pub callee: String,
    /// Time of the event in Unix seconds.
    pub timestamp: i64,
    /// When it was accepted.
    pub accepted_at: UnixMs,
    /// Whether it is a test.
    pub test: bool,
    /// Number of endpoints it was sent to; 0 if none was subscribed.
    pub deliveries: u32,
}

/// An event with its payload and deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDetail {
    /// The event.
    pub event: EventRow,
    /// The payload as compact JSON; `None` once it is past retention.
    pub payload: Option<String>,
    /// Its details as compact JSON; `None` if it has none, or once they are past retention.
    pub details: Option<String>,
    /// Its deliveries, oldest first.
    pub deliveries: Vec<DeliveryRow>,
}

/// A filter for events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only these kinds; empty for all.
    pub kinds: Vec<EventKind>,
    /// Only this call's events, by UUID in lower case.
    pub call: Option<String>,
    /// Only events that were sent to no endpoint.
    pub not_sent: bool,
    /// Older than this position, from the previous page.
    pub cursor: Option<String>,
    /// Number of rows; see [`crate::query::page_size`].
    pub limit: u32,
}

/// Accepting and showing events.
#[async_trait]
pub trait Events {
    /// Accepts one event durably, with a delivery for each subscribed endpoint.
    ///
    /// # Errors
    /// `Conflict` if the id was used with another body, `NotFound` for an unknown account, `Unavailable`.
    async fn accept_event(&self, actor: &Actor, account: &AccountId, event: NewEvent) -> Result<Accepted>;
    /// The account that a platform token names by id or reference, or the actor's own.
    ///
    /// # Errors
    /// `NotFound` when there is none or it is not the actor's.
    async fn account_for_events(&self, actor: &Actor, named: Option<&str>) -> Result<AccountId>;
    /// One page of the account's events, newest first.
    ///
    /// # Errors
    /// `Forbidden` without the right to read.
    async fn events(&self, actor: &Actor, filter: &EventFilter) -> Result<Page<EventRow>>;
    /// One event with its deliveries.
    ///
    /// # Errors
    /// `NotFound` also for another account's event.
    async fn event(&self, actor: &Actor, id: &EventId) -> Result<EventDetail>;
}
