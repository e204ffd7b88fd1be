//! The way in: who calls, and how often.

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
    client_ip,
    rate_limit::{RateLimit, Taken},
    rest::problem::{Kind, Problem},
    room::{Room, Shared},
    time_limit,
};

/// Who calls. Only routes behind [`enter`] have one.
pub struct Caller(pub Actor);

impl Caller {
    /// Goes on only if the caller may do this: before the body is looked at.
    ///
    /// # Errors
    /// 403 naming what is needed.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        Ok(self.0.require(permission)?)
    }

    /// Counts one event against the limit of the caller's account, where it has one.
    ///
    /// # Errors
    /// 429 with the limit and the time to wait; nothing was stored then.
    pub fn count_event(&self, room: &Room) -> Result<(), Problem> {
        let (Some(per_s), Ok(account)) = (self.0.events_per_s, self.0.account()) else { return Ok(()) };
        match room.rates.account_events.take_of(account.as_str(), per_s, room.backend.clock().now()) {
            Taken::Yes { .. } => Ok(()),
            Taken::No { retry_after_s } => Err(Problem::too_many(
                format!(
                    "This account’s tokens post at most {per_s} events a second, as its provider has set. Nothing was stored; \
                     try again in {retry_after_s} s."
                ),
                retry_after_s,
            )),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let actor = parts.extensions.remove::<Actor>();
        actor.map(Self).ok_or_else(|| Problem::new(Kind::Unauthenticated, "This call needs an API token."))
    }
}

/// Lets a request with a known token in, as often as it may come, for as long as it may take.
pub async fn enter(State(room): State<Shared>, request: Request, next: Next) -> Response {
    time_limit::within(admit(&room, request, next)).await
}

async fn admit(room: &Room, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let address = client_ip::of(&parts, &room.trusted_proxies).to_string();
    let mut request = Request::from_parts(parts, body);
    let actor = match bearer(request.headers()) {
        Ok(token) => room.backend.authenticate(token, &address).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    let actor = match actor {
        Ok(actor) => actor,
        Err(problem) => return problem.into_response(),
    };
    let limit = limit(room, &request);
    let taken = limit.take(client(&actor), room.backend.clock().now());
    let mut response = match taken {
        Taken::Yes { .. } => {
            request.extensions_mut().insert(actor);
            next.run(request).await
        }
        Taken::No { retry_after_s } => too_many(retry_after_s),
    };
    limit.tell(taken, response.headers_mut());
    response
}

fn too_many(retry_after_s: u32) -> Response {
    Problem::new(Kind::TooMany, format!("Too many requests with this token. Try again in {retry_after_s} s."))
        .into_response()
}

/// Events come by the thousand, everything else by hand.
fn limit<'a>(room: &'a Room, request: &Request) -> &'a RateLimit {
    let posts_events = request.method() == Method::POST && request.uri().path().starts_with("/events");
    if posts_events { &room.rates.events } else { &room.rates.calls }
}

fn client(actor: &Actor) -> &str {
    actor.id().unwrap_or_default()
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let refuse = |said: &str| Err(Problem::new(Kind::Unauthenticated, said));
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return refuse("Send an API token: Authorization: Bearer oh_…");
    };
    match value.to_str().ok().and_then(|value| value.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && token.trim().starts_with(TOKEN_PREFIX) => {
            Ok(token.trim())
        }
        _ => refuse("The Authorization header must be Bearer and an API token, which begins with oh_."),
    }
}
