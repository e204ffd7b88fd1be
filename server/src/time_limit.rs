//! No request is worked on for ever.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// Longest time for which a request is worked on; its body has its own, shorter limit.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Answers 503 when the work takes too long. Streams and the test line do not pass here.
pub async fn keep(request: Request, next: Next) -> Response {
    within(next.run(request)).await
}

/// The same for work that has no layer of its own.
pub async fn within(work: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, work).await {
        Ok(response) => response,
        Err(_) => {
            let said = "This took longer than 30 s and was given up. Please try again.\n";
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], said).into_response()
        }
    }
}
