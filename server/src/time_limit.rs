//! The time limit of a request.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// Longest time that a request may take; receiving its body has its own, shorter limit (`body_timeout`).
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Responds with 503 when the request takes too long. Streams and the test line have no limit.
pub async fn enforce(request: Request, next: Next) -> Response {
    within_limit(next.run(request)).await
}

/// The same for a future that has no layer of its own. tower-http's `Timeout` has neither a text nor `Retry-After`.
pub async fn within_limit(work: impl Future<Output = Response>) -> Response {
    tokio::time::timeout(REQUEST_TIMEOUT, work).await.unwrap_or_else(|_| {
        let message = "The request took longer than 30 s and was cancelled. Please try again.\n";
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], message).into_response()
    })
}
