//! A delivery that this node has leased and holds in memory.

use std::sync::Arc;

use domain::{UnixMs, event::EventKind, rotation::Credential};

/// A leased delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeasedDelivery {
    /// Delivery id.
    pub id: String,
    /// The account that owns it.
    pub account_id: String,
    /// The endpoint it is sent to.
    pub endpoint_id: Arc<str>,
    /// The `webhook-id`.
    pub event_id: String,
    /// Kind.
    pub kind: EventKind,
    /// The call.
    pub call_id: String,
    /// Attempts made so far.
    pub attempts: u32,
    /// Of these, those that don't count: before the latest resend, or throttled.
    pub attempts_before: u32,
    /// When the event was accepted, or resent.
    pub fresh_from: UnixMs,
    /// The credential it proves: set for a test that carries the next one.
    pub proof: Option<Credential>,
    /// Unix seconds of the event itself.
    pub timestamp_s: i64,
    /// The payload as it is sent; none once it is past retention. Deliveries of one event share it.
    pub payload: Option<Arc<str>>,
    /// The event's details, which most events don't have. Shared likewise.
    pub details: Option<Arc<str>>,
}

impl LeasedDelivery {
    /// Bytes of its payload and details.
    #[must_use]
    pub(crate) fn bytes(&self) -> usize {
        [&self.payload, &self.details].into_iter().flatten().map(|text| text.len()).sum()
    }
}
