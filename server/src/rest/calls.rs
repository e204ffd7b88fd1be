//! Calls: the events of each taken together.

use axum::{
    Json,
    extract::{Path, State},
};
use domain::{
    UnixMs,
    call::{CALL_STATUSES, CallDetail, CallFilter, CallRow, Direction, Outcome},
    id::decode,
    time::iso_utc,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app_state::SharedState,
    rest::{
        List, auth::Caller, delivery_json::DeliveryJson, events::EventJson, openapi::Errors, problem::Problem,
        query::Query,
    },
};

/// A call, with a summary of its deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallJson {
    /// Its UUID.
    call_id: String,
    /// The caller: a number, or a stored party such as `extension 7048`.
    caller: String,
    /// The callee, likewise.
    callee: String,
    /// `incoming`, `outgoing` or `internal`; null if that is not known.
    #[schema(value_type = Option<String>)]
    direction: Option<&'static str>,
    /// When it began.
    began_at: String,
    /// Whether its end has been reported.
    ended: bool,
    /// `call_status` of its end; null until then, after the payload's retention period, and if the payload has more than 16 KiB.
    status: Option<String>,
    /// Whole seconds of talk; null likewise.
    duration_s: Option<u32>,
    /// The cost as it was sent; null likewise.
    cost: Option<String>,
    /// Number of its events.
    events: u32,
    /// Number of its deliveries.
    deliveries: u32,
    /// How many of them were delivered.
    delivered: u32,
    /// The worst state of its deliveries: `failed`, `waiting`, `delivered` or `not_sent`.
    #[schema(value_type = String)]
    outcome: &'static str,
    /// Whether it is a test.
    test: bool,
}

impl From<CallRow> for CallJson {
    fn from(row: CallRow) -> Self {
        Self {
            outcome: row.outcome().as_str(),
            direction: row.direction.map(Direction::as_str),
            began_at: iso_utc(row.began_at),
            call_id: row.call_id,
            caller: row.caller,
            callee: row.callee,
            ended: row.ended,
            status: row.end.status,
            duration_s: row.end.talk_s,
            cost: row.end.cost,
            events: row.events,
            deliveries: row.deliveries,
            delivered: row.delivered,
            test: row.test,
        }
    }
}

/// A call with its events and deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallDetailJson {
    /// The call, as listed.
    call: CallJson,
    /// Its events, oldest first.
    events: Vec<EventJson>,
    /// Its deliveries, oldest first; of more than 250, the latest.
    deliveries: Vec<DeliveryJson>,
}

impl CallDetailJson {
    fn new(detail: CallDetail, now: UnixMs) -> Self {
        Self {
            call: detail.row.into(),
            events: detail.events.into_iter().map(EventJson::from).collect(),
            deliveries: detail.deliveries.into_iter().map(|row| DeliveryJson::new(row, now)).collect(),
        }
    }
}

/// List calls, newest first.
///
/// A page may have fewer rows than its limit although `next` is set: a filter reads a bounded number of calls.
#[utoipa::path(get, path = "/calls", operation_id = "list_calls", tag = "Events", params(
    ("q" = Option<String>, Query, description = "A complete phone number in any spelling, an extension, or the id of a call, event or delivery"),
    ("direction" = Option<String>, Query, description = "`incoming`, `outgoing` or `internal`"),
    ("status" = Option<String>, Query, description = "Only calls that ended so: a `call_status`"),
    ("deliveries" = Option<String>, Query, description = "The worst state of its deliveries: `failed`, `waiting`, `delivered` or `not_sent`"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<CallJson>), Errors),
    security(("token" = ["events:read"])))]
pub async fn list(
    State(state): State<SharedState>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<CallJson>>, Problem> {
    let status = |text: &str| CALL_STATUSES.contains(&text).then(|| text.to_owned());
    let filter = CallFilter {
        text: query.text("q"),
        direction: query.one("direction", "This direction does not exist.", Direction::parse),
        status: query.one("status", "This status does not exist.", status),
        outcome: query.one("deliveries", "This state does not exist.", Outcome::parse),
        limit: query.limit(),
        cursor: query.cursor(|text| decode(text).is_some()),
    };
    query.finish()?;
    let page = state.backend.calls(&caller.0, &filter).await?;
    Ok(Json(List::of_short(page.rows.into_iter().map(CallJson::from).collect(), page.next)))
}

/// Show a call with its events and deliveries.
#[utoipa::path(get, path = "/calls/{id}", operation_id = "show_call", tag = "Events", params(("id" = String, Path, description = "The call's UUID")),
    responses((status = 200, description = "The call", body = CallDetailJson), Errors),
    security(("token" = ["events:read"])))]
pub async fn show(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<CallDetailJson>, Problem> {
    query.finish()?;
    let detail = state.backend.call(&caller.0, &id).await?;
    Ok(Json(CallDetailJson::new(detail, state.backend.clock().now())))
}
