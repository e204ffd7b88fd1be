//! The tracing span of a request: every log line written while the request is handled carries its id, method and path,
//! and its route, account and actor once they are known.

use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue},
    response::Response,
};
use domain::{actor::Actor, connector::REQUESTS_PATH_PREFIX, test_line::PATH_PREFIX};
use tracing::{Span, field::Empty};

use crate::app_state::SharedState;

/// The header that carries the id, in requests and responses.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Paths that end in a secret, which is never logged.
const SECRET_PATHS: [&str; 4] = [PATH_PREFIX, "/invite/", "/reset/", "/sign-up/"];
/// Longest id that is accepted from a caller, in characters.
const ID_MAX_CHARS: usize = 64;

/// Removes an id that no trusted proxy has set, or that is not plain text: ids are shown in logs and on error pages, and
/// whoever chooses one can hide among the requests of others.
pub async fn drop_untrusted_id(State(state): State<SharedState>, mut request: Request) -> Request {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let is_trusted = peer.is_some_and(|peer| state.admission.is_trusted(peer));
    if !is_trusted || request.headers().get(X_REQUEST_ID).is_some_and(|id| !is_plain(id)) {
        request.headers_mut().remove(X_REQUEST_ID);
    }
    request
}

fn is_plain(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=ID_MAX_CHARS).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(b))
}

/// Opens the span of a request.
pub fn open(request: &Request) -> Span {
    let id = request.headers().get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
    // At the error level so that the fields are present at every log level. Queries may carry phone numbers: only the
    // path is logged.
    tracing::error_span!(
        "request",
        request_id = id,
        method = %request.method(),
        path = %loggable(request.uri().path()),
        route = Empty,
        account = Empty,
        actor = Empty,
    )
}

/// Logs a request that we failed.
pub fn log_response(response: &Response, latency: Duration, _: &Span) {
    let (status, latency_ms) = (response.status().as_u16(), latency.as_millis());
    if response.status().is_server_error() {
        tracing::warn!(status, latency_ms, "request failed");
    } else {
        tracing::debug!(status, latency_ms, "request handled");
    }
}

/// A path without the secret that some paths end in.
fn loggable(path: &str) -> Cow<'_, str> {
    if let Some(rest) = path.strip_prefix(REQUESTS_PATH_PREFIX) {
        // The connector comes before its secret. Without a slash, it may be the secret.
        let connector = rest.split_once('/').map(|(connector, _)| format!("{connector}/")).unwrap_or_default();
        return format!("{REQUESTS_PATH_PREFIX}{connector}…").into();
    }
    match SECRET_PATHS.iter().find(|prefix| path.starts_with(**prefix)) {
        Some(prefix) => format!("{prefix}…").into(),
        None => path.into(),
    }
}

/// The route of a request, which the router knows only inside.
#[derive(Debug, Clone, Default)]
pub struct RouteSlot(Arc<OnceLock<MatchedPath>>);

impl RouteSlot {
    /// The route, once the router has matched it.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.0.get().map(MatchedPath::as_str)
    }

    fn note(request: &Request) {
        if let (Some(slot), Some(path)) =
            (request.extensions().get::<Self>(), request.extensions().get::<MatchedPath>())
        {
            let _ = slot.0.set(path.clone());
        }
    }
}

/// Adds the route that the router has matched, also to the metrics.
pub fn record_route(request: &Request) {
    RouteSlot::note(request);
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        Span::current().record("route", route.as_str());
    }
}

/// Adds the caller and the account that they act in.
pub fn record_actor(actor: &Actor) {
    let span = Span::current();
    if let Some(id) = actor.id() {
        span.record("actor", id);
    }
    if let Ok(account) = actor.account() {
        span.record("account", account.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_logged_without_the_secret_at_its_end() {
        assert_eq!(loggable("/a/acct_1/deliveries"), "/a/acct_1/deliveries");
        for (path, logged) in [
            ("/invite/abc", "/invite/…"),
            ("/reset/abc", "/reset/…"),
            ("/sign-up/abc", "/sign-up/…"),
            ("/test-line/abc", "/test-line/…"),
            ("/in/con_1/abc", "/in/con_1/…"),
            ("/in/con_1/abc/def", "/in/con_1/…"),
            ("/in/abc", "/in/…"),
        ] {
            assert_eq!(loggable(path), logged);
        }
    }
}
