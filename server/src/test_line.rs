//! The test line answers: each account's own receiver, for those who have no server yet.

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
    event::EVENT_BODY_MAX_BYTES,
    test_line::{Behaviour, PATH_PREFIX, SLOW_MS},
};
use futures::stream;

use crate::room::{Room, Shared};

/// Longest head of a request that is kept, in bytes.
const HEAD_MAX_BYTES: usize = 16 * 1_024;

/// `POST /test-line/{key}`. The key is the secret; there is no session and no token.
pub fn routes() -> Router<Shared> {
    Router::new().route(&format!("{PATH_PREFIX}{{key}}"), post(answer))
}

async fn answer(State(room): State<Shared>, Path(key): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, EVENT_BODY_MAX_BYTES).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "The test line takes up to 256 KiB.\n").into_response();
    };
    match room.backend.test_line_called(&key, &head(&parts.headers), &String::from_utf8_lossy(&body)).await {
        Ok(behaviour) => behave(&room, behaviour).await,
        Err(Error::NotFound(_)) => (StatusCode::NOT_FOUND, "There is no such test line.\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn behave(room: &Room, behaviour: Behaviour) -> Response {
    match behaviour {
        Behaviour::Ok => (StatusCode::OK, "Thank you.\n").into_response(),
        Behaviour::Error => (StatusCode::INTERNAL_SERVER_ERROR, "This line was told to fail.\n").into_response(),
        Behaviour::Gone => (StatusCode::GONE, "Nobody is here any more.\n").into_response(),
        Behaviour::Slow => {
            let _ = tokio::time::timeout(Duration::from_millis(SLOW_MS), room.stopping.cancelled()).await;
            (StatusCode::OK, "Sorry for the wait.\n").into_response()
        }
        Behaviour::HangUp => Response::new(cut()),
    }
}

/// A body that breaks before its first byte: the connection is closed before the head has been sent.
fn cut() -> Body {
    Body::from_stream(stream::once(async { Err::<Bytes, _>(std::io::Error::other("hung up on purpose")) }))
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
