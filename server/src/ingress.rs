//! What is checked of a request before any route: its host, and how many more its client has in progress.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use domain::{Error, account::RequestOrigin};

use crate::{app_state::SharedState, body_guard::Guarded, client_ip, local, plain_error, rest::problem::Kind};

/// Path that is served to everyone, for any host: load balancers check addresses.
const HEALTH: &str = "/healthz";
const OTHER_HOST: &str = "This server has another name. Check the URL, or the Host that a proxy sends.";
/// Seconds after which a client with too many requests at once should try again.
const RETRY_AFTER_S: u32 = 1;

/// Passes on requests for one of our hosts, and those that come directly from this machine.
pub async fn require_known_host(State(state): State<SharedState>, request: Request, next: Next) -> Response {
    let Some(hosts) = state.known_hosts.as_ref().filter(|_| request.uri().path() != HEALTH) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let is_ours = local::host(&parts).is_some_and(|host| hosts.includes(host, local::is_forwarded(&parts.headers)));
    if is_ours || local::origin(&parts) == RequestOrigin::ThisMachine {
        return next.run(Request::from_parts(parts, body)).await;
    }
    plain_error::refuse(parts.uri.path(), Kind::Malformed, OTHER_HOST)
}

/// Counts a request that a trusted proxy forwards until its response is sent.
pub async fn count_forwarded(State(state): State<SharedState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let client = client_ip::of(&parts, &state.trusted_proxies);
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(client, |info| info.0.ip());
    let request = Request::from_parts(parts, body);
    // Without a proxy between, the connection is counted.
    let is_counted = state.admission.is_trusted(peer) && !state.admission.is_trusted(client);
    if !is_counted || request.uri().path() == HEALTH {
        return next.run(request).await;
    }
    match state.admission.share(client) {
        Some(share) => next.run(request).await.map(|body| Body::new(Guarded::new(body, share))),
        None => plain_error::respond(request.uri().path(), request.headers(), too_many()),
    }
}

fn too_many() -> Error {
    let detail = "Too many requests from your address are in progress. Try again when some have finished.";
    Error::LimitReached { detail: detail.to_owned(), retry_after_s: RETRY_AFTER_S }
}
