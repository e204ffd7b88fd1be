//! Endpoints: URLs that receive events.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    account::NAME_MAX_CHARS,
    actor::Actor,
    audit::Record,
    error::{Error, FieldError, Result},
    event::EventKind,
    id::{DeliveryId, EndpointId},
    secret::check_auth_token,
    tally::Tally,
    target::TargetUrl,
    time::{MINUTE_MS, SECOND_MS, UnixMs},
};

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
/// Most custom headers of an endpoint.
pub const HEADERS_MAX: usize = 20;
/// Longest value of a custom header in characters.
pub const HEADER_VALUE_MAX_CHARS: usize = 2_048;
/// Most endpoints of an account.
pub const ENDPOINTS_MAX: u32 = 500;
/// What stands in place of a stored header value; posting it back keeps the value.
pub const HEADER_KEPT: &str = "••••••••";
/// Attempts in a row without a success after which an endpoint is failing.
pub const FAILING_AFTER_ATTEMPTS: u32 = 10;
/// Time without a success after which an endpoint is failing, however few attempts there were.
pub const FAILING_AFTER_MS: i64 = 60 * MINUTE_MS;
/// Time of failing after which the customer is told again, and for the last time.
pub const WARNED_AFTER_MS: [i64; 2] = [24 * 60 * MINUTE_MS, 4 * 24 * 60 * MINUTE_MS];
/// Time of failing after which an endpoint is disabled.
pub const DISABLED_AFTER_MS: i64 = 5 * 24 * 60 * MINUTE_MS;

/// Headers that we write ourselves or that belong to the connection.
const RESERVED_HEADERS: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "user-agent",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// Where an endpoint stands. `docs/states.md` draws the ways between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointState {
    /// Receives events.
    Active,
    /// Paused by a person, or because it answered 410: events are held.
    Paused,
    /// Disabled after days of failures: events are held.
    Disabled,
    /// Deleted; stays readable with its deliveries.
    Deleted,
}

impl EndpointState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::Paused, Self::Disabled, Self::Deleted];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Why an endpoint is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PauseReason {
    /// A person paused it.
    Person,
    /// It answered 410 Gone.
    Gone,
}

/// The latest attempts of an endpoint in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Failed attempts in a row; 0 after a success.
    pub failures_in_row: u32,
    /// When the row of failures began.
    pub failing_since: Option<UnixMs>,
    /// Latest 2xx.
    pub last_success_at: Option<UnixMs>,
    /// Latest attempt of any result.
    pub last_attempt_at: Option<UnixMs>,
}

impl Health {
    /// Whether the endpoint counts as failing now.
    #[must_use]
    pub fn is_failing(&self, now: UnixMs) -> bool {
        self.failures_in_row >= FAILING_AFTER_ATTEMPTS
            || self.failing_since.is_some_and(|since| now.since_ms(since) >= FAILING_AFTER_MS)
    }
}

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
    /// Failed or expired in the last 24 hours, likewise.
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

/// A custom header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Name as typed.
    pub name: String,
    /// Value.
    pub value: String,
}

/// What a person or program says about an endpoint: all of it when it is created or edited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointForm {
    /// URL as typed.
    #[serde(default)]
    pub url: String,
    /// Kinds, by name.
    #[serde(default)]
    pub events: Vec<String>,
    /// Name; the host when empty.
    #[serde(default)]
    pub name: String,
    /// Auth token; one is made when empty. Only read when the endpoint is created.
    #[serde(default)]
    pub auth_token: String,
    /// Custom headers, one a line: `Name: value`.
    #[serde(default)]
    pub headers: String,
    /// Time limit in whole seconds; the default when empty.
    #[serde(default)]
    pub timeout_s: String,
    /// Events per second; no limit when empty.
    #[serde(default)]
    pub rate_per_s: String,
    /// Send calls however late.
    #[serde(default)]
    pub deliver_late: bool,
}

/// An endpoint form that has passed every rule that needs no network and no database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Where it is.
    pub url: TargetUrl,
    /// What it picked, in [`EventKind::ALL`]'s order.
    pub events: Vec<EventKind>,
    /// Name, never empty.
    pub name: String,
    /// Auth token, if one was chosen.
    pub auth_token: Option<String>,
    /// Custom headers.
    pub headers: Vec<Header>,
    /// Time limit of an attempt in milliseconds.
    pub timeout_ms: u32,
    /// Most events per second.
    pub rate_per_s: Option<u32>,
    /// Send calls however late.
    pub deliver_late: bool,
}

impl EndpointForm {
    /// Checks the form.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be accepted.
    pub fn check(&self) -> Result<NewEndpoint> {
        let mut errors = Vec::new();
        let url = noted(&mut errors, TargetUrl::parse(&self.url).map_err(|said| FieldError::new("url", said)));
        let events = noted(&mut errors, self.picked());
        let headers = noted(&mut errors, headers(&self.headers)).unwrap_or_default();
        let timeout =
            noted(&mut errors, whole(&self.timeout_s, "timeout_s", 1, 30, "A time limit is 1 to 30 seconds."));
        let rate_says = "A rate is 1 to 1,000 events per second, or empty for no limit.";
        let rate = noted(&mut errors, whole(&self.rate_per_s, "rate_per_s", 1, RATE_MAX_PER_S, rate_says));
        let auth_token = Some(self.auth_token.clone()).filter(|token| !token.is_empty());
        if let Some(Err(error)) = auth_token.as_deref().map(check_auth_token) {
            errors.extend_from_slice(error.fields());
        }
        let name = self.name.trim();
        if name.chars().count() > NAME_MAX_CHARS || name.chars().any(char::is_control) {
            errors.push(FieldError::new("name", "A name has at most 120 characters."));
        }
        let (Some(url), Some(events), true) = (url, events, errors.is_empty()) else {
            return Err(Error::Invalid(errors));
        };
        Ok(NewEndpoint {
            name: if name.is_empty() { url.host() } else { name.to_owned() },
            url,
            events,
            auth_token,
            headers,
            timeout_ms: timeout.flatten().map_or(ATTEMPT_TIMEOUT_MS, |s| s * SECOND_MS as u32),
            rate_per_s: rate.flatten(),
            deliver_late: self.deliver_late,
        })
    }

    fn picked(&self) -> std::result::Result<Vec<EventKind>, FieldError> {
        if let Some(unknown) = self.events.iter().find(|name| EventKind::parse(name).is_none()) {
            let said = format!("There is no event {unknown:?}. Pick IncomingCall, OutgoingCall or CallProcessed.");
            return Err(FieldError::new("events", said));
        }
        let picked: Vec<_> =
            EventKind::ALL.into_iter().filter(|kind| self.events.iter().any(|name| name == kind.as_str())).collect();
        if picked.is_empty() {
            return Err(FieldError::new("events", "Pick at least one event; without one nothing would ever be sent."));
        }
        Ok(picked)
    }
}

fn noted<T>(errors: &mut Vec<FieldError>, result: std::result::Result<T, FieldError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

fn whole(text: &str, field: &str, least: u32, most: u32, says: &str) -> std::result::Result<Option<u32>, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<u32>() {
        Ok(n) if (least..=most).contains(&n) => Ok(Some(n)),
        _ => Err(FieldError::new(field, says)),
    }
}

/// Reads custom headers, one a line.
fn headers(text: &str) -> std::result::Result<Vec<Header>, FieldError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let headers: Vec<Header> = lines.map(header).collect::<std::result::Result<_, _>>()?;
    if headers.len() > HEADERS_MAX {
        return Err(FieldError::new("headers", "At most 20 custom headers are possible."));
    }
    let same = |a: &Header, b: &Header| a.name.eq_ignore_ascii_case(&b.name);
    match headers.iter().enumerate().find(|(at, h)| headers[..*at].iter().any(|before| same(before, h))) {
        Some((_, twice)) => Err(FieldError::new("headers", format!("{} stands here twice.", twice.name))),
        None => Ok(headers),
    }
}

/// One header line. Names are tokens and values visible text (RFC 9110 section 5), so nothing can break out.
fn header(line: &str) -> std::result::Result<Header, FieldError> {
    let refuse = |said: String| Err(FieldError::new("headers", said));
    let Some((name, value)) = line.split_once(':') else {
        return refuse(format!("Write each header as Name: value. This line has no colon: {line}"));
    };
    let (name, value) = (name.trim(), value.trim());
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
        return refuse(format!("{name:?} is not a header name."));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED_HEADERS.contains(&lower.as_str()) || lower.starts_with("offhook-") {
        return refuse(format!("{name} is written by us and cannot be set."));
    }
    let kept = value == HEADER_KEPT;
    if value.len() > HEADER_VALUE_MAX_CHARS || !(kept || value.chars().all(|c| c == '\t' || (' '..='~').contains(&c))) {
        return refuse(format!("The value of {name} may hold visible ASCII characters only, at most 2,048."));
    }
    Ok(Header { name: name.to_owned(), value: value.to_owned() })
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

/// What to do about a URL that another endpoint already has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicate {
    /// Refuse and name the other one.
    Refuse,
    /// Create it all the same.
    Allow,
}

/// Endpoints: the part of the port that creates, changes and tests them.
#[async_trait]
pub trait Endpoints {
    /// Creates an endpoint with fresh credentials.
    ///
    /// # Errors
    /// `Invalid` per field (also for a private address), `Conflict` with the existing id for a URL used twice.
    async fn create_endpoint(
        &self,
        actor: &Actor,
        form: &EndpointForm,
        duplicate: Duplicate,
    ) -> Result<CreatedEndpoint>;
    /// The account's endpoints: failing first, then by name; deleted ones left out.
    ///
    /// # Errors
    /// `Forbidden` without the right to read.
    async fn endpoints(&self, actor: &Actor) -> Result<Vec<EndpointSummary>>;
    /// One endpoint, also a deleted one.
    ///
    /// # Errors
    /// `NotFound` also for another account's.
    async fn endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<EndpointSummary>;
    /// The form as it would be filled in now; header values are [`HEADER_KEPT`].
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    async fn endpoint_form(&self, actor: &Actor, id: &EndpointId) -> Result<(Endpoint, EndpointForm)>;
    /// Changes an endpoint. `version` is the one the edit began with; none to overwrite whatever is there.
    ///
    /// # Errors
    /// `Invalid` per field, `Conflict` when someone else changed it meanwhile.
    async fn update_endpoint(
        &self,
        actor: &Actor,
        id: &EndpointId,
        form: &EndpointForm,
        version: Option<u32>,
    ) -> Result<Endpoint>;
    /// Holds the endpoint's events from now on. Pausing a paused endpoint changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` for a deleted endpoint.
    async fn pause_endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<Endpoint>;
    /// Sends again, the held events first, in the order of each call; held ones at most `drain_per_s` a second.
    ///
    /// # Errors
    /// As [`Self::pause_endpoint`]; `Invalid` for a rate outside of 1 to [`RATE_MAX_PER_S`].
    async fn resume_endpoint(&self, actor: &Actor, id: &EndpointId, drain_per_s: Option<u32>) -> Result<Endpoint>;
    /// Deletes an endpoint and cancels what waits for it; answers how many that were.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<u32>;
    /// Sends an example event of this kind, or this payload, to this endpoint alone, marked as a test.
    ///
    /// # Errors
    /// `Invalid` for a payload that breaks the contract, `Conflict` when the endpoint is paused.
    async fn send_test(
        &self,
        actor: &Actor,
        id: &EndpointId,
        kind: EventKind,
        payload: Option<&str>,
    ) -> Result<DeliveryId>;
    /// The credentials in full.
    ///
    /// # Errors
    /// `Forbidden` for those who may not see them.
    async fn reveal_credentials(&self, actor: &Actor, id: &EndpointId) -> Result<Credentials>;
    /// What the endpoint did by the hour, oldest first, from the hour of `since` on; quiet hours are left out.
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    async fn endpoint_hours(&self, actor: &Actor, id: &EndpointId, since: UnixMs) -> Result<Vec<(UnixMs, Tally)>>;
    /// What all endpoints of the account did together, as [`Self::endpoint_hours`].
    ///
    /// # Errors
    /// `Forbidden` for those who may not read endpoints.
    async fn account_hours(&self, actor: &Actor, since: UnixMs) -> Result<Vec<(UnixMs, Tally)>>;
    /// The latest 50 things that happened to the endpoint, newest first.
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    async fn endpoint_log(&self, actor: &Actor, id: &EndpointId) -> Result<Vec<Record>>;
    /// The account's test line as an endpoint that listens for every event; made on first use.
    ///
    /// # Errors
    /// `Forbidden` for those who may not create endpoints.
    async fn use_test_line(&self, actor: &Actor) -> Result<Endpoint>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> EndpointForm {
        EndpointForm {
            url: "https://crm.acme.example/calls".into(),
            events: vec!["CallProcessed".into(), "IncomingCall".into()],
            ..EndpointForm::default()
        }
    }

    #[test]
    fn an_endpoint_is_named_after_its_host_and_its_events_are_in_order() {
        let new = form().check().unwrap();
        assert_eq!(new.name, "crm.acme.example");
        assert_eq!(new.events, [EventKind::IncomingCall, EventKind::CallProcessed]);
        assert_eq!((new.timeout_ms, new.rate_per_s), (ATTEMPT_TIMEOUT_MS, None));
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let wrong = EndpointForm {
            timeout_s: "31".into(),
            rate_per_s: "fast".into(),
            headers: "Host: x".into(),
            auth_token: "a\u{7}".into(),
            name: "x".repeat(121),
            ..EndpointForm::default()
        };
        let error = wrong.check().unwrap_err();
        let fields: Vec<_> = error.fields().iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["url", "events", "headers", "timeout_s", "rate_per_s", "auth_token", "name"]);
    }

    #[test]
    fn custom_headers_cannot_break_out_or_replace_ours() {
        for wrong in ["X-A", "X A: b", "Webhook-Id: x", "offhook-event: x", "X-A: ä", "X-A: 1\nx-a: 2", ": x"] {
            assert!(EndpointForm { headers: wrong.into(), ..form() }.check().is_err(), "{wrong}");
        }
        let kept = EndpointForm { headers: format!("X-Key: {HEADER_KEPT}\n\nAuthorization: Bearer x:y"), ..form() };
        assert_eq!(kept.check().unwrap().headers[1].value, "Bearer x:y");
    }

    #[test]
    fn an_endpoint_is_failing_after_ten_attempts_or_an_hour() {
        let health = Health { failures_in_row: 9, failing_since: Some(UnixMs(0)), ..Health::default() };
        assert!(!health.is_failing(UnixMs(FAILING_AFTER_MS - 1)));
        assert!(health.is_failing(UnixMs(FAILING_AFTER_MS)));
        assert!(Health { failures_in_row: 10, ..health }.is_failing(UnixMs(0)));
        assert!(!Health::default().is_failing(UnixMs(i64::MAX)));
    }
}
