//! The caller's side of the public API.
//!
//! This is the phone platform, not Offhook: it calls the one server that the person at the keyboard named. The guard
//! of `engine::outbound` is for URLs that customers choose and refuses this very machine, so it has no place here.

use std::time::Duration;

use anyhow::Context as _;
use axum::http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::Deserialize;
use url::Url;

/// Time for one request and its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer that is read, in bytes.
const ANSWER_MAX_BYTES: usize = 64 * 1_024;
/// How often an event is posted before it counts as refused.
const TRIES_MAX: u32 = 4;
/// Longest pause before the next try.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What the server said to an accepted event.
#[derive(Debug, Deserialize)]
pub struct Accepted {
    /// Its id.
    pub id: String,
    /// How many endpoints it goes to.
    pub deliveries: u64,
}

enum Answer {
    Accepted(Accepted),
    Refused(String),
    /// Not just now: after this pause perhaps.
    Later(Duration, String),
}

/// Posts events to one server.
pub struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    events: Uri,
    authorization: String,
}

impl Client {
    /// A client of the server at `url`.
    pub fn new(url: &Url, token: &str) -> anyhow::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_platform_verifier(rustls::crypto::ring::default_provider())
            .context("TLS")?
            .https_or_http()
            .enable_http1()
            .build();
        let events = url.join("api/v1/events")?.as_str().parse().context("--url")?;
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { http, events, authorization: format!("Bearer {token}") })
    }

    /// Posts the event with this id until it is accepted or refused. The id makes repeating safe.
    pub async fn post(&self, id: &str, body: String) -> Result<Accepted, String> {
        let body = Bytes::from(body);
        let mut last = String::new();
        for _ in 0..TRIES_MAX {
            match self.post_once(body.clone()).await {
                Answer::Accepted(accepted) if accepted.id == id => return Ok(accepted),
                Answer::Accepted(other) => return Err(format!("accepted as {}, posted as {id}", other.id)),
                Answer::Refused(said) => return Err(said),
                Answer::Later(pause, said) => {
                    last = said;
                    wait(pause.min(PAUSE_MAX)).await;
                }
            }
        }
        Err(last)
    }

    async fn post_once(&self, body: Bytes) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.events)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Answer::Refused(error.to_string()),
        };
        let failed = |said: String| Answer::Later(Duration::from_secs(1), said);
        match tokio::time::timeout(ANSWER_TIMEOUT, self.ask(request)).await {
            Ok(Ok((status, retry_after_s, body))) => understand(status, retry_after_s, &body),
            Ok(Err(error)) => failed(format!("{error:#}")),
            Err(_) => failed("no answer within 30 s".to_owned()),
        }
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Option<u64>, Bytes)> {
        let response = self.http.request(request).await?;
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after_s = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let status = response.status();
        let body =
            Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await.map_err(anyhow::Error::from_boxed)?;
        Ok((status, retry_after_s, body.to_bytes()))
    }
}

fn understand(status: StatusCode, retry_after_s: Option<u64>, body: &[u8]) -> Answer {
    let said = || format!("{status}: {}", String::from_utf8_lossy(body));
    match status {
        StatusCode::ACCEPTED | StatusCode::OK => match serde_json::from_slice(body) {
            Ok(accepted) => Answer::Accepted(accepted),
            Err(error) => Answer::Refused(format!("{status}, but not as published: {error}")),
        },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Answer::Later(Duration::from_secs(retry_after_s.unwrap_or(1)), said())
        }
        _ => Answer::Refused(said()),
    }
}

#[expect(clippy::disallowed_methods, reason = "waits as long as the server asked for, in real time")]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}
