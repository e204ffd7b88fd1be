//! Recovery and retries: sending many events again, or now, and the jobs that do it.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{
    Error,
    actor::Permission,
    id::EndpointId,
    recover::{RecoverInput, RecoveryParts, RecoveryPlan},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app_state::SharedState,
    rest::{
        auth::Caller,
        body::JsonBody,
        jobs::{JobJson, SpanJson},
        openapi::Errors,
        problem::Problem,
    },
};

/// Which events to resend.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoverRequest {
    /// Events accepted at this time (RFC 3339) or later.
    #[schema(example = "2026-11-23T12:00:00Z")]
    from: String,
    /// Events accepted before this time; by default, now.
    #[serde(default)]
    to: String,
    /// Kinds of events; by default, the ones the endpoint is subscribed to.
    #[serde(default)]
    events: Vec<String>,
    /// `failed` (includes expired events), or `also_never_sent`; by default, `failed`.
    #[serde(default)]
    which: String,
    /// Most events per second, 1 to 500; by default, 50.
    rate_per_s: Option<u32>,
    /// Only preview the recovery.
    #[serde(default)]
    dry_run: bool,
}

impl RecoverRequest {
    fn input(&self) -> Result<RecoverInput, Error> {
        RecoverInput::read(&self.from, &self.to, &self.events, &self.which, Ok(self.rate_per_s))
    }
}

/// A preview of a recovery.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanJson {
    #[serde(flatten)]
    span: SpanJson,
    /// The exact number of events.
    count: u32,
    /// How many of these failed.
    failed: u32,
    /// How many of these expired because they were too late.
    expired: u32,
    /// How many of these were never sent.
    never_sent: u32,
    /// Events of these kinds in this time that aren't resent, because their call had ended.
    superseded: u32,
    /// Events of these kinds in this time that aren't resent, because their payload is past its retention.
    no_payload: u32,
    /// Estimated duration at the rate, in milliseconds.
    estimated_ms: i64,
    /// Id of the job that already runs for this endpoint; another can start only after it has ended.
    running: Option<String>,
}

impl From<RecoveryPlan> for PlanJson {
    fn from(plan: RecoveryPlan) -> Self {
        let estimated_ms = plan.estimated_ms();
        let running = plan.running.map(String::from);
        let RecoveryParts { failed, expired, never_sent, superseded, no_payload, rings: _ } = plan.parts;
        let span = plan.wanted.into();
        Self { span, count: plan.count, failed, expired, never_sent, superseded, no_payload, estimated_ms, running }
    }
}

/// Recover an endpoint.
///
/// Starts a job that resends events at a steady rate, oldest first, with the same event ids. With `dry_run`, nothing is
/// sent.
#[utoipa::path(post, path = "/endpoints/{id}/recover", operation_id = "start_recovery", tag = "Deliveries", request_body = RecoverRequest,
    params(("id" = String, Path, description = "Endpoint id")),
    responses(
        (status = 200, description = "A preview (`dry_run`)", body = PlanJson),
        (status = 202, description = "Started", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn start(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, Problem> {
    caller.require(Permission::WriteDeliveries)?;
    let (id, wanted) = (EndpointId::parse(&id)?, body.parse::<RecoverRequest>()?);
    let input = wanted.input()?;
    if wanted.dry_run {
        let plan = state.backend.plan_recovery(&caller.0, &id, &input).await?;
        return Ok(Json(PlanJson::from(plan)).into_response());
    }
    let job = state.backend.start_recovery(&caller.0, &id, &input).await?;
    Ok((StatusCode::ACCEPTED, Json(JobJson::from(job))).into_response())
}
