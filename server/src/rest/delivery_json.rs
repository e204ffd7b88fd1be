//! Deliveries and their attempts as JSON.

use domain::{
    UnixMs,
    attempt::Attempt,
    delivery::{DeliveryDetail, DeliveryRow},
    time::iso_utc,
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A delivery: one event for one endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryJson {
    /// Id.
    #[schema(example = "dlv_01kb4qz1a2b3c4d5e6f7g8h9jk")]
    id: String,
    /// Id of its event: the `webhook-id` of every attempt.
    event_id: String,
    /// `IncomingCall`, `OutgoingCall` or `CallProcessed`.
    #[schema(value_type = String)]
    event: &'static str,
    /// The call's UUID.
    call_id: String,
    /// The caller.
    caller: String,
    /// The callee.
    callee: String,
    /// Id of its endpoint.
    endpoint_id: String,
    /// Name of its endpoint.
    endpoint_name: String,
    /// `queued`, `sending`, `retrying`, `held`, `delivered`, `failed`, `expired` or `cancelled`.
    #[schema(value_type = String)]
    status: &'static str,
    /// Why it ended without success: `exhausted`, `gone`, `too_late`, `superseded`, `cancelled`, `endpoint_deleted`.
    #[schema(value_type = Option<String>)]
    end_reason: Option<&'static str>,
    /// Why later events of its call don't wait for it any more: `rejected` (a definite 4xx) or `no_success` (for 2 minutes).
    #[schema(value_type = Option<String>)]
    order_given_up: Option<&'static str>,
    /// Why the latest attempt failed or nothing is sent, as a stable code.
    #[schema(value_type = Option<String>, example = "connect_refused")]
    cause: Option<&'static str>,
    /// Its status and cause as a sentence.
    detail: String,
    /// HTTP status of the latest attempt.
    status_code: Option<u16>,
    /// Duration of the latest attempt in milliseconds.
    duration_ms: Option<u32>,
    /// Attempts made so far.
    attempt_count: u32,
    /// When the event was accepted.
    created_at: String,
    /// When the next attempt is due.
    next_attempt_at: Option<String>,
    /// When it ended.
    finished_at: Option<String>,
    /// Whether it is a test.
    test: bool,
}

impl DeliveryJson {
    /// A row at this time.
    #[must_use]
    pub fn new(row: DeliveryRow, now: UnixMs) -> Self {
        Self {
            detail: row.sentence(now),
            id: row.id.into(),
            event_id: row.event_id.into(),
            event: row.kind.as_str(),
            call_id: row.call_id,
            caller: row.caller,
            callee: row.callee,
            endpoint_id: row.endpoint_id.into(),
            endpoint_name: row.endpoint_name,
            status: row.status.as_str(),
            end_reason: row.end_reason.map(|reason| reason.as_str()),
            order_given_up: row.order_given_up.map(|reason| reason.as_str()),
            cause: row.failure.map(|failure| failure.cause.code()),
            status_code: row.status_code,
            duration_ms: row.duration_ms,
            attempt_count: row.attempts,
            created_at: iso_utc(row.created_at),
            next_attempt_at: row.next_attempt_at.map(iso_utc),
            finished_at: row.finished_at.map(iso_utc),
            test: row.test,
        }
    }
}

/// A delivery with its payload and attempts.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryDetailJson {
    #[serde(flatten)]
    delivery: DeliveryJson,
    /// The endpoint's current URL.
    endpoint_url: String,
    /// Unix time of the event in seconds.
    timestamp: i64,
    /// The payload as sent; null after its retention period.
    #[schema(value_type = Option<Object>)]
    payload: Option<Box<RawValue>>,
    /// The details sent beside the payload; null if the event has none or its endpoint doesn't ask for them.
    #[schema(value_type = Option<Object>)]
    details: Option<Box<RawValue>>,
    /// The latest attempts, at most 20, oldest first.
    attempts: Vec<AttemptJson>,
}

impl DeliveryDetailJson {
    /// A delivery at this time.
    #[must_use]
    pub fn new(detail: DeliveryDetail, now: UnixMs) -> Self {
        Self {
            delivery: DeliveryJson::new(detail.row, now),
            endpoint_url: detail.endpoint_url,
            timestamp: detail.event_timestamp,
            payload: detail.payload.and_then(|text| RawValue::from_string(text).ok()),
            details: detail.details.and_then(|text| RawValue::from_string(text).ok()),
            attempts: detail.attempts.into_iter().map(|attempt| AttemptJson::new(attempt, now)).collect(),
        }
    }
}

/// One HTTP request of a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptJson {
    /// Id.
    id: String,
    /// 1, 2, … within the delivery.
    number: u32,
    /// When it started.
    started_at: String,
    /// Total duration in milliseconds.
    duration_ms: u32,
    /// Duration by phase.
    timing: TimingJson,
    /// The URL used.
    url: String,
    /// The `webhook-signature` that was sent.
    signature: String,
    /// HTTP status; null without a response.
    status_code: Option<u16>,
    /// Why it failed, as a stable code; null if it succeeded.
    #[schema(value_type = Option<String>)]
    cause: Option<&'static str>,
    /// The cause as a sentence.
    detail: Option<String>,
    /// The response's header lines.
    response_head: String,
    /// The first 16 KiB of the response body, as text.
    response_body: String,
    /// Whether the response body was longer, did not arrive completely, or was not kept because the account stores too much.
    response_cut: bool,
}

/// Milliseconds of each phase of an attempt; null for a phase that was not needed, such as connecting on an open connection.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimingJson {
    /// DNS resolution.
    dns_ms: Option<u32>,
    /// TCP and TLS handshakes.
    connect_ms: Option<u32>,
    /// From the end of the request to the response headers.
    wait_ms: Option<u32>,
    /// Reading the response body.
    body_ms: Option<u32>,
}

impl AttemptJson {
    /// An attempt at this time.
    #[must_use]
    pub fn new(attempt: Attempt, now: UnixMs) -> Self {
        let timing = attempt.timing;
        Self {
            id: attempt.id.into(),
            number: attempt.number,
            started_at: iso_utc(attempt.started_at),
            duration_ms: attempt.duration_ms,
            timing: TimingJson {
                dns_ms: timing.dns_ms,
                connect_ms: timing.connect_ms,
                wait_ms: timing.wait_ms,
                body_ms: timing.body_ms,
            },
            url: attempt.url,
            signature: attempt.signature,
            status_code: attempt.status_code,
            cause: attempt.failure.as_ref().map(|failure| failure.cause.code()),
            detail: attempt.failure.map(|failure| failure.sentence(now)),
            response_head: attempt.response_head,
            response_body: attempt.response_body,
            response_cut: attempt.response_cut,
        }
    }
}
