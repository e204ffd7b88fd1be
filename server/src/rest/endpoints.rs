//! Endpoints: create, read, change, pause, resume, test, delete.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    Error,
    actor::{Actor, Permission, Who},
    endpoint::Duplicate,
    event::EventKind,
    id::EndpointId,
    token::Scope,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    rest::{
        List,
        body::{JsonBody, Nothing},
        cut,
        door::Caller,
        endpoint_json::{CreatedJson, EndpointChange, EndpointJson, EndpointSummaryJson, EndpointToCreate},
        openapi::Errors,
        problem::Problem,
        query::Query,
    },
    room::Shared,
};

type One = Result<Json<EndpointJson>, Problem>;

/// Create an endpoint.
///
/// The answer shows its auth token and signing secret, this once.
#[utoipa::path(post, path = "/endpoints", operation_id = "create_endpoint", tag = "Endpoints", request_body = EndpointToCreate, responses(
    (status = 201, description = "Created", body = CreatedJson), Errors,
), security(("token" = ["endpoints:write"])))]
pub async fn create(
    State(room): State<Shared>,
    caller: Caller,
    body: JsonBody,
) -> Result<(StatusCode, Json<CreatedJson>), Problem> {
    caller.require(Permission::WriteEndpoints)?;
    let wanted: EndpointToCreate = body.parse()?;
    let duplicate = if wanted.allow_duplicate { Duplicate::Allow } else { Duplicate::Refuse };
    let created = room.backend.create_endpoint(&caller.0, &wanted.form()?, duplicate).await?;
    let endpoint = EndpointJson::new(created.endpoint, room.backend.clock().now());
    let (auth_token, signing_secret) = (created.credentials.auth_token, created.credentials.signing_secret);
    Ok((StatusCode::CREATED, Json(CreatedJson { endpoint, auth_token, signing_secret })))
}

/// List endpoints: failing ones first, then by name.
#[utoipa::path(get, path = "/endpoints", operation_id = "list_endpoints", tag = "Endpoints", params(
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows of a page; 50 when left out"),
    ("cursor" = Option<String>, Query, description = "`next` of the page before"),
), responses((status = 200, description = "One page", body = List<EndpointSummaryJson>), Errors),
    security(("token" = ["endpoints:read"])))]
pub async fn list(
    State(room): State<Shared>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<EndpointSummaryJson>>, Problem> {
    let (limit, after) = (query.limit(), query.cursor(|text| EndpointId::parse(text).is_ok()));
    query.done()?;
    let all = room.backend.endpoints(&caller.0).await?;
    let (rows, next) = cut(all, limit, after.as_deref(), |row| row.endpoint.id.as_str())?;
    let now = room.backend.clock().now();
    Ok(Json(List { data: rows.into_iter().map(|row| EndpointSummaryJson::new(row, now)).collect(), next }))
}

/// One endpoint.
#[utoipa::path(get, path = "/endpoints/{id}", operation_id = "show_endpoint", tag = "Endpoints",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The endpoint", body = EndpointSummaryJson), Errors),
    security(("token" = ["endpoints:read"])))]
pub async fn show(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<EndpointSummaryJson>, Problem> {
    query.done()?;
    let summary = room.backend.endpoint(&caller.0, &EndpointId::parse(&id)?).await?;
    Ok(Json(EndpointSummaryJson::new(summary, room.backend.clock().now())))
}

/// Change an endpoint. What is left out stays.
#[utoipa::path(patch, path = "/endpoints/{id}", operation_id = "change_endpoint", tag = "Endpoints", request_body = EndpointChange,
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it is now", body = EndpointJson), Errors),
    security(("token" = ["endpoints:write"])))]
pub async fn change(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    caller.require(Permission::WriteEndpoints)?;
    let (id, change) = (EndpointId::parse(&id)?, body.parse::<EndpointChange>()?);
    let (endpoint, form) = room.backend.endpoint_form(&reading(&caller.0), &id).await?;
    let version = change.version.unwrap_or(endpoint.version);
    let endpoint = room.backend.update_endpoint(&caller.0, &id, &change.apply(form)?, Some(version)).await?;
    Ok(Json(EndpointJson::new(endpoint, room.backend.clock().now())))
}

/// The same caller, who may read as well: to change a part is to know the rest, which the answer shows anyway.
fn reading(actor: &Actor) -> Actor {
    let mut actor = actor.clone();
    if let Who::Token { scopes, .. } = &mut actor.who {
        scopes.push(Scope::EndpointsRead);
    }
    actor
}

/// A deleted endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedJson {
    /// Its id.
    id: String,
    /// How many waiting deliveries were cancelled with it.
    cancelled: u32,
}

/// Delete an endpoint.
///
/// Cancels what waits for it. Its deliveries stay readable.
#[utoipa::path(delete, path = "/endpoints/{id}", operation_id = "delete_endpoint", tag = "Endpoints",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "Deleted", body = DeletedJson), Errors),
    security(("token" = ["endpoints:write"])))]
pub async fn delete(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<DeletedJson>, Problem> {
    caller.require(Permission::WriteEndpoints)?;
    let Nothing {} = body.given()?;
    let id = EndpointId::parse(&id)?;
    let cancelled = room.backend.delete_endpoint(&caller.0, &id).await?;
    Ok(Json(DeletedJson { id: id.into(), cancelled }))
}

/// Pause an endpoint: its events are held from now on.
#[utoipa::path(post, path = "/endpoints/{id}/pause", operation_id = "pause_endpoint", tag = "Endpoints",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it is now", body = EndpointJson), Errors),
    security(("token" = ["endpoints:write"])))]
pub async fn pause(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    caller.require(Permission::WriteEndpoints)?;
    let Nothing {} = body.given()?;
    let endpoint = room.backend.pause_endpoint(&caller.0, &EndpointId::parse(&id)?).await?;
    Ok(Json(EndpointJson::new(endpoint, room.backend.clock().now())))
}

/// How to go on after a pause.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resumption {
    /// Most held events per second; without it, as fast as the endpoint takes them.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000)]
    drain_per_s: Option<u32>,
}

/// Resume an endpoint: sends again, the held events beside new ones. The body may be left out.
#[utoipa::path(post, path = "/endpoints/{id}/resume", operation_id = "resume_endpoint", tag = "Endpoints", request_body = Option<Resumption>,
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it is now", body = EndpointJson), Errors),
    security(("token" = ["endpoints:write"])))]
pub async fn resume(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    caller.require(Permission::WriteEndpoints)?;
    let how: Resumption = body.given()?;
    let endpoint = room.backend.resume_endpoint(&caller.0, &EndpointId::parse(&id)?, how.drain_per_s).await?;
    Ok(Json(EndpointJson::new(endpoint, room.backend.clock().now())))
}

/// A test to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestToSend {
    /// The kind of event, which is sent as in the published example.
    #[schema(example = "IncomingCall")]
    event: String,
    /// A payload of your own instead of the example.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    payload: Option<Box<RawValue>>,
}

/// A test that is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestSentJson {
    /// The delivery to look at.
    pub delivery_id: String,
}

/// Send a test to this endpoint alone.
#[utoipa::path(post, path = "/endpoints/{id}/test", operation_id = "test_endpoint", tag = "Endpoints", request_body = TestToSend,
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 202, description = "On its way", body = TestSentJson), Errors),
    security(("token" = ["endpoints:write"])))]
pub async fn test(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<TestSentJson>), Problem> {
    caller.require(Permission::WriteEndpoints)?;
    let (id, wanted) = (EndpointId::parse(&id)?, body.parse::<TestToSend>()?);
    let Some(kind) = EventKind::parse(&wanted.event) else {
        return Err(Error::invalid("event", "The event must be IncomingCall, OutgoingCall or CallProcessed.").into());
    };
    let payload = wanted.payload.as_ref().map(|raw| raw.get());
    let delivery = room.backend.send_test(&caller.0, &id, kind, payload).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSentJson { delivery_id: delivery.into() })))
}
