//! The test line: each account's built-in test endpoint, for customers who have no server yet.

use std::{fmt::Write as _, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use domain::{
    Error,
    body::is_nested_too_deeply,
    event::EVENT_BODY_MAX_BYTES,
    test_line::{Behaviour, PATH_PREFIX, SLOW_MS},
};
use futures::stream;

use crate::{
    app_state::{AppState, SharedState},
    request_body::{self, Refused},
};

/// Longest request head that is stored, in bytes.
const HEAD_MAX_BYTES: usize = 16 * 1_024;

/// `POST /test-line/{key}`. The key is the secret; there is no session and no token.
pub fn routes() -> Router<SharedState> {
    Router::new().route(&format!("{PATH_PREFIX}{{key}}"), post(receive))
}

async fn receive(State(state): State<SharedState>, Path(key): Path<String>, request: Request) -> Response {
    if let Err(error) = state.backend.check_test_line(&key).await {
        return refused(error);
    }
    let (parts, body) = request.into_parts();
    let held = state.bodies.calls.part_of(key.clone());
    let body = match request_body::receive(&parts.headers, body, EVENT_BODY_MAX_BYTES, held).await {
        Ok(body) => body,
        Err(Refused::Busy) => return refused(request_body::busy()),
        Err(Refused::TooLarge | Refused::Broken) => {
            return (StatusCode::PAYLOAD_TOO_LARGE, "The test line accepts up to 256 KiB.\n").into_response();
        }
    };
    let body = String::from_utf8_lossy(&body.bytes);
    if is_nested_too_deeply(&body) {
        let refusal = "The test line accepts payloads of up to 64 levels.\n";
        return (StatusCode::UNPROCESSABLE_ENTITY, refusal).into_response();
    }
    match state.backend.record_test_line_request(&key, &head(&parts.headers), &body).await {
        Ok(behaviour) => respond(&state, behaviour).await,
        Err(error) => refused(error),
    }
}

fn refused(error: Error) -> Response {
    match error {
        Error::NotFound(_) => (StatusCode::NOT_FOUND, "This test line does not exist.\n").into_response(),
        error => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn respond(state: &AppState, behaviour: Behaviour) -> Response {
    match behaviour {
        Behaviour::Ok => (StatusCode::OK, "OK\n").into_response(),
        Behaviour::Error => (StatusCode::INTERNAL_SERVER_ERROR, "This test line is set to fail.\n").into_response(),
        Behaviour::Gone => (StatusCode::GONE, "This test line is set to respond with 410 Gone.\n").into_response(),
        Behaviour::Slow => {
            let _ = tokio::time::timeout(Duration::from_millis(SLOW_MS), state.stopping.cancelled()).await;
            (StatusCode::OK, "OK, after a delay\n").into_response()
        }
        Behaviour::HangUp => Response::new(aborted_body()),
    }
}

/// A body that fails before its first byte: the connection is closed before the head is sent.
fn aborted_body() -> Body {
    Body::from_stream(stream::once(async { Err::<Bytes, _>(std::io::Error::other("closed on purpose")) }))
}

fn head(headers: &HeaderMap) -> String {
    let mut head = String::new();
    for (name, value) in headers {
        let _ = writeln!(head, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    let end = head.floor_char_boundary(HEAD_MAX_BYTES);
    head.truncate(end);
    head
}
