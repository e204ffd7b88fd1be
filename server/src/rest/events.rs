//! Events: the phone platform posts them, and callers with the scope read their outcome.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    UnixMs,
    actor::Permission,
    cause::{Cause, CauseFacts, Failure},
    connector::route::Destination,
    event::{EVENT_BODY_MAX_BYTES, EventDetail, EventFilter, EventKind, EventRow, NewEvent, PostedEvent},
    id::{EventId, decode},
    time::iso_utc,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    app_state::{AppState, SharedState},
    rest::{
        List,
        auth::Caller,
        body::JsonBody,
        delivery_json::DeliveryJson,
        destination::{self, AcceptedJson, Posted, RouteOfCall},
        openapi::Errors,
        problem::Problem,
        query::Query,
    },
};

/// An event to post.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventRequest {
    /// Account id or reference. Required with a platform token; an account's token implies its account.
    #[serde(default)]
    account: Option<String>,
    /// Id of the connector that reports the call, instead of `account`. A connector of the platform needs a platform token, and
    /// the call's route decides the account. One of an account is named by what has no other sign of life, such as Kamailio.
    #[serde(default)]
    connector: Option<String>,
    /// What decides the account of a call that a platform connector reports.
    #[serde(default)]
    route: Option<RouteOfCall>,
    /// Your own id: 1 to 128 visible ASCII characters without a dot. Posting the same id again has no effect.
    #[serde(default)]
    id: Option<String>,
    /// The event as its endpoints receive it. Unknown keys are kept.
    #[schema(value_type = Object, example = json!({
        "event": "IncomingCall", "call_id": "2f533604-aaaf-11e7-b600-7ac8e42434d2",
        "callee_number": "01202912204", "caller_number": "01202901222"
    }))]
    payload: Box<RawValue>,
    /// What is known beyond the payload: an object of at most 2 KiB and 4 levels, with any keys. Sent beside the payload,
    /// to endpoints with `send_details` only.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"call_result": "blocked", "ring_s": 4}))]
    details: Option<Box<RawValue>>,
    /// Unix time of the event in whole seconds; by default, the time of acceptance.
    #[serde(default)]
    timestamp: Option<i64>,
}

impl From<EventRequest> for PostedEvent {
    fn from(event: EventRequest) -> Self {
        Self {
            account: event.account,
            connector: event.connector,
            route: event.route.map(Into::into),
            id: event.id,
            payload: event.payload,
            details: event.details,
            timestamp: event.timestamp,
        }
    }
}

/// Why an event was not sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotSentJson {
    /// A stable code.
    #[schema(value_type = String, example = "not_sent_no_endpoint")]
    cause: &'static str,
    /// The cause as a sentence.
    #[schema(example = "No endpoint is subscribed to IncomingCall")]
    detail: String,
}

/// An event and a summary of its outcome.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventJson {
    /// Its id, unique in the account.
    #[schema(example = "evt_01kb4qz1a2b3c4d5e6f7g8h9jk")]
    id: String,
    /// `IncomingCall`, `OutgoingCall` or `CallProcessed`.
    #[schema(value_type = String)]
    event: &'static str,
    /// The call's UUID.
    call_id: String,
    /// The caller: a number, or a stored party such as `extension 7048`.
    caller: String,
    /// The callee, likewise.
    callee: String,
    /// Unix time of the event in seconds.
    timestamp: i64,
    /// When it was accepted.
    accepted_at: String,
    /// Whether it is a test.
    test: bool,
    /// How many endpoints it was sent to.
    deliveries: u32,
    /// Why it was sent to none; null if it was sent.
    not_sent: Option<NotSentJson>,
}

impl From<EventRow> for EventJson {
    fn from(row: EventRow) -> Self {
        Self {
            not_sent: (row.deliveries == 0).then(|| not_sent(row.kind)),
            id: row.id.into(),
            event: row.kind.as_str(),
            call_id: row.call_id,
            caller: row.caller,
            callee: row.callee,
            timestamp: row.timestamp,
            accepted_at: iso_utc(row.accepted_at),
            test: row.test,
            deliveries: row.deliveries,
        }
    }
}

fn not_sent(kind: EventKind) -> NotSentJson {
    let facts = CauseFacts { event: Some(kind.as_str().to_owned()), ..CauseFacts::default() };
    let failure = Failure { cause: Cause::NotSentNoEndpoint, facts };
    NotSentJson { cause: failure.cause.code(), detail: failure.sentence(UnixMs::default()) }
}

/// An event with its payload and deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventDetailJson {
    #[serde(flatten)]
    event: EventJson,
    /// The payload as sent; null after its retention period.
    #[schema(value_type = Option<Object>)]
    payload: Option<Box<RawValue>>,
    /// Its details; null if it has none, or after their retention period.
    #[schema(value_type = Option<Object>)]
    details: Option<Box<RawValue>>,
    /// Its deliveries, oldest first.
    outcome: Vec<DeliveryJson>,
}

impl EventDetailJson {
    fn new(detail: EventDetail, now: UnixMs) -> Self {
        Self {
            event: detail.event.into(),
            payload: detail.payload.and_then(|text| RawValue::from_string(text).ok()),
            details: detail.details.and_then(|text| RawValue::from_string(text).ok()),
            outcome: detail.deliveries.into_iter().map(|row| DeliveryJson::new(row, now)).collect(),
        }
    }
}

/// Validates an event and accepts it for its account.
async fn accept(state: &AppState, caller: &Caller, posted: &PostedEvent) -> Result<Posted, Problem> {
    let event = NewEvent::parse(posted)?;
    let account = match destination::of(state, caller, posted).await? {
        Destination::Account(account) => account,
        Destination::Unrouted(_) => return Ok(Posted::Unrouted),
        Destination::Paused => return Ok(Posted::Paused),
    };
    caller.count_event(state, posted.payload.get().len())?;
    Ok(Posted::Accepted(state.backend.accept_event(&caller.0, &account, event).await?))
}

/// Post an event.
///
/// Responds once the event and its deliveries are durable. Events without a subscribed endpoint are accepted, too.
#[utoipa::path(post, path = "/events", operation_id = "post_event", tag = "Events", request_body = EventRequest, responses(
    (status = 202, description = "Accepted", body = AcceptedJson),
    (status = 200, description = "Accepted before, with the same body; or nobody gets it", body = AcceptedJson),
    Errors,
), security(("token" = ["events:write"])))]
pub async fn post(
    State(state): State<SharedState>,
    caller: Caller,
    body: JsonBody<EVENT_BODY_MAX_BYTES>,
) -> Result<(StatusCode, Json<AcceptedJson>), Problem> {
    caller.require(Permission::WriteEvents)?;
    let posted: EventRequest = body.parse()?;
    let posted = accept(&state, &caller, &posted.into()).await?;
    Ok((posted.status(), Json(posted.into())))
}

/// List events, newest first.
#[utoipa::path(get, path = "/events", operation_id = "list_events", tag = "Events", params(
    ("event" = Option<Vec<String>>, Query, description = "Only these kinds, comma-separated"),
    ("call" = Option<String>, Query, description = "Only events of the call with this UUID"),
    ("not_sent" = Option<bool>, Query, description = "Only events that were not sent"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<EventJson>), Errors),
    security(("token" = ["events:read"])))]
pub async fn list(
    State(state): State<SharedState>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<EventJson>>, Problem> {
    let filter = EventFilter {
        kinds: query.list("event", "This event does not exist.", EventKind::parse),
        call: query.text("call").map(|id| id.to_ascii_lowercase()),
        not_sent: query
            .one("not_sent", "The value must be true or false.", |text| text.parse().ok())
            .unwrap_or_default(),
        limit: query.limit(),
        cursor: query.cursor(|text| decode(text).is_some()),
    };
    query.finish()?;
    let page = state.backend.events(&caller.0, &filter).await?;
    Ok(Json(List::of_short(page.rows.into_iter().map(EventJson::from).collect(), page.next)))
}

/// Show an event with its outcome.
#[utoipa::path(get, path = "/events/{id}", operation_id = "show_event", tag = "Events", params(("id" = String, Path, description = "Event id")),
    responses((status = 200, description = "The event", body = EventDetailJson), Errors),
    security(("token" = ["events:read"])))]
pub async fn show(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<EventDetailJson>, Problem> {
    query.finish()?;
    // A malformed id matches no event.
    let id = EventId::parse(&id).map_err(|_| domain::Error::NotFound("Event".to_owned()))?;
    let detail = state.backend.event(&caller.0, &id).await?;
    Ok(Json(EventDetailJson::new(detail, state.backend.clock().now())))
}
