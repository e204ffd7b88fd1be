//! Deliveries: what was sent where, with what result, and sending again.

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
    id::{DeliveryId, EndpointId},
    time::parse_utc,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    rest::{
        List,
        body::{JsonBody, Nothing},
        delivery_json::{DeliveryDetailJson, DeliveryJson},
        door::Caller,
        openapi::Errors,
        problem::Problem,
        query::Query,
    },
    room::Shared,
};

const A_TIME: &str = "A time is RFC 3339, for example 2026-11-22T13:00:00Z.";

fn filter(query: &mut Query) -> DeliveryFilter {
    DeliveryFilter {
        statuses: query.each("status", "There is no such status.", Status::parse),
        kinds: query.each("event", "There is no such event.", EventKind::parse),
        endpoint: query.one("endpoint", "This is not an endpoint's id.", |id| EndpointId::parse(id).ok()),
        cause: query.one("cause", "There is no such cause.", Cause::parse),
        call: query.text("call").map(|id| id.to_ascii_lowercase()),
        text: query.text("q"),
        test: query.one("test", "Say true or false.", |text| text.parse().ok()),
        from: query.one("from", A_TIME, parse_utc),
        to: query.one("to", A_TIME, parse_utc),
        range: query
            .one("range", "A range is 1h, 24h or 7d.", |text| Range::ALL.into_iter().find(|r| r.as_str() == text)),
        cursor: query.cursor(|text| DeliveryId::parse(text).is_ok()),
        limit: query.limit(),
    }
}

/// List deliveries, newest first.
#[utoipa::path(get, path = "/deliveries", operation_id = "list_deliveries", tag = "Deliveries", params(
    ("status" = Option<Vec<String>>, Query, description = "Only these statuses, separated by commas"),
    ("event" = Option<Vec<String>>, Query, description = "Only these kinds of events, separated by commas"),
    ("endpoint" = Option<String>, Query, description = "Only this endpoint's"),
    ("call" = Option<String>, Query, description = "Only this call's, by UUID"),
    ("cause" = Option<String>, Query, description = "Only those whose latest attempt failed for this cause"),
    ("q" = Option<String>, Query, description = "An id, a call's UUID or a phone number, whole"),
    ("test" = Option<bool>, Query, description = "Only tests, or no tests"),
    ("from" = Option<String>, Query, description = "Accepted at this time (RFC 3339) or later"),
    ("to" = Option<String>, Query, description = "Accepted before this time"),
    ("range" = Option<String>, Query, description = "Accepted within the last 1h, 24h or 7d"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows of a page; 50 when left out"),
    ("cursor" = Option<String>, Query, description = "`next` of the page before"),
), responses((status = 200, description = "One page", body = List<DeliveryJson>), Errors),
    security(("token" = ["deliveries:read"])))]
pub async fn list(
    State(room): State<Shared>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<DeliveryJson>>, Problem> {
    let filter = filter(&mut query);
    query.done()?;
    let page = room.backend.deliveries(&caller.0, &filter).await?;
    let now = room.backend.clock().now();
    let data = page.rows.into_iter().map(|row| DeliveryJson::new(row, now)).collect();
    Ok(Json(List { data, next: page.next }))
}

/// One delivery with its attempts.
#[utoipa::path(get, path = "/deliveries/{id}", operation_id = "show_delivery", tag = "Deliveries",
    params(("id" = String, Path, description = "Delivery id")),
    responses((status = 200, description = "The delivery", body = DeliveryDetailJson), Errors),
    security(("token" = ["deliveries:read"])))]
pub async fn show(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<DeliveryDetailJson>, Problem> {
    query.done()?;
    let detail = room.backend.delivery(&caller.0, &DeliveryId::parse(&id)?).await?;
    Ok(Json(DeliveryDetailJson::new(detail, room.backend.clock().now())))
}

/// A delivery that is on its way again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResentJson {
    /// Its id: the same as before.
    id: String,
}

/// Send a delivery again.
///
/// With new tries and the same event id, so that a receiver can drop what it already has. Refused (409) while it is being sent or
/// still waits for its first try.
#[utoipa::path(post, path = "/deliveries/{id}/resend", operation_id = "resend_delivery", tag = "Deliveries",
    params(("id" = String, Path, description = "Delivery id")),
    responses((status = 202, description = "On its way", body = ResentJson), Errors),
    security(("token" = ["deliveries:write"])))]
pub async fn resend(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<ResentJson>), Problem> {
    caller.require(Permission::WriteDeliveries)?;
    let Nothing {} = body.given()?;
    let id = DeliveryId::parse(&id)?;
    room.backend.resend(&caller.0, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(ResentJson { id: id.into() })))
}
