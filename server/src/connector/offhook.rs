//! The server's public API, as a connector uses it.

use std::time::Duration;

use anyhow::Context as _;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use connect::event::{CallEvent, Details, Payload, Route};
use domain::{
    connector::{Gap, StateReport},
    id::ConnectorId,
    time::iso_utc,
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::http_client::{self, HttpClient};

/// Time limit of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest response that is read, in bytes.
const RESPONSE_MAX_BYTES: usize = 64 * 1_024;
/// Longest reason that is kept, in characters.
const REASON_MAX_CHARS: usize = 300;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Accepted, or known already.
    Accepted(StatusCode),
    /// This request will never be accepted.
    Refused(String),
    /// Not now, nor anything else.
    Later {
        /// How long the server asks to wait.
        wait: Option<Duration>,
        /// Why.
        reason: String,
    },
}

/// Whose connector it is: only a platform's needs a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The token belongs to an account, whose events these are.
    Account,
    /// The route of each event decides the account.
    Platform,
}

/// A connector as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Whose it is.
    #[serde(rename = "account", with = "owner")]
    pub owner: Owner,
    /// What distinguishes its phone system from others.
    #[serde(default)]
    pub identity: String,
    /// The endpoints that lead outside, which were chosen in the dashboard.
    #[serde(default)]
    pub trunks: Vec<String>,
    /// Whether calls between extensions are reported.
    #[serde(default)]
    pub include_internal: bool,
}

/// The ID of the account; null for a connector of the platform.
mod owner {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Owner;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    pub(super) fn serialize<S: Serializer>(owner: &Owner, serializer: S) -> Result<S::Ok, S::Error> {
        match owner {
            Owner::Account => serializer.serialize_str("account"),
            Owner::Platform => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Owner, D::Error> {
        let account = Option::<String>::deserialize(deserializer)?;
        Ok(if account.is_some() { Owner::Account } else { Owner::Platform })
    }
}

/// A server, and a token for it.
pub struct Offhook {
    http: HttpClient,
    base: Url,
    authorization: String,
    connector: Option<ConnectorId>,
}

/// An event as it is posted.
#[derive(Serialize)]
struct Posted<'a> {
    id: &'a str,
    timestamp: i64,
    payload: &'a Payload,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Details>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connector: Option<&'a ConnectorId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a Route>,
}

/// A state as it is reported.
#[derive(Serialize)]
struct State<'a> {
    connected: bool,
    last_event_at: Option<String>,
    calls_open: u32,
    lag_ms: Option<u32>,
    system_version: Option<&'a str>,
    problem: Option<&'static str>,
    detail: Option<&'a str>,
    seen: &'a [String],
}

/// A gap as it is reported.
#[derive(Serialize)]
struct ReportedGap {
    from: String,
    to: Option<String>,
    reason: &'static str,
    calls_closed: u32,
    filled: u32,
    incomplete: u32,
}

impl Offhook {
    /// The server at `base`, for events of this connector, if it has an ID.
    ///
    /// # Errors
    /// When TLS cannot be used.
    pub fn new(base: &Url, token: &str, connector: Option<ConnectorId>) -> anyhow::Result<Self> {
        let mut base = base.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let http = http_client::new().context("TLS")?;
        Ok(Self { http, base, authorization: format!("Bearer {token}"), connector })
    }

    /// The connector's ID.
    #[must_use]
    pub const fn connector(&self) -> Option<&ConnectorId> {
        self.connector.as_ref()
    }

    /// Posts an event.
    pub async fn post(&self, event: &CallEvent, owner: Owner) -> Reply {
        let connector = self.connector.as_ref().filter(|_| owner == Owner::Platform);
        let posted = Posted {
            id: &event.id,
            timestamp: event.timestamp_s,
            payload: &event.payload,
            details: event.details.as_ref(),
            connector,
            route: connector.map(|_| &event.route),
        };
        self.send(Method::POST, "api/v1/events", &posted).await.reply()
    }

    /// Posts nothing, to learn whether the token may post: then what is wrong is the event alone.
    pub async fn try_token(&self) -> Reply {
        self.send(Method::POST, "api/v1/events", &serde_json::Map::new()).await.reply()
    }

    /// Reports the state; returns the connector, if that was accepted.
    pub async fn report(&self, connector: &ConnectorId, state: &StateReport) -> Result<Registered, Reply> {
        let state = State {
            connected: state.connected,
            last_event_at: state.last_event_at.map(iso_utc),
            calls_open: state.calls_open,
            lag_ms: state.lag_ms,
            system_version: state.system_version.as_deref(),
            problem: state.problem.map(domain::connector::ConnectorProblem::as_str),
            detail: state.detail.as_deref(),
            seen: &state.seen,
        };
        let response = self.send(Method::PUT, &format!("api/v1/connectors/{connector}/state"), &state).await;
        match (response.reply(), response.json()) {
            (Reply::Accepted(_), Some(registered)) => Ok(registered),
            (reply, _) => Err(reply),
        }
    }

    /// Reports a gap.
    pub async fn report_gap(&self, connector: &ConnectorId, gap: &Gap) -> Reply {
        let gap = ReportedGap {
            from: iso_utc(gap.from),
            to: gap.to.map(iso_utc),
            reason: gap.reason.as_str(),
            calls_closed: gap.calls_closed,
            filled: gap.filled,
            incomplete: gap.incomplete,
        };
        self.send(Method::POST, &format!("api/v1/connectors/{connector}/gaps"), &gap).await.reply()
    }

    async fn send(&self, method: Method, path: &str, body: &impl Serialize) -> Response {
        match tokio::time::timeout(REQUEST_TIMEOUT, self.exchange(method, path, body)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => Response::Failed(format!("{error:#}")),
            Err(_) => Response::Failed("no response within 30 s".to_owned()),
        }
    }

    async fn exchange(&self, method: Method, path: &str, body: &impl Serialize) -> anyhow::Result<Response> {
        let uri: Uri = self.base.join(path)?.as_str().parse()?;
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(serde_json::to_vec(body)?)))?;
        let response = self.http.request(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = Limited::new(response.into_body(), RESPONSE_MAX_BYTES).collect().await;
        let body = body.map_err(anyhow::Error::from_boxed)?.to_bytes();
        Ok(Response::Received { status, headers, body })
    }
}

enum Response {
    Received { status: StatusCode, headers: HeaderMap, body: Bytes },
    Failed(String),
}

impl Response {
    fn json<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        match self {
            Self::Received { body, .. } => serde_json::from_slice(body).ok(),
            Self::Failed(_) => None,
        }
    }

    fn reply(&self) -> Reply {
        match self {
            Self::Received { status, headers, body } => classify(*status, headers, body),
            Self::Failed(reason) => Reply::Later { wait: None, reason: reason.clone() },
        }
    }
}

/// Only what blames the event refuses it. Whatever an administrator can fix, such as a token that has expired or a URL that
/// leads elsewhere, must not cost an event.
fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Reply {
    let reason = || {
        let text = String::from_utf8_lossy(body);
        let detail = serde_json::from_slice::<Problem>(body).map_or_else(|_| text.into_owned(), Problem::text);
        format!("{status}: {detail}").chars().filter(|c| !c.is_control()).take(REASON_MAX_CHARS).collect()
    };
    match status {
        StatusCode::CONFLICT => Reply::Accepted(status),
        status if status.is_success() => Reply::Accepted(status),
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Reply::Refused(reason()),
        _ => {
            let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Reply::Later { wait: seconds.map(Duration::from_secs), reason: reason() }
        }
    }
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
    #[serde(default)]
    errors: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    fn text(self) -> String {
        let fields: String = self.errors.into_iter().map(|(field, errors)| format!(" {field}: {errors}")).collect();
        self.detail + &fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, retry_after: &str) -> Reply {
        let mut headers = HeaderMap::new();
        if !retry_after.is_empty() {
            headers.insert(header::RETRY_AFTER, retry_after.parse().unwrap());
        }
        classify(StatusCode::from_u16(status).unwrap(), &headers, br#"{"detail":"Why."}"#)
    }

    #[test]
    fn only_what_blames_the_event_refuses_it() {
        for status in [200, 201, 202, 409] {
            assert!(matches!(reply(status, ""), Reply::Accepted(_)), "{status}");
        }
        for status in [400, 413, 415, 422] {
            assert!(matches!(reply(status, ""), Reply::Refused(_)), "{status}");
        }
        for status in [301, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504] {
            assert!(matches!(reply(status, ""), Reply::Later { wait: None, .. }), "{status}");
        }
        let wait = Some(Duration::from_secs(7));
        let reason = "503 Service Unavailable: Why.".to_owned();
        assert_eq!(reply(503, "7"), Reply::Later { wait, reason });
    }
}
