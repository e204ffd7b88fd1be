//! The server's public API, as a connector uses it.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use connect::event::{CallEvent, Details, Payload, Route};
use domain::{
    connector::{Gap, StateReport},
    id::ConnectorId,
    time::iso_utc,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::rest_client::{Response, RestClient};

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
    client: RestClient,
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
    run: Option<&'a str>,
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
    /// As [`RestClient::new`].
    pub fn new(base: &Url, token: &str, connector: Option<ConnectorId>) -> anyhow::Result<Self> {
        Ok(Self { client: RestClient::new(base, token)?, connector })
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
        reply(&self.send(Method::POST, "events", &posted).await)
    }

    /// Posts nothing, to learn whether the token may post: then what is wrong is the event alone.
    pub async fn try_token(&self) -> Reply {
        reply(&self.send(Method::POST, "events", &serde_json::Map::new()).await)
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
            run: state.run.as_deref(),
        };
        let response = self.send(Method::PUT, &format!("connectors/{connector}/state"), &state).await;
        let registered = response.as_ref().ok().and_then(|response| serde_json::from_slice(&response.body).ok());
        match (reply(&response), registered) {
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
        reply(&self.send(Method::POST, &format!("connectors/{connector}/gaps"), &gap).await)
    }

    async fn send(&self, method: Method, path: &str, body: &impl Serialize) -> anyhow::Result<Response> {
        self.client.send(method, path, serde_json::to_vec(body)?.into()).await
    }
}

/// Only what blames the event refuses it. Whatever an administrator can fix, such as a token that has expired or a URL that
/// leads elsewhere, must not cost an event.
fn reply(response: &anyhow::Result<Response>) -> Reply {
    let response = match response {
        Ok(response) => response,
        Err(error) => return Reply::Later { wait: None, reason: format!("{error:#}") },
    };
    match response.status {
        StatusCode::CONFLICT => Reply::Accepted(response.status),
        status if status.is_success() => Reply::Accepted(status),
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Reply::Refused(response.reason()),
        _ => Reply::Later { wait: response.retry_after_s.map(Duration::from_secs), reason: response.reason() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply_to(status: u16, retry_after_s: Option<u64>) -> Reply {
        let (status, body) = (StatusCode::from_u16(status).unwrap(), r#"{"detail":"Why."}"#.into());
        reply(&Ok(Response { status, retry_after_s, body }))
    }

    #[test]
    fn only_what_blames_the_event_refuses_it() {
        for status in [200, 201, 202, 409] {
            assert!(matches!(reply_to(status, None), Reply::Accepted(_)), "{status}");
        }
        for status in [400, 413, 415, 422] {
            assert!(matches!(reply_to(status, None), Reply::Refused(_)), "{status}");
        }
        for status in [301, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504] {
            assert!(matches!(reply_to(status, None), Reply::Later { wait: None, .. }), "{status}");
        }
        let wait = Some(Duration::from_secs(7));
        let reason = "503 Service Unavailable: Why.".to_owned();
        assert_eq!(reply_to(503, Some(7)), Reply::Later { wait, reason });
    }
}
