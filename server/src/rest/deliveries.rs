//! Deliveries: what was sent where, with which result, and resending.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    actor::Permission,
    cause::Cause,
    delivery::Status,
    event::EventKind,
    filter::{DeliveryFilter, Range},
    id::{DeliveryId, EndpointId, JobId},
    time::parse_utc,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app_state::SharedState,
    rest::{
        List,
        auth::Caller,
        body::{EmptyBody, JsonBody},
        delivery_json::{AttemptJson, DeliveryDetailJson, DeliveryJson},
        openapi::Errors,
        problem::Problem,
        query::Query,
    },
};

const TIME_FORMAT: &str = "A time must be RFC 3339, for example 2026-11-22T13:00:00Z.";

/// The filter of a query string.
pub(super) fn filter(query: &mut Query) -> DeliveryFilter {
    DeliveryFilter {
        statuses: query.list("status", "This status does not exist.", Status::parse),
        kinds: query.list("event", "This event does not exist.", EventKind::parse),
        endpoint: query.one("endpoint", "This is not an endpoint id.", |id| EndpointId::parse(id).ok()),
        cause: query.one("cause", "This cause does not exist.", Cause::parse),
        call: query.text("call").map(|id| id.to_ascii_lowercase()),
        job: query.one("job", "This is not a job id.", |id| JobId::parse(id).ok()),
        text: query.text("q"),
        test: query.one("test", "The value must be true or false.", |text| text.parse().ok()),
        from: query.one("from", TIME_FORMAT, parse_utc),
        to: query.one("to", TIME_FORMAT, parse_utc),
        range: query
            .one("range", "A range must be 1h, 24h or 7d.", |text| Range::ALL.into_iter().find(|r| r.as_str() == text)),
        cursor: query.cursor(|text| DeliveryId::parse(text).is_ok()),
        limit: query.limit(),
    }
}

/// List deliveries, newest first.
#[utoipa::path(get, path = "/deliveries", operation_id = "list_deliveries", tag = "Deliveries", params(
    ("status" = Option<Vec<String>>, Query, description = "Only these statuses, comma-separated"),
    ("event" = Option<Vec<String>>, Query, description = "Only these kinds of events, comma-separated"),
    ("endpoint" = Option<String>, Query, description = "Only deliveries to this endpoint"),
    ("call" = Option<String>, Query, description = "Only deliveries of the call with this UUID"),
    ("cause" = Option<String>, Query, description = "Only deliveries whose latest attempt failed with this cause"),
    ("job" = Option<String>, Query, description = "Only deliveries that this job has queued, and no later job since"),
    ("q" = Option<String>, Query, description = "A complete event, delivery or call id, or a complete phone number"),
    ("test" = Option<bool>, Query, description = "Only tests (true), or no tests (false)"),
    ("from" = Option<String>, Query, description = "Accepted at this time (RFC 3339) or later"),
    ("to" = Option<String>, Query, description = "Accepted before this time"),
    ("range" = Option<String>, Query, description = "Accepted within the last 1h, 24h or 7d"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<DeliveryJson>), Errors),
    security(("token" = ["deliveries:read"])))]
pub async fn list(
    State(state): State<SharedState>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<DeliveryJson>>, Problem> {
    let filter = filter(&mut query);
    query.finish()?;
    let page = state.backend.deliveries(&caller.0, &filter).await?;
    let now = state.backend.clock().now();
    let to_json = |row| DeliveryJson::new(row, now);
    Ok(Json(List::of(page.rows, page.next, |row| row.id.to_string(), to_json)))
}

/// Show a delivery with its latest attempts.
///
/// It has at most 20 of them; `attempt_count` says how many there are, and `/deliveries/{id}/attempts` lists all.
#[utoipa::path(get, path = "/deliveries/{id}", operation_id = "show_delivery", tag = "Deliveries",
    params(("id" = String, Path, description = "Delivery id")),
    responses((status = 200, description = "The delivery", body = DeliveryDetailJson), Errors),
    security(("token" = ["deliveries:read"])))]
pub async fn show(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<DeliveryDetailJson>, Problem> {
    query.finish()?;
    let detail = state.backend.delivery(&caller.0, &DeliveryId::parse(&id)?, None).await?;
    Ok(Json(DeliveryDetailJson::new(detail, state.backend.clock().now())))
}

/// List the attempts of a delivery, newest first.
///
/// A page has at most 32 of them, because each contains up to 32 KiB of a response.
#[utoipa::path(get, path = "/deliveries/{id}/attempts", operation_id = "list_attempts", tag = "Deliveries", params(
    ("id" = String, Path, description = "Delivery id"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page, at most 32"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<AttemptJson>), Errors),
    security(("token" = ["deliveries:read"])))]
pub async fn attempts(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<List<AttemptJson>>, Problem> {
    let (limit, cursor) = (query.limit(), query.cursor(|text| text.parse::<u32>().is_ok()));
    query.finish()?;
    let before = cursor.and_then(|number| number.parse().ok());
    let page = state.backend.attempts(&caller.0, &DeliveryId::parse(&id)?, before, limit).await?;
    let now = state.backend.clock().now();
    let to_json = |attempt| AttemptJson::new(attempt, now);
    Ok(Json(List::of(page.rows, page.next, |attempt| attempt.number.to_string(), to_json)))
}

/// A delivery that will be sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResentJson {
    /// Its id, which stays the same.
    id: String,
}

impl ResentJson {
    /// Of the delivery with this id.
    pub(super) fn of(id: DeliveryId) -> Self {
        Self { id: id.into() }
    }
}

/// Resend a delivery.
///
/// It gets new attempts and keeps its event id, so that a receiver can ignore duplicates. Returns 409 while the delivery
/// is being sent or waits for its first attempt, and 429 after 20 times within an hour.
#[utoipa::path(post, path = "/deliveries/{id}/resend", operation_id = "resend_delivery", tag = "Deliveries",
    params(("id" = String, Path, description = "Delivery id")),
    responses((status = 202, description = "Queued", body = ResentJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn resend(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<ResentJson>), Problem> {
    caller.require(Permission::WriteDeliveries)?;
    let EmptyBody {} = body.parse_or_default()?;
    let id = DeliveryId::parse(&id)?;
    state.backend.resend(&caller.0, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(ResentJson::of(id))))
}
