//! Endpoints as JSON, in requests and responses.

use std::collections::BTreeMap;

use domain::{
    Error, UnixMs,
    endpoint::{Endpoint, EndpointInput, EndpointStatus, EndpointSummary, HEADER_KEPT, Header, PauseReason},
    time::{SECOND_MS, iso_utc},
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::rest::problem::Problem;

/// An endpoint to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEndpointRequest {
    /// The URL that events are sent to.
    #[schema(example = "https://crm.acme.example/calls")]
    pub url: String,
    /// The events it is subscribed to: `IncomingCall`, `OutgoingCall`, `CallProcessed`; at least one.
    #[schema(example = json!(["IncomingCall", "CallProcessed"]))]
    pub events: Vec<String>,
    /// Name; by default, the host.
    #[serde(default)]
    pub name: String,
    /// Sent as `auth_token` in every request body; by default, 30 random characters.
    #[serde(default)]
    pub auth_token: String,
    /// Additional request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Timeout of an attempt in seconds, 1 to 30; by default, 15.
    #[serde(default)]
    pub timeout_s: Option<u32>,
    /// Most events per second, 1 to 1,000; by default, no limit.
    #[serde(default)]
    pub rate_per_s: Option<u32>,
    /// Send call-start events even when they are old.
    #[serde(default)]
    pub deliver_late: bool,
    /// Send the details of events beside their payload.
    #[serde(default)]
    pub send_details: bool,
    /// Create it even if another endpoint has the same URL.
    #[serde(default)]
    pub allow_duplicate: bool,
}

impl CreateEndpointRequest {
    /// What the endpoint should be.
    ///
    /// # Errors
    /// 422 for an unknown event, and for a header with a line break.
    pub fn input(self) -> Result<EndpointInput, Problem> {
        let input = EndpointInput {
            headers: headers(self.headers)?,
            url: self.url,
            events: Vec::new(),
            name: self.name,
            auth_token: Some(self.auth_token).filter(|token| !token.is_empty()),
            timeout_s: self.timeout_s,
            rate_per_s: self.rate_per_s,
            deliver_late: self.deliver_late,
            send_details: self.send_details,
        };
        Ok(input.with_events(&self.events)?)
    }
}

/// Changes to an endpoint. Omitted fields keep their values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateEndpointRequest {
    url: Option<String>,
    events: Option<Vec<String>>,
    name: Option<String>,
    /// All additional request headers; a value of `••••••••` keeps the current one.
    headers: Option<BTreeMap<String, String>>,
    /// Null resets to the default.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u32>)]
    timeout_s: Option<Option<u32>>,
    /// Null removes the limit.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u32>)]
    rate_per_s: Option<Option<u32>>,
    deliver_late: Option<bool>,
    send_details: Option<bool>,
    /// The version that the change is based on: returns 409 if the endpoint has changed since.
    pub version: Option<u32>,
}

impl UpdateEndpointRequest {
    /// The current settings with the changes applied.
    ///
    /// # Errors
    /// As [`CreateEndpointRequest::input`].
    pub fn apply(self, now: EndpointInput) -> Result<EndpointInput, Problem> {
        let input = EndpointInput {
            url: self.url.unwrap_or(now.url),
            events: now.events,
            name: self.name.unwrap_or(now.name),
            auth_token: None,
            headers: self.headers.map_or(Ok(now.headers), headers)?,
            timeout_s: self.timeout_s.unwrap_or(now.timeout_s),
            rate_per_s: self.rate_per_s.unwrap_or(now.rate_per_s),
            deliver_late: self.deliver_late.unwrap_or(now.deliver_late),
            send_details: self.send_details.unwrap_or(now.send_details),
        };
        Ok(if let Some(names) = self.events { input.with_events(&names)? } else { input })
    }
}

/// Distinguishes null from an absent field.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn headers(given: BTreeMap<String, String>) -> Result<Vec<Header>, Problem> {
    if given.iter().any(|(name, value)| name.contains(['\n', '\r', ':']) || value.contains(['\n', '\r'])) {
        return Err(Error::invalid(
            "headers",
            "A header name must not contain a colon, and neither name nor value a line break.",
        )
        .into());
    }
    let header = |(name, value): (String, String)| Header { name: name.trim().into(), value: value.trim().into() };
    Ok(given.into_iter().map(header).collect())
}

/// An endpoint, without its credentials.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointJson {
    /// Id.
    #[schema(example = "ep_01kb4qz1a2b3c4d5e6f7g8h9jk")]
    id: String,
    /// Name.
    name: String,
    /// The URL that events are sent to.
    url: String,
    /// The events it is subscribed to.
    #[schema(value_type = Vec<String>)]
    events: Vec<&'static str>,
    /// `active`, `paused`, `disabled` or `deleted`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Why it is paused: `person` (by a user) or `gone` (it responded with 410).
    #[schema(value_type = Option<String>)]
    pause_reason: Option<&'static str>,
    /// When it entered this state.
    state_since: String,
    /// Whether its attempts are currently failing.
    failing: bool,
    /// When an attempt last succeeded.
    last_success_at: Option<String>,
    /// Additional request headers; their values are masked.
    headers: BTreeMap<String, &'static str>,
    /// Timeout of an attempt in seconds.
    timeout_s: u32,
    /// Most events per second.
    rate_per_s: Option<u32>,
    /// Whether call-start events are sent even when they are old.
    deliver_late: bool,
    /// Whether it is sent the details of events beside their payload.
    send_details: bool,
    /// Incremented by each change.
    version: u32,
    /// When it was created.
    created_at: String,
}

impl EndpointJson {
    /// An endpoint at this time.
    #[must_use]
    pub fn new(endpoint: Endpoint, now: UnixMs) -> Self {
        Self {
            failing: endpoint.health.is_failing(now),
            last_success_at: endpoint.health.last_success_at.map(iso_utc),
            id: endpoint.id.into(),
            name: endpoint.name,
            url: endpoint.url.as_str().to_owned(),
            events: endpoint.events.iter().map(|kind| kind.as_str()).collect(),
            state: endpoint.state.as_str(),
            pause_reason: endpoint.pause_reason.map(|reason| match reason {
                PauseReason::User => "person",
                PauseReason::Gone => "gone",
            }),
            state_since: iso_utc(endpoint.state_since),
            headers: endpoint.header_names.into_iter().map(|name| (name, HEADER_KEPT)).collect(),
            timeout_s: endpoint.timeout_ms / SECOND_MS as u32,
            rate_per_s: endpoint.rate_per_s,
            deliver_late: endpoint.deliver_late,
            send_details: endpoint.send_details,
            version: endpoint.version,
            created_at: iso_utc(endpoint.created_at),
        }
    }
}

/// An endpoint with counts of its deliveries, exact up to 10,000.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointSummaryJson {
    #[serde(flatten)]
    endpoint: EndpointJson,
    /// State and health in one word: `healthy`, `degraded` (the latest attempts failed), `failing` (for a while), `unproven`
    /// (nothing has succeeded since it was resumed or its URL changed), `idle` (nothing was sent yet), `paused`, `disabled`,
    /// `suspended` (its account) or `deleted`.
    #[schema(value_type = String)]
    status: &'static str,
    /// Deliveries that are not finished.
    waiting: u32,
    /// Until when nothing is sent because the endpoint's server requested a pause; null if it did not.
    throttled_until: Option<String>,
    /// Delivered in the last 24 hours.
    delivered_24h: u32,
    /// Failed in the last 24 hours.
    failed_24h: u32,
    /// Why its latest attempt failed, as a stable code; null unless it is failing.
    #[schema(value_type = Option<String>)]
    cause: Option<&'static str>,
}

impl EndpointSummaryJson {
    /// An endpoint at this time.
    #[must_use]
    pub fn new(summary: EndpointSummary, now: UnixMs) -> Self {
        Self {
            status: EndpointStatus::of(&summary, now).as_str(),
            endpoint: EndpointJson::new(summary.endpoint, now),
            waiting: summary.waiting,
            throttled_until: summary.throttled_until.map(iso_utc),
            delivered_24h: summary.delivered_24h,
            failed_24h: summary.failed_24h,
            cause: summary.failure.map(|failure| failure.cause.code()),
        }
    }
}

/// A new endpoint with its credentials, which are shown only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedJson {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: EndpointJson,
    /// Sent as `auth_token` in every request body.
    pub auth_token: String,
    /// Signs each request (Standard Webhooks).
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub signing_secret: String,
}
