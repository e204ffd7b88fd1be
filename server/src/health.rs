//! Liveness and readiness, for supervisors and load balancers.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};

use crate::app_state::SharedState;

/// `/healthz` and `/readyz`.
pub fn routes() -> Router<SharedState> {
    Router::new().merge(alive()).route("/readyz", get(ready))
}

/// `/healthz`: the process responds.
pub fn alive<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/healthz", get(async || "ok\n"))
}

/// 200 when database and sender work and the server is not stopping; otherwise 503 with the reason.
async fn ready(State(state): State<SharedState>) -> (StatusCode, Json<Value>) {
    let ready = if state.stopping.is_cancelled() { Err("stopping".to_owned()) } else { state.engine.ready().await };
    match ready {
        Ok(()) => (StatusCode::OK, Json(json!({ "ready": true }))),
        Err(reason) => not_ready(reason),
    }
}

/// 503 with the reason.
pub fn not_ready(reason: String) -> (StatusCode, Json<Value>) {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "reason": reason })))
}
