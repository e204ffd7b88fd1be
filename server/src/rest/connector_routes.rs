//! Routes of platform connectors: which account a call belongs to. Numbers that have none.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    Error,
    actor::Permission,
    connector::route::{NewRoute, Pattern, Route, RoutesChanged, Unrouted, parse_csv},
    id::ConnectorId,
    time::iso_utc,
};
use serde::{Deserialize, Serialize};
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
        table_body::TableBody,
    },
};

/// Stands for calls without any number where a text is needed.
const NO_NUMBER: &str = "-";

/// A route to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteRequest {
    /// A number, the beginning of numbers followed by `*`, `extension:7048`, `context:name`, or `*` for everything else.
    #[schema(example = "+44163296*")]
    number: String,
    /// Id or reference of the account.
    #[schema(example = "customer-4711")]
    account: String,
}

impl RouteRequest {
    fn route(self) -> Result<NewRoute, Problem> {
        let wrong = |message| Error::invalid("number", message);
        Ok(NewRoute { pattern: Pattern::parse(&self.number).map_err(wrong)?, account: self.account })
    }
}

/// All routes of a connector.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutesRequest {
    /// At most 100,000.
    routes: Vec<RouteRequest>,
}

/// A route.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteJson {
    /// What it matches.
    number: String,
    /// The account's id.
    account: String,
    /// The account's name.
    account_name: String,
    /// The account's reference.
    account_ref: Option<String>,
}

impl From<Route> for RouteJson {
    fn from(route: Route) -> Self {
        Self {
            number: route.pattern.into(),
            account: route.account.into(),
            account_name: route.account_name,
            account_ref: route.reference,
        }
    }
}

/// How the routes changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutesChangedJson {
    /// Routes that are new.
    added: u32,
    /// Routes that lead to another account now.
    changed: u32,
    /// Routes that were deleted.
    removed: u32,
}

impl From<RoutesChanged> for RoutesChangedJson {
    fn from(RoutesChanged { added, changed, removed }: RoutesChanged) -> Self {
        Self { added, changed, removed }
    }
}

/// A number that calls had and no route.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnroutedJson {
    /// The number, as a route would match it; null for calls without any.
    number: Option<String>,
    /// When it was first seen.
    first_at: String,
    /// When it was last seen.
    last_at: String,
    /// How many events were not accepted because of it.
    events: u64,
}

impl From<Unrouted> for UnroutedJson {
    fn from(unrouted: Unrouted) -> Self {
        Self {
            number: Some(unrouted.number).filter(|number| !number.is_empty()),
            first_at: iso_utc(unrouted.first_at),
            last_at: iso_utc(unrouted.last_at),
            events: unrouted.events,
        }
    }
}

/// List the routes of a platform connector.
#[utoipa::path(get, path = "/connectors/{id}/routes", operation_id = "list_connector_routes", tag = "Connectors", params(
    ("id" = String, Path, description = "Connector id"),
    ("number" = Option<String>, Query, description = "Only routes that begin so"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<RouteJson>), Errors),
    security(("token" = ["connectors:read"])))]
pub async fn list(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<List<RouteJson>>, Problem> {
    let (limit, cursor) = (query.limit(), query.cursor(|text| Pattern::parse(text).is_ok()));
    let text = query.text("number").unwrap_or_default();
    query.finish()?;
    let id = ConnectorId::parse(&id)?;
    let page = state.backend.routes(&caller.0, &id, &text, cursor.as_deref(), limit).await?;
    Ok(Json(List::of_short(page.rows.into_iter().map(RouteJson::from).collect(), page.next)))
}

/// Replace all routes of a platform connector.
///
/// Send JSON, or a table as `text/csv`: a line per route, with number and account separated by a comma, a semicolon or a tab.
/// Nothing is changed if one of them is wrong.
#[utoipa::path(put, path = "/connectors/{id}/routes", operation_id = "replace_connector_routes", tag = "Connectors", request_body = RoutesRequest,
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 200, description = "How the routes changed", body = RoutesChangedJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn replace(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: TableBody,
) -> Result<Json<RoutesChangedJson>, Problem> {
    caller.require(Permission::ManageConnectors)?;
    let routes = match &body {
        TableBody::Csv(text) => parse_csv(&text.text())?,
        TableBody::Json(json) => {
            json.parse::<RoutesRequest>()?.routes.into_iter().map(RouteRequest::route).collect::<Result<_, _>>()?
        }
    };
    let changed = state.backend.replace_routes(&caller.0, &ConnectorId::parse(&id)?, routes).await?;
    Ok(Json(changed.into()))
}

/// Add a route to a platform connector, or change where it leads.
#[utoipa::path(post, path = "/connectors/{id}/routes", operation_id = "set_connector_route", tag = "Connectors", request_body = RouteRequest,
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 204, description = "Done"), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn set(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::ManageConnectors)?;
    let route = body.parse::<RouteRequest>()?.route()?;
    state.backend.set_route(&caller.0, &ConnectorId::parse(&id)?, route).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a route from a platform connector.
#[utoipa::path(delete, path = "/connectors/{id}/routes/{number}", operation_id = "remove_connector_route", tag = "Connectors", params(
    ("id" = String, Path, description = "Connector id"), ("number" = String, Path, description = "What the route matches")),
    responses((status = 204, description = "Done"), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn remove(
    State(state): State<SharedState>,
    caller: Caller,
    Path((id, number)): Path<(String, String)>,
    body: JsonBody,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::ManageConnectors)?;
    let EmptyBody {} = body.parse_or_default()?;
    let id = ConnectorId::parse(&id)?;
    let pattern = Pattern::parse(&number).map_err(|_| Error::NotFound("Route".to_owned()))?;
    state.backend.remove_route(&caller.0, &id, &pattern).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the numbers without a route, the latest first. At most 1,000 are kept.
#[utoipa::path(get, path = "/connectors/{id}/unrouted", operation_id = "list_unrouted_numbers", tag = "Connectors", params(
    ("id" = String, Path, description = "Connector id"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<UnroutedJson>), Errors),
    security(("token" = ["connectors:read"])))]
pub async fn unrouted(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<List<UnroutedJson>>, Problem> {
    let is_cursor = |text: &str| text == NO_NUMBER || Pattern::parse(text).is_ok();
    let (limit, after) = (query.limit(), query.cursor(is_cursor));
    query.finish()?;
    let all = state.backend.unrouted(&caller.0, &ConnectorId::parse(&id)?).await?;
    let id = |row: &Unrouted| if row.number.is_empty() { NO_NUMBER.to_owned() } else { row.number.clone() };
    let keyed: Vec<(String, Unrouted)> = all.into_iter().map(|row| (id(&row), row)).collect();
    List::paginated(keyed, limit, after.as_deref(), |(id, _)| id, |(_, row)| row.into()).map(Json)
}

/// Forget the numbers without a route.
#[utoipa::path(delete, path = "/connectors/{id}/unrouted", operation_id = "clear_unrouted_numbers", tag = "Connectors",
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 204, description = "Done"), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn clear_unrouted(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::ManageConnectors)?;
    let EmptyBody {} = body.parse_or_default()?;
    state.backend.clear_unrouted(&caller.0, &ConnectorId::parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
