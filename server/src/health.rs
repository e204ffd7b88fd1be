//! Liveness and readiness, for supervisors and load balancers.

use std::collections::BTreeMap;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};

use crate::app_state::SharedState;

/// `/readyz`.
pub fn readiness() -> Router<SharedState> {
    Router::new().route("/readyz", get(ready))
}

/// `/healthz`: the process responds.
pub fn alive<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/healthz", get(async || "ok\n"))
}

/// 200 when database and sender work and the server is not stopping; otherwise 503 with the reason. Tasks with a problem
/// are named either way.
async fn ready(State(state): State<SharedState>) -> (StatusCode, Json<Value>) {
    let ready = if state.stopping.is_cancelled() { Err("stopping".to_owned()) } else { state.engine.ready().await };
    let problems: BTreeMap<String, String> =
        state.engine.tasks().into_iter().filter_map(|task| Some((task.name, task.problem?))).collect();
    match ready {
        Ok(()) if problems.is_empty() => (StatusCode::OK, Json(json!({ "ready": true }))),
        Ok(()) => (StatusCode::OK, Json(json!({ "ready": true, "problems": problems }))),
        Err(reason) => {
            let says = json!({ "ready": false, "reason": reason, "problems": problems });
            (StatusCode::SERVICE_UNAVAILABLE, Json(says))
        }
    }
}

/// 503 with the reason.
pub fn not_ready(reason: String) -> (StatusCode, Json<Value>) {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "reason": reason })))
}
