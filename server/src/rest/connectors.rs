//! Connectors: create, read, change, pause, delete; what they report about themselves.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    actor::{Actor, Permission, Who},
    connector::{ConnectorInput, Mappings as _},
    id::ConnectorId,
    token::Scope,
};
use utoipa::ToSchema;

use crate::{
    app_state::SharedState,
    mappings::ConnectMappings,
    rest::{
        List,
        auth::Caller,
        body::{EmptyBody, JsonBody},
        connector_json::{ConnectorJson, ConnectorWithSecretJson, CreateConnectorRequest, UpdateConnectorRequest},
        connector_reports::{GapJson, StateRequest},
        openapi::Errors,
        problem::Problem,
        query::Query,
    },
};

type One = Result<Json<ConnectorJson>, Problem>;

/// Create a connector.
///
/// With a token of an account, it is the account's own; with a platform token, it is one of the platform, whose calls are
/// routed by number. The response shows its secret, only this once.
#[utoipa::path(post, path = "/connectors", operation_id = "create_connector", tag = "Connectors", request_body = CreateConnectorRequest,
    responses((status = 201, description = "Created", body = ConnectorWithSecretJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn create(
    State(state): State<SharedState>,
    caller: Caller,
    body: JsonBody,
) -> Result<(StatusCode, Json<ConnectorWithSecretJson>), Problem> {
    caller.require(Permission::ManageConnectors)?;
    let wanted: CreateConnectorRequest = body.parse()?;
    let created = state.backend.create_connector(&caller.0, &ConnectMappings.with_preset(wanted.input()?)?).await?;
    Ok((StatusCode::CREATED, Json(ConnectorWithSecretJson::new(created, state.backend.clock().now()))))
}

/// List connectors, by name.
#[utoipa::path(get, path = "/connectors", operation_id = "list_connectors", tag = "Connectors", params(
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<ConnectorJson>), Errors),
    security(("token" = ["connectors:read"])))]
pub async fn list(
    State(state): State<SharedState>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<ConnectorJson>>, Problem> {
    let (limit, after) = (query.limit(), query.cursor(|text| ConnectorId::parse(text).is_ok()));
    query.finish()?;
    let all = state.backend.connectors(&caller.0).await?;
    let now = state.backend.clock().now();
    let json = |connector| ConnectorJson::new(connector, now);
    List::paginated(all, limit, after.as_deref(), |connector| connector.id.as_str(), json).map(Json)
}

/// Show a connector.
#[utoipa::path(get, path = "/connectors/{id}", operation_id = "show_connector", tag = "Connectors",
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 200, description = "The connector", body = ConnectorJson), Errors),
    security(("token" = ["connectors:read"])))]
pub async fn show(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, query: Query) -> One {
    query.finish()?;
    let connector = state.backend.connector(&caller.0, &ConnectorId::parse(&id)?).await?;
    Ok(Json(ConnectorJson::new(connector, state.backend.clock().now())))
}

/// Change a connector. Omitted fields keep their values.
#[utoipa::path(patch, path = "/connectors/{id}", operation_id = "change_connector", tag = "Connectors", request_body = UpdateConnectorRequest,
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 200, description = "The changed connector", body = ConnectorJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn change(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    caller.require(Permission::ManageConnectors)?;
    let (id, change) = (ConnectorId::parse(&id)?, body.parse::<UpdateConnectorRequest>()?);
    let now = state.backend.connector(&with_read_scope(&caller.0), &id).await?;
    let version = change.version.unwrap_or(now.version);
    let input = change.apply(ConnectorInput::of(&now))?;
    if input.mapping != now.mapping {
        ConnectMappings.check_of(&input)?;
    }
    let connector = state.backend.update_connector(&caller.0, &id, &input, Some(version)).await?;
    Ok(Json(ConnectorJson::new(connector, state.backend.clock().now())))
}

/// The caller with the scope to read: changing one field needs the others, which the response shows anyway.
pub(super) fn with_read_scope(actor: &Actor) -> Actor {
    let mut actor = actor.clone();
    if let Who::Token { scopes, .. } = &mut actor.who {
        scopes.push(Scope::ConnectorsRead);
    }
    actor
}

/// A deleted connector.
#[derive(Debug, serde::Serialize, ToSchema)]
pub struct DeletedConnectorJson {
    /// Its id.
    id: String,
}

/// Delete a connector with its gaps and routes. Its events stay.
#[utoipa::path(delete, path = "/connectors/{id}", operation_id = "delete_connector", tag = "Connectors",
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 200, description = "Deleted", body = DeletedConnectorJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn delete(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<DeletedConnectorJson>, Problem> {
    caller.require(Permission::ManageConnectors)?;
    let EmptyBody {} = body.parse_or_default()?;
    let id = ConnectorId::parse(&id)?;
    state.backend.delete_connector(&caller.0, &id).await?;
    Ok(Json(DeletedConnectorJson { id: id.into() }))
}

/// Pause a connector. It reports nothing until it is resumed; what happens in between is lost.
#[utoipa::path(post, path = "/connectors/{id}/pause", operation_id = "pause_connector", tag = "Connectors",
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 200, description = "The changed connector", body = ConnectorJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn pause(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    caller.require(Permission::ManageConnectors)?;
    let EmptyBody {} = body.parse_or_default()?;
    let connector = state.backend.pause_connector(&caller.0, &ConnectorId::parse(&id)?).await?;
    Ok(Json(ConnectorJson::new(connector, state.backend.clock().now())))
}

/// Resume a connector.
#[utoipa::path(post, path = "/connectors/{id}/resume", operation_id = "resume_connector", tag = "Connectors",
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 200, description = "The changed connector", body = ConnectorJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn resume(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    caller.require(Permission::ManageConnectors)?;
    let EmptyBody {} = body.parse_or_default()?;
    let connector = state.backend.resume_connector(&caller.0, &ConnectorId::parse(&id)?).await?;
    Ok(Json(ConnectorJson::new(connector, state.backend.clock().now())))
}

/// Rotate the secret of a connector. The old one stops working at once.
#[utoipa::path(post, path = "/connectors/{id}/rotate", operation_id = "rotate_connector_secret", tag = "Connectors",
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 200, description = "The new secret; it is shown only once", body = ConnectorWithSecretJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn rotate(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<ConnectorWithSecretJson>, Problem> {
    caller.require(Permission::ManageConnectors)?;
    let EmptyBody {} = body.parse_or_default()?;
    let rotated = state.backend.rotate_connector_secret(&caller.0, &ConnectorId::parse(&id)?).await?;
    Ok(Json(ConnectorWithSecretJson::new(rotated, state.backend.clock().now())))
}

/// Report the state of a connector.
///
/// The response says whether it is paused and which settings apply.
#[utoipa::path(put, path = "/connectors/{id}/state", operation_id = "report_connector_state", tag = "Connectors", request_body = StateRequest,
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 200, description = "The connector", body = ConnectorJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn report(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> One {
    caller.require(Permission::ManageConnectors)?;
    let report = body.parse::<StateRequest>()?.report()?;
    let connector = state.backend.report_state(&caller.0, &ConnectorId::parse(&id)?, &report).await?;
    Ok(Json(ConnectorJson::new(connector, state.backend.clock().now())))
}

/// Report a gap: a time in which a connector did not see its phone system.
#[utoipa::path(post, path = "/connectors/{id}/gaps", operation_id = "report_connector_gap", tag = "Connectors", request_body = GapJson,
    params(("id" = String, Path, description = "Connector id")), responses(
    (status = 201, description = "Recorded", body = GapJson),
    (status = 200, description = "Replaced the gap that began at the same time", body = GapJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn add_gap(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<GapJson>), Problem> {
    caller.require(Permission::ManageConnectors)?;
    let gap = body.parse::<GapJson>()?.gap()?;
    let is_new = state.backend.report_gap(&caller.0, &ConnectorId::parse(&id)?, &gap).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(gap.into())))
}

/// List the gaps of a connector, newest first. The latest 500 are kept.
#[utoipa::path(get, path = "/connectors/{id}/gaps", operation_id = "list_connector_gaps", tag = "Connectors", params(
    ("id" = String, Path, description = "Connector id"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<GapJson>), Errors),
    security(("token" = ["connectors:read"])))]
pub async fn gaps(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<List<GapJson>>, Problem> {
    let (limit, cursor) = (query.limit(), query.cursor(|text| text.parse::<i64>().is_ok()));
    query.finish()?;
    let page = state.backend.gaps(&caller.0, &ConnectorId::parse(&id)?, cursor.as_deref(), limit).await?;
    Ok(Json(List::of_short(page.rows.into_iter().map(GapJson::from).collect(), page.next)))
}
