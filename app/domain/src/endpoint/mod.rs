//! Endpoints: URLs that receive events.

mod form;
mod header;
mod health;
mod port;
mod state;
mod status;

use serde::{Deserialize, Serialize};

pub use self::{
    form::{EndpointForm, EndpointInput, NewEndpoint},
    header::{HEADER_KEPT, HEADER_VALUE_MAX_CHARS, HEADERS_MAX, Header},
    health::{DISABLED, Evidence, FAILING, FAILING_FOUR_DAYS, FAILING_ONE_DAY, Health, LAST_WARNING_MS},
    port::{Duplicate, Endpoints},
    state::{EndpointState, PauseReason},
    status::EndpointStatus,
};
use crate::{event_kind::EventKind, id::EndpointId, target::TargetUrl, time::UnixMs};

/// Default time limit of an attempt including the response body, in milliseconds.
pub const ATTEMPT_TIMEOUT_MS: u32 = 15_000;
/// Time limit of DNS resolution, in milliseconds.
pub const DNS_TIMEOUT_MS: u32 = 3_000;
/// Time limit of connecting, including TLS, in milliseconds.
pub const CONNECT_TIMEOUT_MS: u32 = 5_000;
/// Minimum time limit an endpoint may set, in milliseconds.
pub const ATTEMPT_TIMEOUT_MIN_MS: u32 = 1_000;
/// Maximum time limit an endpoint may set, in milliseconds.
pub const ATTEMPT_TIMEOUT_MAX_MS: u32 = 30_000;
/// Maximum rate limit an endpoint may set, in events per second.
pub const RATE_MAX_PER_S: u32 = 1_000;

/// An endpoint without its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Id.
    pub id: EndpointId,
    /// Display name; defaults to the host.
    pub name: String,
    /// The URL.
    pub url: TargetUrl,
    /// The subscribed kinds, in [`EventKind::ALL`]'s order; at least one.
    pub events: Vec<EventKind>,
    /// Its state.
    pub state: EndpointState,
    /// Why it is paused, if it is.
    pub pause_reason: Option<PauseReason>,
    /// Since when it has been in this state.
    pub state_since: UnixMs,
    /// Summary of its latest attempts.
    pub health: Health,
    /// Time limit of an attempt in milliseconds.
    pub timeout_ms: u32,
    /// Maximum events per second; `None` for no limit.
    pub rate_per_s: Option<u32>,
    /// Maximum held events per second after the latest resume; `None` for no separate limit.
    pub drain_per_s: Option<u32>,
    /// Whether call-start events are sent however late.
    pub deliver_late: bool,
    /// Whether it is sent the details of events beside their payload.
    pub send_details: bool,
    /// Names of its custom headers, in order. The values are credentials.
    pub header_names: Vec<String>,
    /// Whether it is the account's test line.
    pub test_line: bool,
    /// Version, incremented by each change. An edit states the version it started from.
    pub version: u32,
    /// When it was created.
    pub created_at: UnixMs,
}

/// An endpoint with statistics of its deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSummary {
    /// Whether the account is suspended and the endpoint therefore holds its events.
    pub suspended: bool,
    /// Until when nothing is sent because its server requested a pause; `None` if it did not, or the pause is over.
    pub throttled_until: Option<UnixMs>,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Deliveries that have not ended: queued, retrying or held. Exact up to [`crate::delivery::COUNT_MAX`].
    pub waiting: u32,
    /// Deliveries that succeeded in the last 24 hours, by whole hours.
    pub delivered_24h: u32,
    /// Deliveries that failed in the last 24 hours, by whole hours.
    pub failed_24h: u32,
    /// 95th percentile of the duration of attempts in the last 24 hours, in milliseconds.
    pub p95_ms: Option<u32>,
    /// The latest failure, while the endpoint is failing.
    pub failure: Option<crate::cause::Failure>,
    /// The auth token, masked except for its end.
    pub auth_token_masked: String,
    /// The signing secret, masked except for its end.
    pub signing_secret_masked: String,
}

/// A newly created endpoint with its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its credentials.
    pub credentials: Credentials,
}

/// The unmasked credentials of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Sent as `auth_token` in the body.
    pub auth_token: String,
    /// Signs the requests; `whsec_…`.
    pub signing_secret: String,
    /// During a rotation of the auth token, the token that is not being sent: the next one before the switch, the
    /// previous one after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_auth_token: Option<String>,
    /// During an overlap, the previous signing secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_signing_secret: Option<String>,
}
