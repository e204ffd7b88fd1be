//! One HTTP request of a delivery, as it is kept.

use serde::{Deserialize, Serialize};

use crate::{cause::Failure, id::AttemptId, time::UnixMs};

/// Bytes of a response body that are kept.
pub const RESPONSE_KEPT_BYTES: usize = 16 * 1_024;
/// Bytes of a response body after which reading stops.
pub const RESPONSE_READ_MAX_BYTES: usize = 64 * 1_024;

/// How long the parts of an attempt took, in milliseconds; none where a part did not happen or was not seen
/// (a pooled connection has neither DNS nor connect).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// Resolving the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<u32>,
    /// TCP and TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<u32>,
    /// From the request's end to the response's head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u32>,
    /// Reading the response's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_ms: Option<u32>,
}

/// An attempt with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Id.
    pub id: AttemptId,
    /// 1, 2, … within the delivery, across resends.
    pub number: u32,
    /// When it began.
    pub started_at: UnixMs,
    /// How long it took in all, in milliseconds.
    pub duration_ms: u32,
    /// Where the time went.
    pub timing: Timing,
    /// The URL at the time.
    pub url: String,
    /// The signature header that was sent.
    pub signature: String,
    /// HTTP status, where there was an answer.
    pub status_code: Option<u16>,
    /// Why it failed; none for a success.
    pub failure: Option<Failure>,
    /// The response's header lines, `name: value`, one a line.
    pub response_head: String,
    /// The first [`RESPONSE_KEPT_BYTES`] of the response body as text.
    pub response_body: String,
    /// Whether the body was longer than what is kept.
    pub response_cut: bool,
}
