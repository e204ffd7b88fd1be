//! Endpoints: create, read, change, pause, resume, test, delete.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    Error,
    actor::{Actor, Permission, Who},
    endpoint::{Duplicate, EndpointInput},
    event::EventKind,
    id::EndpointId,
    token::Scope,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    app_state::SharedState,
    rest::{
        List,
        auth::Caller,
        body::{EmptyBody, JsonBody},
        endpoint_json::{CreateEndpointRequest, CreatedJson, EndpointJson, EndpointSummaryJson, UpdateEndpointRequest},
        openapi::Errors,
        problem::Problem,
        query::Query,
    },
};

type One = Result<Json<EndpointJson>, Problem>;

/// Create an endpoint.
///
/// The response shows its auth token and signing secret, only this once.
#[utoipa::path(post, path = "/endpoints", operation_id = "create_endpoint", tag = "Endpoints", request_body = CreateEndpointRequest, responses(
    (status = 201, description = "Created", body = CreatedJson), Errors,
), security(("token" = ["endpoints:write"])))]
pub async fn create(
    State(state): State<SharedState>,
    caller: Caller,
    body: JsonBody,
) -> Result<(StatusCode, Json<CreatedJson>), Problem> {
    caller.require(Permission::WriteEndpoints)?;
    let wanted: CreateEndpointRequest = body.parse()?;
    let duplicate = if wanted.allow_duplicate { Duplicate::Allow } else { Duplicate::Refuse };
    let created = state.backend.create_endpoint(&caller.0, &wanted.input()?, duplicate).await?;
    let endpoint = EndpointJson::new(created.endpoint, state.backend.clock().now());
    let (auth_token, signing_secret) = (created.credentials.auth_token, created.credentials.signing_secret);
    Ok((StatusCode::CREATED, Json(CreatedJson { endpoint, auth_token, signing_secret })))
}

/// List endpoints, failing ones first, then by name.
#[utoipa::path(get, path = "/endpoints", operation_id = "list_endpoints", tag = "Endpoints", params(
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<EndpointSummaryJson>), Errors),
    security(("token" = ["endpoints:read"])))]
pub async fn list(
    State(state): State<SharedState>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<EndpointSummaryJson>>, Problem> {
    let (limit, after) = (query.limit(), query.cursor(|text| EndpointId::parse(text).is_ok()));
    query.finish()?;
    let all = state.backend.endpoints(&caller.0).await?;
    let now = state.backend.clock().now();
    let to_json = |row| EndpointSummaryJson::new(row, now);
    Ok(Json(List::paginated(all, limit, after.as_deref(), |row| row.endpoint.id.as_str(), to_json)?))
}

/// Show an endpoint.
#[utoipa::path(get, path = "/endpoints/{id}", operation_id = "show_endpoint", tag = "Endpoints",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The endpoint", body = EndpointSummaryJson), Errors),
    security(("token" = ["endpoints:read"])))]
pub async fn show(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<EndpointSummaryJson>, Problem> {
    query.finish()?;
    let summary = state.backend.endpoint(&caller.0, &EndpointId::parse(&id)?).await?;
    Ok(Json(EndpointSummaryJson::new(summary, state.backend.clock().now())))
}

/// Change an endpoint. Omitted fields keep their values.
#[utoipa::path(patch, path = "/endpoints/{id}", operation_id = "change_endpoint", tag = "Endpoints", request_body = UpdateEndpointRequest,
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The changed endpoint", body = EndpointJson), Errors),
    security(("token" = ["endpoints:write"])))]
pub async fn change(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    caller.require(Permission::WriteEndpoints)?;
    let (id, change) = (EndpointId::parse(&id)?, body.parse::<UpdateEndpointRequest>()?);
    let endpoint = state.backend.endpoint(&with_read_scope(&caller.0), &id).await?.endpoint;
    let version = change.version.unwrap_or(endpoint.version);
    let endpoint = state
        .backend
        .update_endpoint(&caller.0, &id, &change.apply(EndpointInput::of(&endpoint))?, Some(version))
        .await?;
    Ok(Json(EndpointJson::new(endpoint, state.backend.clock().now())))
}

/// The caller with the scope to read: changing one field needs the others, which the response shows anyway.
fn with_read_scope(actor: &Actor) -> Actor {
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
    /// How many waiting deliveries were cancelled.
    cancelled: u32,
}

/// Delete an endpoint.
///
/// Cancels its waiting deliveries. All its deliveries stay readable.
#[utoipa::path(delete, path = "/endpoints/{id}", operation_id = "delete_endpoint", tag = "Endpoints",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "Deleted", body = DeletedJson), Errors),
    security(("token" = ["endpoints:write"])))]
pub async fn delete(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<DeletedJson>, Problem> {
    caller.require(Permission::WriteEndpoints)?;
    let EmptyBody {} = body.parse_or_default()?;
    let id = EndpointId::parse(&id)?;
    let cancelled = state.backend.delete_endpoint(&caller.0, &id).await?;
    Ok(Json(DeletedJson { id: id.into(), cancelled }))
}

/// Pause an endpoint. New events are held until it is resumed.
#[utoipa::path(post, path = "/endpoints/{id}/pause", operation_id = "pause_endpoint", tag = "Endpoints",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The changed endpoint", body = EndpointJson), Errors),
    security(("token" = ["endpoints:write"])))]
pub async fn pause(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    caller.require(Permission::WriteEndpoints)?;
    let EmptyBody {} = body.parse_or_default()?;
    let endpoint = state.backend.pause_endpoint(&caller.0, &EndpointId::parse(&id)?).await?;
    Ok(Json(EndpointJson::new(endpoint, state.backend.clock().now())))
}

/// How to resume an endpoint.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeRequest {
    /// Most held events per second; by default, as fast as the endpoint accepts them.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000)]
    drain_per_s: Option<u32>,
}

/// Resume an endpoint. Held events are sent alongside new ones. The body is optional.
#[utoipa::path(post, path = "/endpoints/{id}/resume", operation_id = "resume_endpoint", tag = "Endpoints", request_body = Option<ResumeRequest>,
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The changed endpoint", body = EndpointJson), Errors),
    security(("token" = ["endpoints:write"])))]
pub async fn resume(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    caller.require(Permission::WriteEndpoints)?;
    let options: ResumeRequest = body.parse_or_default()?;
    let endpoint = state.backend.resume_endpoint(&caller.0, &EndpointId::parse(&id)?, options.drain_per_s).await?;
    Ok(Json(EndpointJson::new(endpoint, state.backend.clock().now())))
}

/// A test to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// The kind of event. The published example of it is sent.
    #[schema(example = "IncomingCall")]
    event: String,
    /// A payload to send instead of the example.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    payload: Option<Box<RawValue>>,
}

/// A queued test.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestSentJson {
    /// Id of its delivery.
    pub delivery_id: String,
}

/// Send a test to this endpoint only.
#[utoipa::path(post, path = "/endpoints/{id}/test", operation_id = "test_endpoint", tag = "Endpoints", request_body = TestRequest,
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 202, description = "Queued", body = TestSentJson), Errors),
    security(("token" = ["endpoints:write"])))]
pub async fn test(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<TestSentJson>), Problem> {
    caller.require(Permission::WriteEndpoints)?;
    let (id, wanted) = (EndpointId::parse(&id)?, body.parse::<TestRequest>()?);
    let Some(kind) = EventKind::parse(&wanted.event) else {
        return Err(Error::invalid("event", "The event must be IncomingCall, OutgoingCall or CallProcessed.").into());
    };
    let payload = wanted.payload.as_ref().map(|raw| raw.get());
    let delivery = state.backend.send_test(&caller.0, &id, kind, payload).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSentJson { delivery_id: delivery.into() })))
}
