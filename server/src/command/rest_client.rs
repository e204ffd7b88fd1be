//! The public API of the one server that is named on the command line. `engine::outbound` guards URLs that customers choose
//! and rejects this very machine, so it is not used here.

use std::time::Duration;

use anyhow::Context as _;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use url::Url;

use crate::http_client::{self, HttpClient};

/// Time limit of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest response that is read, in bytes: a batch of 1,000 events, each rejected.
const RESPONSE_MAX_BYTES: usize = 1_024 * 1_024;
/// Longest pause before the next attempt.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A response.
#[derive(Debug)]
pub(super) struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// How long the server wants to be left alone.
    pub retry_after_s: Option<u64>,
    /// Its body.
    pub body: Bytes,
}

impl Reply {
    /// Status and text, for a message.
    pub(super) fn reason(&self) -> String {
        format!("{}: {}", self.status, String::from_utf8_lossy(&self.body))
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error()
    }
}

/// A client with a token.
pub(super) struct RestClient {
    http: HttpClient,
    base: Url,
    authorization: String,
}

impl RestClient {
    /// A client of the server at `url`.
    pub(super) fn new(url: &Url, token: &str) -> anyhow::Result<Self> {
        let base = url.join("api/v1/").context("--url")?;
        let http = http_client::new().context("TLS")?;
        Ok(Self { http, base, authorization: format!("Bearer {token}") })
    }

    /// Sends a request with a JSON body, which may be empty.
    pub(super) async fn send(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Reply> {
        let request = Request::builder()
            .method(method)
            .uri(self.base.join(path)?.as_str())
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        let sent = tokio::time::timeout(REQUEST_TIMEOUT, self.receive(request)).await;
        sent.unwrap_or_else(|_| Err(anyhow::anyhow!("no response within 30 s")))
    }

    async fn receive(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Reply> {
        let response = self.http.request(request).await?;
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after_s = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let status = response.status();
        let body = Limited::new(response.into_body(), RESPONSE_MAX_BYTES)
            .collect()
            .await
            .map_err(anyhow::Error::from_boxed)?;
        Ok(Reply { status, retry_after_s, body: body.to_bytes() })
    }
}

/// Waits for as long as the server asked for, within a limit.
#[expect(clippy::disallowed_methods, reason = "waits in real time for as long as the server requested")]
pub(super) async fn wait(pause: Duration) {
    tokio::time::sleep(pause.min(PAUSE_MAX)).await;
}
