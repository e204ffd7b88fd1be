//! Authentication and rate limits.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use domain::{
    actor::{Actor, Permission},
    token::TOKEN_PREFIX,
};

use crate::{
    app_state::{AppState, SharedState},
    client_ip,
    rate_limit::{Decision, RateLimit},
    record_arrival, request_span,
    rest::problem::{Kind, Problem},
    time_limit,
};

/// An event up to this size, in bytes, counts once against its account's limit. Those of calls have about 500.
const EVENT_UNIT_BYTES: usize = 4 * 1_024;

/// The caller. Only routes behind [`authenticate`] have one.
pub struct Caller(pub Arc<Actor>);

impl Caller {
    /// Checks that the caller may do this, before the body is parsed.
    ///
    /// # Errors
    /// 403 naming the scope that is needed.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        Ok(self.0.require(permission)?)
    }

    /// Counts an event of this many bytes against the limit of the caller's account, if it has one.
    ///
    /// # Errors
    /// 429 with the limit and the time to wait; nothing was stored.
    pub fn count_event(&self, state: &AppState, bytes: usize) -> Result<(), Problem> {
        let weight = event_weight(bytes);
        count(state, &self.0, weight)
    }
}

/// How many events one of this many bytes counts as: it is stored, and sent to each endpoint.
#[must_use]
pub fn event_weight(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(EVENT_UNIT_BYTES).max(1)).unwrap_or(u32::MAX)
}

fn count(state: &AppState, actor: &Actor, weight: u32) -> Result<(), Problem> {
    let (Some(per_s), Ok(account)) = (actor.events_per_s, actor.account()) else { return Ok(()) };
    match state.rates.account_events.take_with_rate(account.as_str(), per_s, weight, state.backend.clock().now()) {
        Decision::Allowed { .. } => Ok(()),
        Decision::Limited { retry_after_s } => Err(Problem::too_many(
            format!(
                "The provider limits this account to {per_s} events per second; one of more than 4 KiB counts once per \
                 4 KiB. Nothing was stored; try again in {retry_after_s} s."
            ),
            retry_after_s,
        )),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let actor = parts.extensions.get::<Arc<Actor>>();
        actor.cloned().map(Self).ok_or_else(|| Problem::new(Kind::Unauthenticated, "This request needs an API token."))
    }
}

/// Accepts requests with a valid token, within its rate limit and the time limit of a request.
pub async fn authenticate(State(state): State<SharedState>, request: Request, next: Next) -> Response {
    // A file takes as long as its body, which has a limit of its own.
    if record_arrival::is_rest_upload(request.method(), request.uri().path()) {
        return handle(&state, request, next).await;
    }
    time_limit::within_limit(handle(&state, request, next)).await
}

async fn handle(state: &AppState, request: Request, next: Next) -> Response {
    request_span::record_route(&request);
    let (parts, body) = request.into_parts();
    let address = client_ip::of(&parts, &state.trusted_proxies).to_string();
    let mut request = Request::from_parts(parts, body);
    let actor = match bearer(request.headers()) {
        Ok(token) => state.backend.authenticate(token, &address).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    let actor = match actor {
        Ok(actor) => actor,
        Err(problem) => return problem.into_response(),
    };
    request_span::record_actor(&actor);
    let limit = limit(state, &request);
    let decision = limit.take(actor.id().unwrap_or_default(), state.backend.clock().now());
    // Before the body is read: it may be large, and nothing of it would be accepted.
    let used_up = if posts_events(&request) { count(state, &actor, 0).err() } else { None };
    let mut response = match (decision, used_up) {
        (Decision::Limited { retry_after_s }, _) => too_many(retry_after_s),
        (Decision::Allowed { .. }, Some(problem)) => problem.into_response(),
        (Decision::Allowed { .. }, None) => {
            request.extensions_mut().insert(Arc::new(actor));
            next.run(request).await
        }
    };
    limit.write_headers(decision, response.headers_mut());
    response
}

fn too_many(retry_after_s: u32) -> Response {
    Problem::new(Kind::TooMany, format!("Too many requests with this token. Try again in {retry_after_s} s."))
        .into_response()
}

/// Events are posted by the thousand and have their own limit.
fn limit<'a>(state: &'a AppState, request: &Request) -> &'a RateLimit {
    if posts_events(request) { &state.rates.events } else { &state.rates.calls }
}

fn posts_events(request: &Request) -> bool {
    request.method() == Method::POST && request.uri().path().starts_with("/events")
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let reject = |detail: &str| Err(Problem::new(Kind::Unauthenticated, detail));
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return reject("Send an API token: Authorization: Bearer oh_…");
    };
    match value.to_str().ok().and_then(|value| value.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && token.trim().starts_with(TOKEN_PREFIX) => {
            Ok(token.trim())
        }
        _ => reject("The Authorization header must be Bearer followed by an API token, which starts with oh_."),
    }
}
