//! Recovering: many events of an endpoint sent again, and the jobs that do it.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{
    actor::Permission,
    id::{EndpointId, JobId},
    recover::{Job, Plan, RecoverForm, Wanted},
    time::iso_utc,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    rest::{
        body::{JsonBody, Nothing},
        door::Caller,
        openapi::Errors,
        problem::Problem,
        query::Query,
    },
    room::Shared,
};

/// What to send again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoverWanted {
    /// Events accepted at this time (RFC 3339) or later.
    #[schema(example = "2026-11-23T12:00:00Z")]
    from: String,
    /// Events accepted before this time; now when left out.
    #[serde(default)]
    to: String,
    /// Kinds of events; those that the endpoint listens for when left out.
    #[serde(default)]
    events: Vec<String>,
    /// `failed` (also those that came too late), or `also_never_sent`; `failed` when left out.
    #[serde(default)]
    which: String,
    /// Most events per second, 1 to 500; 50 when left out.
    rate_per_s: Option<u32>,
    /// Only say what would happen.
    #[serde(default)]
    dry_run: bool,
}

impl RecoverWanted {
    fn form(self) -> RecoverForm {
        let rate_per_s = self.rate_per_s.map(|rate| rate.to_string()).unwrap_or_default();
        RecoverForm { from: self.from, to: self.to, events: self.events, which: self.which, rate_per_s }
    }
}

/// What is recovered.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpanJson {
    /// Events accepted at this time or later.
    from: String,
    /// Events accepted before this time.
    to: String,
    /// Kinds of events.
    events: Vec<&'static str>,
    /// `failed` or `also_never_sent`.
    which: &'static str,
    /// Most events per second; never more than the endpoint's own rate.
    rate_per_s: u32,
}

impl From<Wanted> for SpanJson {
    fn from(wanted: Wanted) -> Self {
        Self {
            from: iso_utc(wanted.from),
            to: iso_utc(wanted.to),
            events: wanted.kinds.iter().map(|kind| kind.as_str()).collect(),
            which: wanted.which.as_str(),
            rate_per_s: wanted.rate_per_s,
        }
    }
}

/// What would happen.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanJson {
    #[serde(flatten)]
    span: SpanJson,
    /// How many events there are, exactly.
    count: u32,
    /// How long that takes at the rate, in milliseconds.
    estimated_ms: i64,
    /// The job that works for this endpoint already; another has to wait for its end.
    running: Option<String>,
}

impl From<Plan> for PlanJson {
    fn from(plan: Plan) -> Self {
        let estimated_ms = plan.estimated_ms();
        let running = plan.running.map(String::from);
        Self { span: plan.wanted.into(), count: plan.count, estimated_ms, running }
    }
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobJson {
    /// Its id.
    id: String,
    /// The endpoint that the events go to.
    endpoint_id: String,
    /// `queued`, `running`, `paused`, `done` or `cancelled`.
    state: &'static str,
    #[serde(flatten)]
    span: SpanJson,
    /// How many events there were when it began.
    total: u32,
    /// How many were resent.
    done: u32,
    /// How many are still to be resent.
    left: u32,
    /// How many of those that were resent have failed again.
    failed: u32,
    /// Who began it.
    started_by: Option<String>,
    /// When it began.
    created_at: String,
    /// When it ended.
    finished_at: Option<String>,
}

impl From<Job> for JobJson {
    fn from(job: Job) -> Self {
        Self {
            left: job.left(),
            id: job.id.into(),
            endpoint_id: job.endpoint_id.into(),
            state: job.state.as_str(),
            span: job.wanted.into(),
            total: job.total,
            done: job.done,
            failed: job.failed,
            started_by: job.who,
            created_at: iso_utc(job.created_at),
            finished_at: job.finished_at.map(iso_utc),
        }
    }
}

/// Send many events of an endpoint again.
///
/// Starts a job that resends at a steady rate, oldest first, with the same event ids. With `dry_run` nothing is sent.
#[utoipa::path(post, path = "/endpoints/{id}/recover", operation_id = "start_recovery", tag = "Deliveries", request_body = RecoverWanted,
    params(("id" = String, Path, description = "Endpoint id")),
    responses(
        (status = 200, description = "What would happen (`dry_run`)", body = PlanJson),
        (status = 202, description = "Started", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn start(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, Problem> {
    caller.require(Permission::WriteDeliveries)?;
    let (id, wanted) = (EndpointId::parse(&id)?, body.parse::<RecoverWanted>()?);
    let (dry_run, form) = (wanted.dry_run, wanted.form());
    if dry_run {
        let plan = room.backend.plan_recovery(&caller.0, &id, &form).await?;
        return Ok(Json(PlanJson::from(plan)).into_response());
    }
    let job = room.backend.start_recovery(&caller.0, &id, &form).await?;
    Ok((StatusCode::ACCEPTED, Json(JobJson::from(job))).into_response())
}

type One = Result<Json<JobJson>, Problem>;

/// How far a job is.
#[utoipa::path(get, path = "/jobs/{id}", operation_id = "show_job", tag = "Deliveries",
    params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "The job", body = JobJson), Errors),
    security(("token" = ["deliveries:read"])))]
pub async fn show(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, query: Query) -> One {
    query.done()?;
    Ok(Json(room.backend.job(&caller.0, &JobId::parse(&id)?).await?.into()))
}

/// What every turn of a job asks for first: whether the caller may, and which job it is. The body says nothing.
fn turned(caller: &Caller, id: &str, body: &JsonBody) -> Result<JobId, Problem> {
    caller.require(Permission::WriteDeliveries)?;
    let Nothing {} = body.given()?;
    Ok(JobId::parse(id)?)
}

/// Halt a job.
///
/// What was resent already still goes out.
#[utoipa::path(post, path = "/jobs/{id}/pause", operation_id = "pause_job", tag = "Deliveries",
    params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "As it is now", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn pause(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    let id = turned(&caller, &id, &body)?;
    Ok(Json(room.backend.pause_job(&caller.0, &id).await?.into()))
}

/// Let a halted job go on where it stood.
#[utoipa::path(post, path = "/jobs/{id}/resume", operation_id = "resume_job", tag = "Deliveries",
    params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "As it is now", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn resume(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    let id = turned(&caller, &id, &body)?;
    Ok(Json(room.backend.resume_job(&caller.0, &id).await?.into()))
}

/// End a job.
///
/// What was resent already still goes out; the rest stays as it is.
#[utoipa::path(post, path = "/jobs/{id}/cancel", operation_id = "cancel_job", tag = "Deliveries",
    params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "As it is now", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn cancel(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    let id = turned(&caller, &id, &body)?;
    Ok(Json(room.backend.cancel_job(&caller.0, &id).await?.into()))
}
