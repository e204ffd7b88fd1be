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
    http::{HeaderName, HeaderValue, Method, Uri},
    response::Response,
};
use domain::test_line::PATH_PREFIX;

/// Where the id stands, coming in and going out.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Paths that go on with a secret: whoever knows it may come in.
const SECRET_ENDS: [&str; 3] = [PATH_PREFIX, "/invite/", "/reset/"];
/// Longest id that is taken over from the caller, in characters.
const TAKEN_OVER_MAX_CHARS: usize = 64;

/// Tells one process from the next; a count then tells its requests apart. Ids need not be hard to guess.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// A request's id, and what is logged of it should we fail it.
pub struct Given {
    id: HeaderValue,
    method: Method,
    uri: Uri,
}

/// Gives the request an id, unless a proxy in front of us has done so.
pub fn give(request: &mut Request) -> Given {
    let id = request.headers().get(&X_REQUEST_ID).filter(|id| is_plain(id)).cloned().unwrap_or_else(fresh);
    request.headers_mut().insert(X_REQUEST_ID, id.clone());
    Given { id, method: request.method().clone(), uri: request.uri().clone() }
}

impl Given {
    /// Tells the caller, and logs the request if we failed it.
    pub fn tell(self, response: &mut Response) {
        let Self { id, method, uri } = self;
        if response.status().is_server_error() {
            // The path alone: queries may carry phone numbers.
            tracing::warn!(id = ?id, %method, path = shown(uri.path()), status = response.status().as_u16(), "request failed");
        }
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
}

/// A path as it may be logged: where its end is a secret, without that.
fn shown(path: &str) -> String {
    match SECRET_ENDS.iter().find(|begin| path.starts_with(**begin)) {
        Some(begin) => format!("{begin}…"),
        None => path.to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_logged_without_the_secret_at_its_end() {
        assert_eq!(shown("/a/acct_1/deliveries"), "/a/acct_1/deliveries");
        for (path, logged) in
            [("/invite/abc", "/invite/…"), ("/reset/abc", "/reset/…"), ("/test-line/abc", "/test-line/…")]
        {
            assert_eq!(shown(path), logged);
        }
    }
}
