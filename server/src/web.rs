//! The router on one page.

use axum::{Router, http::Response, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{health, metrics, pages, request_id, rest, room::Shared, security_headers, site, test_line};

/// Everything that Offhook answers.
pub fn router(room: &Shared) -> Router {
    Router::new()
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
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(room.clone(), security_headers::add))
        .layer(middleware::from_fn(request_id::give))
        .with_state(room.clone())
}

/// The panic hook has logged what happened.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response<String> {
    let mut response = Response::new("Our side failed. Nothing was changed; please try again.\n".to_owned());
    *response.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}
