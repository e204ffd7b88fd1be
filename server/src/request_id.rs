//! An id for each request: in the response, in the log, and on the page that says something went wrong.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

/// Where the id stands, coming in and going out.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from the caller, in characters.
const TAKEN_OVER_MAX_CHARS: usize = 64;

/// Tells one process from the next; a count then tells its requests apart. Ids need not be hard to guess.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// Gives the request an id, unless a proxy in front of us has done so, and logs the requests that we failed.
pub async fn give(mut request: Request, next: Next) -> Response {
    let id = request.headers().get(&X_REQUEST_ID).filter(|id| is_plain(id)).cloned().unwrap_or_else(fresh);
    request.headers_mut().insert(X_REQUEST_ID, id.clone());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut response = next.run(request).await;
    if response.status().is_server_error() {
        // The path alone: queries may carry phone numbers.
        tracing::warn!(id = ?id, %method, path = uri.path(), status = response.status().as_u16(), "request failed");
    }
    response.headers_mut().insert(X_REQUEST_ID, id);
    response
}

fn fresh() -> HeaderValue {
    let id = format!("{:08x}-{:x}", *PROCESS >> 32, REQUESTS.fetch_add(1, Ordering::Relaxed));
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

fn is_plain(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=TAKEN_OVER_MAX_CHARS).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(b))
}
