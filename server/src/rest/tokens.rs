//! API tokens: create, list, rotate, revoke. Their secret is shown once.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    UnixMs,
    actor::Permission,
    id::TokenId,
    time::iso_utc,
    token::{ApiToken, CreatedToken, NewToken, OVERLAP_H},
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
    },
};

/// A token to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// A name to recognise it by, such as the program that uses it.
    #[schema(example = "CRM")]
    name: String,
    /// Its scopes; only ones that the creating token has.
    #[schema(example = json!(["deliveries:read"]))]
    scopes: Vec<String>,
    /// Days until it expires, 1 to 3,650; by default, it never expires.
    #[serde(default)]
    expires_days: Option<u32>,
}

/// How to rotate a token.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateTokenRequest {
    /// Hours that the previous token stays valid, 0 to 168; by default, 24.
    #[serde(default)]
    overlap_h: Option<u32>,
}

/// An API token without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiTokenJson {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// Its last four characters.
    hint: String,
    /// Its scopes.
    scopes: Vec<&'static str>,
    /// `active`, `retiring` (it has been rotated), `expired` or `revoked`.
    state: &'static str,
    /// When it was created.
    created_at: String,
    /// Who created it.
    created_by: Option<String>,
    /// When it was last used, to the minute; null for never.
    last_used_at: Option<String>,
    /// The IP address that last used it.
    last_used_from: Option<String>,
    /// When it expires; null for never.
    expires_at: Option<String>,
    /// When it was revoked.
    revoked_at: Option<String>,
    /// The token that replaces it.
    replaced_by: Option<String>,
}

impl ApiTokenJson {
    fn new(token: ApiToken, now: UnixMs) -> Self {
        Self {
            state: token.state(now).as_str(),
            id: token.id.into(),
            name: token.name,
            hint: token.hint,
            scopes: token.scopes.iter().map(|scope| scope.as_str()).collect(),
            created_at: iso_utc(token.created_at),
            created_by: token.created_by,
            last_used_at: token.last_used_at.map(iso_utc),
            last_used_from: token.last_used_from,
            expires_at: token.expires_at.map(iso_utc),
            revoked_at: token.revoked_at.map(iso_utc),
            replaced_by: token.replaced_by.map(String::from),
        }
    }
}

/// A new token with its secret, which is shown only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedTokenJson {
    #[serde(flatten)]
    properties: ApiTokenJson,
    /// The bearer token to send. It is not shown again.
    token: String,
}

impl CreatedTokenJson {
    fn new(created: CreatedToken, now: UnixMs) -> Self {
        Self { properties: ApiTokenJson::new(created.token, now), token: created.secret }
    }
}

type Created = Result<(StatusCode, Json<CreatedTokenJson>), Problem>;

/// List API tokens, valid ones first.
#[utoipa::path(get, path = "/tokens", operation_id = "list_tokens", tag = "API tokens", params(
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<ApiTokenJson>), Errors),
    security(("token" = ["tokens:write"])))]
pub async fn list(
    State(state): State<SharedState>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<ApiTokenJson>>, Problem> {
    let (limit, after) = (query.limit(), query.cursor(|text| TokenId::parse(text).is_ok()));
    query.finish()?;
    let now = state.backend.clock().now();
    let all = state.backend.api_tokens(&caller.0).await?;
    let to_json = |token| ApiTokenJson::new(token, now);
    Ok(Json(List::paginated(all, limit, after.as_deref(), |token| token.id.as_str(), to_json)?))
}

/// Create an API token.
#[utoipa::path(post, path = "/tokens", operation_id = "create_token", tag = "API tokens", request_body = TokenRequest,
    responses((status = 201, description = "Created; the secret is shown only once", body = CreatedTokenJson), Errors),
    security(("token" = ["tokens:write"])))]
pub async fn create(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Created {
    caller.require(Permission::ManageTokens)?;
    let wanted = body.parse::<TokenRequest>()?;
    let new = NewToken::read(&wanted.name, &wanted.scopes, Ok(wanted.expires_days))?;
    let created = state.backend.create_api_token(&caller.0, &new).await?;
    Ok((StatusCode::CREATED, Json(CreatedTokenJson::new(created, state.backend.clock().now()))))
}

/// Show an API token.
#[utoipa::path(get, path = "/tokens/{id}", operation_id = "show_token", tag = "API tokens",
    params(("id" = String, Path, description = "Token id")),
    responses((status = 200, description = "The token without its secret", body = ApiTokenJson), Errors),
    security(("token" = ["tokens:write"])))]
pub async fn show(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<ApiTokenJson>, Problem> {
    query.finish()?;
    let token = state.backend.api_token(&caller.0, &TokenId::parse(&id)?).await?;
    Ok(Json(ApiTokenJson::new(token, state.backend.clock().now())))
}

/// Rotate an API token.
///
/// Creates a token with the same name, scopes and lifetime. The previous token stays valid for the overlap. The body is
/// optional.
#[utoipa::path(post, path = "/tokens/{id}/rotate", operation_id = "rotate_token", tag = "API tokens", request_body = Option<RotateTokenRequest>,
    params(("id" = String, Path, description = "Token id")),
    responses((status = 201, description = "The new token; the secret is shown only once", body = CreatedTokenJson), Errors),
    security(("token" = ["tokens:write"])))]
pub async fn rotate(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Created {
    caller.require(Permission::ManageTokens)?;
    let how: RotateTokenRequest = body.parse_or_default()?;
    let overlap_h = how.overlap_h.unwrap_or(OVERLAP_H);
    let created = state.backend.rotate_api_token(&caller.0, &TokenId::parse(&id)?, overlap_h).await?;
    Ok((StatusCode::CREATED, Json(CreatedTokenJson::new(created, state.backend.clock().now()))))
}

/// Revoke an API token. It is rejected from the next request on.
#[utoipa::path(delete, path = "/tokens/{id}", operation_id = "revoke_token", tag = "API tokens",
    params(("id" = String, Path, description = "Token id")),
    responses((status = 200, description = "The revoked token", body = ApiTokenJson), Errors),
    security(("token" = ["tokens:write"])))]
pub async fn revoke(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<ApiTokenJson>, Problem> {
    caller.require(Permission::ManageTokens)?;
    let EmptyBody {} = body.parse_or_default()?;
    let token = state.backend.revoke_api_token(&caller.0, &TokenId::parse(&id)?, None).await?;
    Ok(Json(ApiTokenJson::new(token, state.backend.clock().now())))
}
