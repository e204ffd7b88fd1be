//! The public API of the one server that is named on the command line: for connectors, imports and simulated calls.
//! `engine::outbound` guards URLs that customers choose and rejects this very machine, so it is not used here.

use std::time::Duration;

use anyhow::Context as _;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use serde::Deserialize;
use url::Url;

use crate::http_client::{self, HttpClient};

/// Time limit of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest response that is read, in bytes: a batch of 1,000 events, each rejected.
const RESPONSE_MAX_BYTES: usize = 1_024 * 1_024;
/// Longest reason that is kept, in characters.
const REASON_MAX_CHARS: usize = 300;
/// Longest pause before the next attempt.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A response.
#[derive(Debug)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// How long the server wants to be left alone.
    pub retry_after_s: Option<u64>,
    /// Its body.
    pub body: Bytes,
}

impl Response {
    /// The status and what the server says is wrong, for a message.
    #[must_use]
    pub fn reason(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let detail = serde_json::from_slice::<Problem>(&self.body).map_or_else(|_| text.into_owned(), Problem::text);
        let reason = format!("{}: {detail}", self.status);
        reason.chars().filter(|c| !c.is_control()).take(REASON_MAX_CHARS).collect()
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error()
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

/// A client with a token.
pub struct RestClient {
    http: HttpClient,
    base: Url,
    authorization: String,
}

impl RestClient {
    /// A client of the server at `url`, which may be in a folder of a host.
    ///
    /// # Errors
    /// When TLS cannot be used, or no path can follow the URL.
    pub fn new(url: &Url, token: &str) -> anyhow::Result<Self> {
        let mut base = url.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let base = base.join("api/v1/").with_context(|| url.to_string())?;
        let http = http_client::new().context("TLS")?;
        Ok(Self { http, base, authorization: format!("Bearer {token}") })
    }

    /// Sends a request with a JSON body, which may be empty.
    ///
    /// # Errors
    /// When there is no response, or one that is too large.
    pub async fn send(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Response> {
        let request = Request::builder()
            .method(method)
            .uri(self.base.join(path)?.as_str())
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        let sent = tokio::time::timeout(REQUEST_TIMEOUT, self.receive(request)).await;
        sent.unwrap_or_else(|_| Err(anyhow::anyhow!("no response within 30 s")))
    }

    async fn receive(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Response> {
        let response = self.http.request(request).await?;
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after_s = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let status = response.status();
        let body = Limited::new(response.into_body(), RESPONSE_MAX_BYTES).collect().await;
        Ok(Response { status, retry_after_s, body: body.map_err(anyhow::Error::from_boxed)?.to_bytes() })
    }
}

/// Waits for as long as the server asked for, within a limit.
#[expect(clippy::disallowed_methods, reason = "waits in real time for as long as the server requested")]
pub async fn wait(pause: Duration) {
    tokio::time::sleep(pause.min(PAUSE_MAX)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_fields_and_is_short_and_printable() {
        let reason = |body: &str| {
            let body = Bytes::from(body.to_owned());
            Response { status: StatusCode::UNPROCESSABLE_ENTITY, retry_after_s: None, body }.reason()
        };
        let problem = r#"{"detail":"Invalid.","errors":{"timestamp":["In seconds."]}}"#;
        assert_eq!(reason(problem), r#"422 Unprocessable Entity: Invalid. timestamp: ["In seconds."]"#);
        assert_eq!(reason("a\u{7}\nb"), "422 Unprocessable Entity: ab");
        assert_eq!(reason(&"x".repeat(1_000)).chars().count(), REASON_MAX_CHARS);
    }

    #[test]
    fn a_server_can_be_in_a_folder() {
        let base = |url: &str| RestClient::new(&url.parse().unwrap(), "t").unwrap().base.to_string();
        for url in ["https://example.com/offhook", "https://example.com/offhook/"] {
            assert_eq!(base(url), "https://example.com/offhook/api/v1/");
        }
        assert_eq!(base("http://127.0.0.1:3000"), "http://127.0.0.1:3000/api/v1/");
    }
}
