//! Sample deliveries for this crate's tests.

use domain::{
    UnixMs,
    delivery::{DeliveryRow, Status},
    event::EventKind,
    id::{DeliveryId, EndpointId, EventId},
    retry::RetryPolicy,
};

/// A `CallProcessed` created at the epoch, without attempts.
pub(crate) fn row(status: Status) -> DeliveryRow {
    DeliveryRow {
        id: DeliveryId::new(UnixMs(0), 1),
        event_id: EventId::new(UnixMs(0), 1),
        kind: EventKind::CallProcessed,
        call_id: "2f533604-aaaf-11e7-b600-7ac8e42434d2".into(),
        caller: "01202901222".into(),
        callee: "extension 7048".into(),
        endpoint_id: EndpointId::new(UnixMs(0), 1),
        endpoint_name: "CRM".into(),
        endpoint_host: "crm.acme.example".into(),
        status,
        end_reason: None,
        order_given_up: None,
        failure: None,
        status_code: None,
        duration_ms: None,
        attempts: 0,
        attempts_before: 0,
        policy: RetryPolicy::Durable,
        created_at: UnixMs(0),
        next_attempt_at: None,
        finished_at: None,
        test: false,
        beats: Vec::new(),
    }
}
