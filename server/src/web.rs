//! The router on one page.

use std::panic::AssertUnwindSafe;

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;

use crate::{health, metrics, pages, request_id, rest, room::Shared, security_headers, site, test_line};

/// Everything that Offhook answers.
pub fn router(room: &Shared) -> Router {
    let inside = Router::new()
        // Programs: tokens, JSON, problem documents.
        .merge(rest::routes(room))
        // Each account's own receiver: a key in the path.
        .merge(test_line::routes())
        // Supervisors.
        .merge(health::routes())
        .merge(metrics::routes())
        // The built site's files.
        .merge(site::routes())
        // People: sessions, forms, the live feed. Any other path is the page that says so.
        .merge(pages::routes(room))
        .with_state(room.clone());
    // What is done for every request is done once around the router. A layer would go around each of its routes, and all
    // layers of a route are copied for every request, each with what lies inside it.
    Router::new().fallback_service(inside).layer(middleware::from_fn_with_state(room.clone(), around))
}

/// An id, an answer even when we panic, and the headers of every answer.
async fn around(State(room): State<Shared>, mut request: Request, next: Next) -> Response {
    let given = request_id::give(&mut request);
    // The panic hook has logged what happened.
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| panicked());
    security_headers::add(&room, response.headers_mut());
    given.tell(&mut response);
    response
}

fn panicked() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "Our side failed. Nothing was changed; please try again.\n").into_response()
}
