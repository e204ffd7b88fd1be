//! Jobs: progress and results of recoveries, retries and resends, and pausing, resuming and cancelling them.

use axum::{
    Json,
    extract::{Path, State},
};
use domain::{
    actor::Permission,
    id::{EndpointId, JobId},
    recover::{JobResults, JobSelection, RecoveryJob, RecoveryRequest},
    time::iso_utc,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app_state::SharedState,
    rest::{
        List,
        auth::Caller,
        body::{EmptyBody, JsonBody},
        openapi::Errors,
        problem::Problem,
        query::Query,
    },
};

/// Which events are resent.
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
    /// Most events per second; never above the endpoint's own rate.
    rate_per_s: u32,
}

impl From<RecoveryRequest> for SpanJson {
    fn from(wanted: RecoveryRequest) -> Self {
        Self {
            from: iso_utc(wanted.from),
            to: iso_utc(wanted.to),
            events: wanted.kinds.iter().map(|kind| kind.as_str()).collect(),
            which: wanted.which.as_str(),
            rate_per_s: wanted.rate_per_s,
        }
    }
}

/// What became of the deliveries that a job has queued. A delivery that a later job queues again counts there.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultsJson {
    /// Delivered.
    delivered: u32,
    /// Failed or expired again.
    failed: u32,
    /// Cancelled, or their endpoint was deleted.
    cancelled: u32,
    /// Failed again and waiting for their next retry.
    retrying: u32,
    /// Not attempted yet, or being sent.
    waiting: u32,
}

impl From<JobResults> for ResultsJson {
    fn from(results: JobResults) -> Self {
        let JobResults { delivered, failed, cancelled, retrying, waiting } = results;
        Self { delivered, failed, cancelled, retrying, waiting }
    }
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobJson {
    /// Its id.
    id: String,
    /// `recover`, `retry` or `resend`.
    action: &'static str,
    /// Its endpoint; none if it works on selected deliveries of any endpoint.
    endpoint_id: Option<String>,
    /// `queued`, `running`, `paused`, `done` or `cancelled`.
    state: &'static str,
    /// Whether it waits because its endpoint is paused or disabled, or the account suspended.
    held: bool,
    /// What a recovery resends.
    #[serde(flatten)]
    span: Option<SpanJson>,
    /// The filter whose deliveries it works on, as a query string.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    /// Most events per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<u32>,
    /// Number of events at its start.
    total: u32,
    /// Number of events queued so far.
    done: u32,
    /// Number of events still to be queued.
    left: u32,
    /// Number of queued events that failed again.
    failed: u32,
    /// What became of the queued events.
    results: ResultsJson,
    /// Who started it.
    started_by: Option<String>,
    /// When it started.
    created_at: String,
    /// When it ended.
    finished_at: Option<String>,
}

impl From<RecoveryJob> for JobJson {
    fn from(job: RecoveryJob) -> Self {
        let left = job.left();
        let filter = match &job.selection {
            JobSelection::Matching(query) => Some(query.trim_start_matches('?').to_owned()),
            JobSelection::Missed(_) | JobSelection::Waiting | JobSelection::Listed(_) => None,
        };
        let span = match job.selection {
            JobSelection::Missed(wanted) => Some(SpanJson::from(wanted)),
            JobSelection::Waiting | JobSelection::Matching(_) | JobSelection::Listed(_) => None,
        };
        Self {
            left,
            id: job.id.into(),
            action: job.action.as_str(),
            endpoint_id: job.endpoint_id.map(String::from),
            state: job.state.as_str(),
            held: job.held && !job.state.is_final(),
            // A recovery's rate is in its span.
            rate_per_s: span.is_none().then_some(job.rate_per_s),
            span,
            filter,
            total: job.total,
            done: job.done,
            failed: job.results.failed,
            results: job.results.into(),
            started_by: job.who,
            created_at: iso_utc(job.created_at),
            finished_at: job.finished_at.map(iso_utc),
        }
    }
}

type One = Result<Json<JobJson>, Problem>;

/// List the latest jobs, newest first.
///
/// There are at most 50.
#[utoipa::path(get, path = "/jobs", operation_id = "list_jobs", tag = "Deliveries",
    params(("endpoint" = Option<String>, Query, description = "Only jobs of this endpoint")),
    responses((status = 200, description = "The jobs", body = List<JobJson>), Errors),
    security(("token" = ["deliveries:read"])))]
pub async fn list(
    State(state): State<SharedState>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<JobJson>>, Problem> {
    let endpoint = query.one("endpoint", "This is not an endpoint id.", |id| EndpointId::parse(id).ok());
    query.finish()?;
    let jobs = state.backend.jobs(&caller.0, endpoint.as_ref()).await?;
    Ok(Json(List::of(jobs, None, |job| job.id.to_string(), JobJson::from)))
}

/// Show a job, its progress and its results.
#[utoipa::path(get, path = "/jobs/{id}", operation_id = "show_job", tag = "Deliveries",
    params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "The job", body = JobJson), Errors),
    security(("token" = ["deliveries:read"])))]
pub async fn show(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, query: Query) -> One {
    query.finish()?;
    Ok(Json(state.backend.job(&caller.0, &JobId::parse(&id)?).await?.into()))
}

/// What every change of a job checks first: the permission, the job id, and the empty body.
fn parse_id(caller: &Caller, id: &str, body: &JsonBody) -> Result<JobId, Problem> {
    caller.require(Permission::WriteDeliveries)?;
    let EmptyBody {} = body.parse_or_default()?;
    Ok(JobId::parse(id)?)
}

/// Pause a job.
///
/// Events that were already resent are still delivered.
#[utoipa::path(post, path = "/jobs/{id}/pause", operation_id = "pause_job", tag = "Deliveries",
    params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "The job after the change", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn pause(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    let id = parse_id(&caller, &id, &body)?;
    Ok(Json(state.backend.pause_job(&caller.0, &id).await?.into()))
}

/// Resume a paused job from where it stopped.
#[utoipa::path(post, path = "/jobs/{id}/resume", operation_id = "resume_job", tag = "Deliveries",
    params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "The job after the change", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn resume(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    let id = parse_id(&caller, &id, &body)?;
    Ok(Json(state.backend.resume_job(&caller.0, &id).await?.into()))
}

/// Cancel a job.
///
/// Events that were already resent are still delivered; the others are left unchanged.
#[utoipa::path(post, path = "/jobs/{id}/cancel", operation_id = "cancel_job", tag = "Deliveries",
    params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "The job after the change", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn cancel(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    let id = parse_id(&caller, &id, &body)?;
    Ok(Json(state.backend.cancel_job(&caller.0, &id).await?.into()))
}
