//! Measures requests for the metrics.

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use engine::clock::stopwatch;

use crate::{
    app_state::SharedState,
    request_span::RouteSlot,
    rest::{PREFIX, problem::Kind},
};

/// The route of requests that no handler names: static files, supervisors.
const OTHER: &str = "other";
/// Methods that have a label of their own.
const METHODS: [&str; 7] = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"];

/// Counts a request once it has its response.
pub async fn requests(State(state): State<SharedState>, mut request: Request, next: Next) -> Response {
    let (slot, method, began) = (RouteSlot::default(), known(request.method()), stopwatch());
    request.extensions_mut().insert(slot.clone());
    let response = next.run(request).await;
    let route = slot.route().unwrap_or(OTHER);
    state.http_metrics.add(method, route, response.status().as_u16(), began.elapsed().as_secs_f64());
    if method == "POST"
        && posts_events(route)
        && let Some(kind) = response.extensions().get::<Kind>()
    {
        state.http_metrics.refuse_event(kind.facts().0);
    }
    response
}

fn posts_events(route: &str) -> bool {
    matches!(route.strip_prefix(PREFIX), Some("/events" | "/events/batch"))
}

/// Clients may send any method.
fn known(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}
