//! Attempts: the HTTP requests of a delivery.

use serde::{Deserialize, Serialize};

use crate::{cause::Failure, id::AttemptId, time::UnixMs};

/// Bytes of the response body that are stored.
pub const RESPONSE_KEPT_BYTES: usize = 16 * 1_024;
/// Bytes of the response's header lines that are stored.
pub const RESPONSE_HEAD_KEPT_BYTES: usize = 16 * 1_024;
/// Bytes of the response body after which reading stops.
pub const RESPONSE_READ_MAX_BYTES: usize = 64 * 1_024;

/// How long each phase of an attempt took, in milliseconds; `None` for a phase that did not happen or was not observed
/// (a pooled connection has neither DNS nor connect).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// DNS resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<u32>,
    /// TCP connect and TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<u32>,
    /// From the end of the request to the head of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u32>,
    /// Reading the response body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_ms: Option<u32>,
}

/// An attempt with its request and response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Id.
    pub id: AttemptId,
    /// 1, 2, … within the delivery, counted across resends.
    pub number: u32,
    /// When it started.
    pub started_at: UnixMs,
    /// Total duration in milliseconds.
    pub duration_ms: u32,
    /// Duration by phase.
    pub timing: Timing,
    /// The URL used.
    pub url: String,
    /// The `webhook-signature` header that was sent.
    pub signature: String,
    /// HTTP status code, if there was a response.
    pub status_code: Option<u16>,
    /// Why it failed; `None` for a success.
    pub failure: Option<Failure>,
    /// The response headers, one `name: value` per line.
    pub response_head: String,
    /// The first [`RESPONSE_KEPT_BYTES`] of the response body as text.
    pub response_body: String,
    /// Whether the body was longer than what is stored, or did not arrive completely, or was not kept.
    pub response_cut: bool,
}
