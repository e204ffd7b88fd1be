//! Events: something that the phone platform said about a call.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    actor::Actor,
    delivery::DeliveryRow,
    error::{Error, Result},
    id::{AccountId, EventId},
    payload::Payload,
    time::UnixMs,
};

/// Most events that one batch request may carry.
pub const BATCH_MAX_EVENTS: usize = 1_000;
/// Most bytes of one event as it is posted to us and as we post it on.
pub const EVENT_BODY_MAX_BYTES: usize = 256 * 1_024;

/// The kinds of events an endpoint can pick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// An incoming call has been received.
    IncomingCall,
    /// An outbound call has been initiated.
    OutgoingCall,
    /// A call has been completed and processed.
    CallProcessed,
}

impl EventKind {
    /// All kinds in the order in which every list shows them.
    pub const ALL: [Self; 3] = [Self::IncomingCall, Self::OutgoingCall, Self::CallProcessed];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IncomingCall => "IncomingCall",
            Self::OutgoingCall => "OutgoingCall",
            Self::CallProcessed => "CallProcessed",
        }
    }

    /// The kind of that name on the wire, exactly.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// One line for people: when this event happens.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::IncomingCall => "An incoming call has been received",
            Self::OutgoingCall => "An outbound call has been initiated",
            Self::CallProcessed => "A call has been completed and processed",
        }
    }

    /// A payload as the platform publishes it, for examples and tests.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::IncomingCall => {
                r#"{"event":"IncomingCall","call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","callee_number":"01202912204","caller_number":"01202901222"}"#
            }
            Self::OutgoingCall => {
                r#"{"event":"OutgoingCall","call_id":"3dc54a92-aaaf-11e7-b600-7ac8e42434d2","callee_number":"441202901222","caller_number":"01202912204"}"#
            }
            Self::CallProcessed => {
                r#"{"event":"CallProcessed","call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","call_cost":0.0,"call_type":"incoming","call_duration":6,"call_status":"answered","source":{"type":"address_contact","id":8203},"destination":{"type":"extension","id":7048}}"#
            }
        }
    }
}

impl std::fmt::Display for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An event as the platform posts it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostedEvent {
    /// Account id or the platform's own reference; required with a platform token, else implied.
    #[serde(default)]
    pub account: Option<String>,
    /// The caller's own id for idempotency; ours when absent.
    #[serde(default)]
    pub id: Option<String>,
    /// The payload, spelled as it will go out.
    pub payload: Box<RawValue>,
    /// Unix seconds of the event; the moment of acceptance when absent.
    #[serde(default)]
    pub timestamp: Option<i64>,
}

/// An event that has been checked and can be accepted.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The caller's own id.
    pub id: Option<EventId>,
    /// The checked payload.
    pub payload: Payload,
    /// Unix seconds given by the caller.
    pub timestamp: Option<i64>,
}

impl NewEvent {
    /// Checks a posted event against the contract.
    ///
    /// # Errors
    /// `Invalid` naming every field that breaks it.
    pub fn parse(posted: &PostedEvent) -> Result<Self> {
        let id = posted.id.as_deref().map(EventId::parse).transpose()?;
        if posted.timestamp.is_some_and(|seconds| !(0..=253_402_300_799).contains(&seconds)) {
            return Err(Error::invalid("timestamp", "A timestamp is a Unix time in whole seconds, not milliseconds."));
        }
        Ok(Self { id, payload: Payload::parse(posted.payload.get())?, timestamp: posted.timestamp })
    }
}

/// What the platform hears about an accepted event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The event's id.
    pub id: EventId,
    /// How many endpoints it goes to.
    pub deliveries: u32,
    /// Whether this id had been accepted before, with the same body; nothing new was stored.
    pub repeated: bool,
}

/// An event in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Id, unique in the account.
    pub id: EventId,
    /// Kind.
    pub kind: EventKind,
    /// The call's UUID in lower case.
    pub call_id: String,
    /// Caller as the platform names it: a number, or a party such as `extension 7048`.
    pub caller: String,
    /// Callee, likewise.
    pub callee: String,
    /// Unix seconds of the event itself.
    pub timestamp: i64,
    /// When we accepted it.
    pub accepted_at: UnixMs,
    /// Whether a person sent it as a test.
    pub test: bool,
    /// How many endpoints it went to; 0 means nobody listened.
    pub deliveries: u32,
}

/// An event with its payload and where it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDetail {
    /// The event.
    pub event: EventRow,
    /// Payload, compact JSON; none once it is past retention.
    pub payload: Option<String>,
    /// Its deliveries, oldest first.
    pub deliveries: Vec<DeliveryRow>,
}

/// Which events to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only these kinds; all when empty.
    pub kinds: Vec<EventKind>,
    /// Only this call's, by UUID in lower case.
    pub call: Option<String>,
    /// Only events that went nowhere.
    pub not_sent: bool,
    /// Older than this position, from the page before.
    pub cursor: Option<String>,
    /// How many at most; see [`crate::query::page_size`].
    pub limit: u32,
}

/// One page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next, older page begins; none at the end.
    pub next: Option<String>,
}

/// Events: the part of the port that takes them in and shows them.
#[async_trait]
pub trait Events {
    /// Accepts one event for the actor's account, durably, with a delivery for each endpoint that listens.
    ///
    /// # Errors
    /// `Conflict` when the id was used with another body, `NotFound` for an unknown account, `Unavailable`.
    async fn accept_event(&self, actor: &Actor, account: &AccountId, event: NewEvent) -> Result<Accepted>;
    /// The account that a platform token names by id or reference, or the token's own.
    ///
    /// # Errors
    /// `NotFound` when there is none or it is not the actor's.
    async fn account_for_events(&self, actor: &Actor, named: Option<&str>) -> Result<AccountId>;
    /// One page of the account's events, newest first.
    ///
    /// # Errors
    /// `Forbidden` without the right to read.
    async fn events(&self, actor: &Actor, filter: &EventFilter) -> Result<Page<EventRow>>;
    /// One event with its outcome.
    ///
    /// # Errors
    /// `NotFound` also for another account's event.
    async fn event(&self, actor: &Actor, id: &EventId) -> Result<EventDetail>;
}
