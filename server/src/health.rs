//! Whether the process lives, and whether it can work. For supervisors and load balancers.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};

use crate::room::Shared;

/// `/healthz` and `/readyz`.
pub fn routes() -> Router<Shared> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

/// 200 when database and sender work and we are not about to stop; 503 with the reason otherwise.
async fn ready(State(room): State<Shared>) -> (StatusCode, Json<Value>) {
    let ready = if room.stopping.is_cancelled() { Err("stopping".to_owned()) } else { room.engine.ready().await };
    match ready {
        Ok(()) => (StatusCode::OK, Json(json!({ "ready": true }))),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "reason": reason }))),
    }
}
