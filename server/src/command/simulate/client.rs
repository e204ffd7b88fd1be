//! The phone platform's side of the public API.
//!
//! It calls the one server that is named on the command line. `engine::outbound` guards URLs that customers choose and
//! rejects this very machine, so it is not used here.

use std::time::Duration;

use anyhow::Context as _;
use axum::http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use serde::Deserialize;
use url::Url;

use crate::http_client::{self, HttpClient};

/// Time limit of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest response that is read, in bytes.
const RESPONSE_MAX_BYTES: usize = 64 * 1_024;
/// How often an event is posted before it counts as rejected.
const ATTEMPTS_MAX: u32 = 4;
/// Longest pause before the next attempt.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The server's response to an accepted event.
#[derive(Debug, Deserialize)]
pub(super) struct Accepted {
    /// Its id.
    pub id: String,
    /// How many endpoints it is sent to.
    pub deliveries: u64,
}

enum Outcome {
    Accepted(Accepted),
    Rejected(String),
    /// Worth another attempt after this pause.
    Retry(Duration, String),
}

/// Posts events to one server.
pub(super) struct Client {
    http: HttpClient,
    events: Uri,
    authorization: String,
}

impl Client {
    /// A client of the server at `url`.
    pub(super) fn new(url: &Url, token: &str) -> anyhow::Result<Self> {
        let events = url.join("api/v1/events")?.as_str().parse().context("--url")?;
        let http = http_client::new().context("TLS")?;
        Ok(Self { http, events, authorization: format!("Bearer {token}") })
    }

    /// Posts the event with this id until it is accepted or rejected. The id makes retries safe.
    pub(super) async fn post(&self, id: &str, body: String) -> Result<Accepted, String> {
        let body = Bytes::from(body);
        let mut last = String::new();
        for _ in 0..ATTEMPTS_MAX {
            match self.post_once(body.clone()).await {
                Outcome::Accepted(accepted) if accepted.id == id => return Ok(accepted),
                Outcome::Accepted(other) => return Err(format!("accepted as {}, posted as {id}", other.id)),
                Outcome::Rejected(reason) => return Err(reason),
                Outcome::Retry(pause, reason) => {
                    last = reason;
                    wait(pause.min(PAUSE_MAX)).await;
                }
            }
        }
        Err(last)
    }

    async fn post_once(&self, body: Bytes) -> Outcome {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.events)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Outcome::Rejected(error.to_string()),
        };
        let failed = |reason: String| Outcome::Retry(Duration::from_secs(1), reason);
        match tokio::time::timeout(REQUEST_TIMEOUT, self.send(request)).await {
            Ok(Ok((status, retry_after_s, body))) => classify(status, retry_after_s, &body),
            Ok(Err(error)) => failed(format!("{error:#}")),
            Err(_) => failed("no response within 30 s".to_owned()),
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Option<u64>, Bytes)> {
        let response = self.http.request(request).await?;
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after_s = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let status = response.status();
        let body = Limited::new(response.into_body(), RESPONSE_MAX_BYTES)
            .collect()
            .await
            .map_err(anyhow::Error::from_boxed)?;
        Ok((status, retry_after_s, body.to_bytes()))
    }
}

fn classify(status: StatusCode, retry_after_s: Option<u64>, body: &[u8]) -> Outcome {
    let reason = || format!("{status}: {}", String::from_utf8_lossy(body));
    match status {
        StatusCode::ACCEPTED | StatusCode::OK => match serde_json::from_slice(body) {
            Ok(accepted) => Outcome::Accepted(accepted),
            Err(error) => Outcome::Rejected(format!("{status}, but an unexpected body: {error}")),
        },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Outcome::Retry(Duration::from_secs(retry_after_s.unwrap_or(1)), reason())
        }
        _ => Outcome::Rejected(reason()),
    }
}

#[expect(clippy::disallowed_methods, reason = "waits in real time for as long as the server requested")]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}
