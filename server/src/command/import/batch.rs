//! Batches of events, posted until each has a result.

use std::time::Duration;

use anyhow::{anyhow, bail};
use axum::http::{Method, StatusCode};
use connect::event::{CallEvent, Details, Payload, Route};
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};

use super::kind::OfConnector;
use crate::rest_client::{RestClient, wait};

/// Events of a batch. Many fit into the limit of a request, and the server answers within a second.
pub(super) const BATCH_EVENTS: usize = 500;
/// How often what has no result yet is posted.
const ATTEMPTS_MAX: u32 = 10;
/// Pause before the next attempt, if the server does not say.
const PAUSE: Duration = Duration::from_secs(1);

/// Where events go.
pub(super) struct Target {
    client: RestClient,
    account: Option<String>,
    /// The connector of the platform, which routes them.
    router: Option<String>,
    settings: Option<OfConnector>,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Posted {
    /// It was accepted.
    Accepted,
    /// It was known already.
    Known,
    /// No route leads to an account.
    Unrouted,
    /// The connector is paused.
    Paused,
    /// It can never be accepted, for this reason.
    Rejected(String),
}

/// The outcome of one request.
enum Attempt {
    /// A result for each event, or a reason to post it again.
    Results(Vec<Result<Posted, String>>),
    /// All of them have to be posted again after this pause, for this reason.
    Later(Duration, String),
}

#[derive(Serialize)]
struct EventJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connector: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a Route>,
    id: &'a str,
    timestamp: i64,
    payload: &'a Payload,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Details>,
}

#[derive(Serialize)]
struct BatchJson<'a> {
    events: Vec<EventJson<'a>>,
}

#[derive(Deserialize)]
struct ResultsJson {
    results: Vec<ResultJson>,
}

#[derive(Deserialize)]
struct ResultJson {
    status: u16,
    #[serde(default)]
    unrouted: bool,
    #[serde(default)]
    paused: bool,
    problem: Option<ProblemJson>,
}

#[derive(Deserialize)]
struct ProblemJson {
    detail: String,
}

impl Target {
    /// Asks the server for the connector, if one is named.
    pub(super) async fn find(
        client: RestClient,
        connector: Option<&str>,
        account: Option<String>,
    ) -> anyhow::Result<Self> {
        let Some(id) = connector else { return Ok(Self { client, account, router: None, settings: None }) };
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            bail!("--connector: {id:?} is no id of a connector");
        }
        let reply = client.send(Method::GET, &format!("connectors/{id}"), Bytes::new()).await?;
        if reply.status != StatusCode::OK {
            bail!("--connector: {}", reply.reason());
        }
        let settings: OfConnector = serde_json::from_slice(&reply.body)?;
        let router = settings.account.is_none().then(|| id.to_owned());
        Ok(Self { client, account, router, settings: Some(settings) })
    }

    /// What the connector knows of its phone system.
    pub(super) const fn settings(&self) -> Option<&OfConnector> {
        self.settings.as_ref()
    }

    /// Posts events until each has a result.
    pub(super) async fn post(&self, events: &[CallEvent]) -> anyhow::Result<Vec<Posted>> {
        let mut results: Vec<Option<Posted>> = vec![None; events.len()];
        let mut last = anyhow!("the server accepts nothing");
        for _ in 0..ATTEMPTS_MAX {
            let open: Vec<usize> =
                (0..events.len()).filter(|at| results.get(*at).is_some_and(Option::is_none)).collect();
            let pause = match self.post_once(open.iter().filter_map(|at| events.get(*at)).collect()).await? {
                Attempt::Results(found) => {
                    for (at, posted) in open.into_iter().zip(found) {
                        match posted {
                            Ok(posted) => results[at] = Some(posted),
                            Err(reason) => last = anyhow!(reason),
                        }
                    }
                    if results.iter().all(Option::is_some) {
                        break;
                    }
                    PAUSE
                }
                Attempt::Later(pause, reason) => {
                    last = anyhow!(reason);
                    pause
                }
            };
            wait(pause).await;
        }
        results.into_iter().collect::<Option<_>>().ok_or(last)
    }

    async fn post_once(&self, events: Vec<&CallEvent>) -> anyhow::Result<Attempt> {
        let events = events.into_iter().map(|event| self.json(event)).collect();
        let body = serde_json::to_vec(&BatchJson { events })?;
        let reply = match self.client.send(Method::POST, "events/batch", body.into()).await {
            Ok(reply) => reply,
            Err(error) => return Ok(Attempt::Later(PAUSE, format!("{error:#}"))),
        };
        if reply.is_transient() {
            let pause = reply.retry_after_s.map_or(PAUSE, Duration::from_secs);
            return Ok(Attempt::Later(pause, reply.reason()));
        }
        if reply.status != StatusCode::ACCEPTED {
            bail!(reply.reason());
        }
        let ResultsJson { results } = serde_json::from_slice(&reply.body)?;
        Ok(Attempt::Results(results.into_iter().map(ResultJson::posted).collect()))
    }

    fn json<'a>(&'a self, event: &'a CallEvent) -> EventJson<'a> {
        EventJson {
            account: self.account.as_deref(),
            connector: self.router.as_deref(),
            route: self.router.is_some().then_some(&event.route),
            id: &event.id,
            timestamp: event.timestamp_s,
            payload: &event.payload,
            details: event.details.as_ref(),
        }
    }
}

impl ResultJson {
    fn posted(self) -> Result<Posted, String> {
        let reason = self.problem.map(|problem| problem.detail).unwrap_or_default();
        match self.status {
            _ if self.unrouted => Ok(Posted::Unrouted),
            _ if self.paused => Ok(Posted::Paused),
            202 => Ok(Posted::Accepted),
            // 409: the live connector has reported the same call.
            200 | 409 => Ok(Posted::Known),
            429 | 500.. => Err(reason),
            status => Ok(Posted::Rejected(format!("{status}: {reason}"))),
        }
    }
}
