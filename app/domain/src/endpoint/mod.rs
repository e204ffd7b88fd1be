//! Endpoints: URLs that receive events.

mod form;
mod header;
mod health;
mod port;
mod state;

use serde::{Deserialize, Serialize};

pub use self::{
    form::{EndpointForm, NewEndpoint},
    header::{HEADER_KEPT, HEADER_VALUE_MAX_CHARS, HEADERS_MAX, Header},
    health::{DISABLED_AFTER_MS, FAILING_AFTER_ATTEMPTS, FAILING_AFTER_MS, Health, WARNED_AFTER_MS},
    port::{Duplicate, Endpoints},
    state::{EndpointState, PauseReason},
};
use crate::{event::EventKind, id::EndpointId, target::TargetUrl, time::UnixMs};

/// Time limit of an attempt, body included, unless the endpoint sets its own.
pub const ATTEMPT_TIMEOUT_MS: u32 = 15_000;
/// Time limit of a look-up of the endpoint's name, in milliseconds.
pub const DNS_TIMEOUT_MS: u32 = 3_000;
/// Time limit of connecting, TLS included, in milliseconds.
pub const CONNECT_TIMEOUT_MS: u32 = 5_000;
/// Shortest limit that an endpoint may set.
pub const ATTEMPT_TIMEOUT_MIN_MS: u32 = 1_000;
/// Longest limit that an endpoint may set.
pub const ATTEMPT_TIMEOUT_MAX_MS: u32 = 30_000;
/// Highest rate limit that an endpoint may set, in events per second.
pub const RATE_MAX_PER_S: u32 = 1_000;
/// Most endpoints of an account.
pub const ENDPOINTS_MAX: u32 = 500;

/// An endpoint without its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Id.
    pub id: EndpointId,
    /// Name for people; the host unless they chose another.
    pub name: String,
    /// Where it is.
    pub url: TargetUrl,
    /// The kinds it picked, in [`EventKind::ALL`]'s order; at least one.
    pub events: Vec<EventKind>,
    /// Where it stands.
    pub state: EndpointState,
    /// Why it is paused, if it is.
    pub pause_reason: Option<PauseReason>,
    /// Since when it has stood there.
    pub state_since: UnixMs,
    /// Its latest attempts.
    pub health: Health,
    /// Time limit of an attempt in milliseconds.
    pub timeout_ms: u32,
    /// Most events per second; none for no limit.
    pub rate_per_s: Option<u32>,
    /// Most held events per second since the latest resume; none for no limit of its own.
    pub drain_per_s: Option<u32>,
    /// Whether calls are sent however late they are.
    pub deliver_late: bool,
    /// Names of its custom headers, in their order; the values are credentials.
    pub header_names: Vec<String>,
    /// Whether it is the account's own test line.
    pub test_line: bool,
    /// Counts its changes; an edit names the version it began with.
    pub version: u32,
    /// When it was created.
    pub created_at: UnixMs,
}

/// An endpoint with its deliveries in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSummary {
    /// Whether the account is suspended, so that the endpoint holds its events.
    pub suspended: bool,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Deliveries that have not ended: queued, retrying or held. Exact up to [`crate::delivery::COUNT_MAX`].
    pub waiting: u32,
    /// Delivered in the last 24 hours, counted by whole hours.
    pub delivered_24h: u32,
    /// Ended as failed in the last 24 hours, likewise.
    pub failed_24h: u32,
    /// Length in milliseconds that 95 of 100 attempts of the last 24 hours did not exceed.
    pub p95_ms: Option<u32>,
    /// The cause of its latest failure, while it is failing.
    pub failure: Option<crate::cause::Failure>,
    /// The auth token with all but its end hidden.
    pub auth_token_masked: String,
    /// The signing secret with all but its end hidden.
    pub signing_secret_masked: String,
}

/// An endpoint as it was just created, with its credentials, this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its credentials.
    pub credentials: Credentials,
}

/// The credentials of an endpoint in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Stands in the body.
    pub auth_token: String,
    /// Signs the headers; `whsec_…`.
    pub signing_secret: String,
    /// While the auth token is rotated: the one that is not sent, which is the next before the switch and the earlier
    /// after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_auth_token: Option<String>,
    /// While two secrets overlap: the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_signing_secret: Option<String>,
}
