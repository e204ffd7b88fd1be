//! Retrying now what waits, and resending what has ended, many at once.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    Error,
    actor::Permission,
    id::{DeliveryId, EndpointId},
    query::Writer,
    recover::{BulkAction, BulkSelection, LISTED_MAX},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app_state::SharedState,
    rest::{
        auth::Caller,
        body::{EmptyBody, JsonBody},
        deliveries::{ResentJson, filter},
        jobs::JobJson,
        openapi::Errors,
        problem::Problem,
        query::Query,
    },
};

/// How to retry.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// Most events per second, 1 to 500; by default, 50. Never above the endpoint's own rate.
    rate_per_s: Option<u32>,
}

/// Which deliveries: either `ids` or `filter`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManyRequest {
    /// These deliveries, at most 250.
    ids: Option<Vec<String>>,
    /// All that match this filter.
    filter: Option<FilterRequest>,
    /// Most events per second, 1 to 500; by default, 50.
    rate_per_s: Option<u32>,
}

/// A filter of deliveries; as the parameters of `GET /deliveries`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FilterRequest {
    /// Only these statuses.
    #[schema(example = json!(["retrying"]))]
    status: Vec<String>,
    /// Only these kinds of events.
    event: Vec<String>,
    /// Only deliveries to this endpoint.
    endpoint: String,
    /// Only deliveries whose latest attempt failed with this cause.
    cause: String,
    /// Only deliveries of the call with this UUID.
    call: String,
    /// Only deliveries that this job has queued, and no later job since.
    job: String,
    /// A complete event, delivery or call id, or a complete phone number.
    q: String,
    /// Only tests (true), or no tests (false).
    test: Option<bool>,
    /// Accepted at this time (RFC 3339) or later.
    from: String,
    /// Accepted before this time.
    to: String,
    /// Accepted within the last `1h`, `24h` or `7d`.
    range: String,
}

impl FilterRequest {
    fn to_query(&self) -> String {
        Writer::default()
            .with("status", self.status.join(","))
            .with("event", self.event.join(","))
            .with("endpoint", &self.endpoint)
            .with("cause", &self.cause)
            .with("call", &self.call)
            .with("job", &self.job)
            .with("q", &self.q)
            .with("test", self.test.map_or("", |only| if only { "true" } else { "false" }))
            .with("from", &self.from)
            .with("to", &self.to)
            .with("range", &self.range)
            .finish()
    }
}

impl ManyRequest {
    fn selection(&self) -> Result<BulkSelection, Problem> {
        match (&self.ids, &self.filter) {
            (Some(ids), None) => Ok(listed(ids)?),
            (None, Some(wanted)) => {
                let mut query = Query::of(&wanted.to_query());
                let filter = filter(&mut query);
                query.finish()?;
                Ok(BulkSelection::Matching(filter))
            }
            _ => Err(Error::invalid("ids", "Pass either ids or filter.").into()),
        }
    }
}

fn listed(ids: &[String]) -> Result<BulkSelection, Error> {
    if ids.len() > LISTED_MAX {
        return Err(Error::invalid("ids", format!("Pass at most {LISTED_MAX} ids.")));
    }
    let parsed: Result<Vec<_>, _> = ids.iter().map(|id| DeliveryId::parse(id)).collect();
    parsed.map(BulkSelection::Listed).map_err(|_| Error::invalid("ids", "This is not a list of delivery ids."))
}

type Started = Result<(StatusCode, Json<JobJson>), Problem>;

/// Retry everything that waits for an endpoint now.
///
/// Starts a job that sends waiting events at a steady rate, oldest first and in the order of each call, instead of at their
/// next scheduled retry. Returns 409 while the endpoint is paused or disabled (resuming it sends what waits), and while such a
/// job is running, which `existing` names.
#[utoipa::path(post, path = "/endpoints/{id}/retry", operation_id = "retry_endpoint", tag = "Deliveries", request_body = RetryRequest,
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 202, description = "Started", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn retry_endpoint(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Started {
    caller.require(Permission::WriteDeliveries)?;
    let RetryRequest { rate_per_s } = body.parse_or_default()?;
    let job = state.backend.retry_endpoint(&caller.0, &EndpointId::parse(&id)?, rate_per_s).await?;
    Ok((StatusCode::ACCEPTED, Json(job.into())))
}

/// Retry a delivery now.
///
/// Sends a delivery that waits for its next retry immediately. Returns 409 if it is not waiting for one, or its endpoint is
/// paused or disabled, and 429 after 20 times within an hour.
#[utoipa::path(post, path = "/deliveries/{id}/retry", operation_id = "retry_delivery", tag = "Deliveries",
    params(("id" = String, Path, description = "Delivery id")),
    responses((status = 202, description = "Queued", body = ResentJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn retry_delivery(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<ResentJson>), Problem> {
    caller.require(Permission::WriteDeliveries)?;
    let EmptyBody {} = body.parse_or_default()?;
    let id = DeliveryId::parse(&id)?;
    state.backend.retry_delivery(&caller.0, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(ResentJson::of(id))))
}

/// Retry many deliveries now.
///
/// Starts a job for those of the given deliveries that wait for an active endpoint; the others are left alone.
#[utoipa::path(post, path = "/deliveries/retry", operation_id = "retry_deliveries", tag = "Deliveries", request_body = ManyRequest,
    responses((status = 202, description = "Started", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn retry_many(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Started {
    start(&state, &caller, &body, BulkAction::Retry).await
}

/// Resend many deliveries.
///
/// Starts a job for those of the given deliveries that have ended and whose payload is kept; the others are left alone. With a
/// filter, delivered ones are only resent if it names `status=delivered`.
#[utoipa::path(post, path = "/deliveries/resend", operation_id = "resend_deliveries", tag = "Deliveries", request_body = ManyRequest,
    responses((status = 202, description = "Started", body = JobJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn resend_many(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Started {
    start(&state, &caller, &body, BulkAction::Resend).await
}

async fn start(state: &SharedState, caller: &Caller, body: &JsonBody, action: BulkAction) -> Started {
    caller.require(Permission::WriteDeliveries)?;
    let wanted = body.parse::<ManyRequest>()?;
    let selection = wanted.selection()?;
    let job = state.backend.start_bulk(&caller.0, action, &selection, wanted.rate_per_s).await?;
    Ok((StatusCode::ACCEPTED, Json(job.into())))
}
