//! Posts the events of simulated calls.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use hyper::body::Bytes;
use serde::Deserialize;
use url::Url;

use crate::rest_client::{Response, RestClient, wait};

/// How often an event is posted before it counts as rejected.
const ATTEMPTS_MAX: u32 = 4;

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
pub(super) struct Client(RestClient);

impl Client {
    /// A client of the server at `url`.
    pub(super) fn new(url: &Url, token: &str) -> anyhow::Result<Self> {
        RestClient::new(url, token).map(Self)
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
                    wait(pause).await;
                }
            }
        }
        Err(last)
    }

    async fn post_once(&self, body: Bytes) -> Outcome {
        match self.0.send(Method::POST, "events", body).await {
            Ok(reply) => classify(&reply),
            Err(error) => Outcome::Retry(Duration::from_secs(1), format!("{error:#}")),
        }
    }
}

fn classify(reply: &Response) -> Outcome {
    match reply.status {
        StatusCode::ACCEPTED | StatusCode::OK => match serde_json::from_slice(&reply.body) {
            Ok(accepted) => Outcome::Accepted(accepted),
            Err(error) => Outcome::Rejected(format!("{}, but an unexpected body: {error}", reply.status)),
        },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Outcome::Retry(Duration::from_secs(reply.retry_after_s.unwrap_or(1)), reply.reason())
        }
        _ => Outcome::Rejected(reply.reason()),
    }
}
