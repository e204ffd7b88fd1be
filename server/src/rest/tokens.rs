//! API tokens: made, listed, rotated, revoked. Their text is told once.

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
    token::{ApiToken, MadeToken, OVERLAP_H, TokenForm},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    rest::{
        List,
        body::{JsonBody, Nothing},
        cut,
        door::Caller,
        openapi::Errors,
        problem::Problem,
        query::Query,
    },
    room::Shared,
};

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenToMake {
    /// Name for people: the program that uses it.
    #[schema(example = "CRM")]
    name: String,
    /// What it may do; no more than the token that makes it.
    #[schema(example = json!(["deliveries:read"]))]
    scopes: Vec<String>,
    /// Days until it stops working, 1 to 3,650; never when left out.
    #[serde(default)]
    expires_days: Option<u32>,
}

/// How to take a token's place.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRotation {
    /// Hours that the earlier token works on, 0 to 168; 24 when left out.
    #[serde(default)]
    overlap_h: Option<u32>,
}

/// An API token without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiTokenJson {
    /// Its id.
    id: String,
    /// Name for people.
    name: String,
    /// Its last four characters.
    hint: String,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// `active`, `retiring` (another has taken its place), `expired` or `revoked`.
    state: &'static str,
    /// When it was made.
    created_at: String,
    /// Who made it.
    created_by: Option<String>,
    /// When it was used last, to the minute; null for never.
    last_used_at: Option<String>,
    /// From which address.
    last_used_from: Option<String>,
    /// When it stops working by itself; null for never.
    expires_at: Option<String>,
    /// When it was revoked.
    revoked_at: Option<String>,
    /// The token that takes its place.
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

/// A token that was just made, with its text, this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeTokenJson {
    #[serde(flatten)]
    known: ApiTokenJson,
    /// What programs send as bearer token. It is not shown again.
    token: String,
}

impl MadeTokenJson {
    fn new(made: MadeToken, now: UnixMs) -> Self {
        Self { known: ApiTokenJson::new(made.token, now), token: made.secret }
    }
}

type Made = Result<(StatusCode, Json<MadeTokenJson>), Problem>;

/// List API tokens, those that work first.
#[utoipa::path(get, path = "/tokens", operation_id = "list_tokens", tag = "API tokens", params(
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows of a page; 50 when left out"),
    ("cursor" = Option<String>, Query, description = "`next` of the page before"),
), responses((status = 200, description = "One page", body = List<ApiTokenJson>), Errors),
    security(("token" = ["tokens:write"])))]
pub async fn list(
    State(room): State<Shared>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<ApiTokenJson>>, Problem> {
    let (limit, after) = (query.limit(), query.cursor(|text| TokenId::parse(text).is_ok()));
    query.done()?;
    let now = room.backend.clock().now();
    let all = room.backend.api_tokens(&caller.0).await?;
    let (rows, next) = cut(all, limit, after.as_deref(), |token| token.id.as_str())?;
    Ok(Json(List { data: rows.into_iter().map(|token| ApiTokenJson::new(token, now)).collect(), next }))
}

/// Make an API token.
#[utoipa::path(post, path = "/tokens", operation_id = "make_token", tag = "API tokens", request_body = TokenToMake,
    responses((status = 201, description = "Made; its text is shown this once", body = MadeTokenJson), Errors),
    security(("token" = ["tokens:write"])))]
pub async fn make(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Made {
    caller.require(Permission::ManageTokens)?;
    let wanted = body.parse::<TokenToMake>()?;
    let expires_days = wanted.expires_days.map(|days| days.to_string()).unwrap_or_default();
    let form = TokenForm { name: wanted.name, scopes: wanted.scopes, expires_days };
    let made = room.backend.make_api_token(&caller.0, &form).await?;
    Ok((StatusCode::CREATED, Json(MadeTokenJson::new(made, room.backend.clock().now()))))
}

/// Show an API token.
#[utoipa::path(get, path = "/tokens/{id}", operation_id = "show_token", tag = "API tokens",
    params(("id" = String, Path, description = "Token id")),
    responses((status = 200, description = "The token without its text", body = ApiTokenJson), Errors),
    security(("token" = ["tokens:write"])))]
pub async fn show(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<ApiTokenJson>, Problem> {
    query.done()?;
    let token = room.backend.api_token(&caller.0, &TokenId::parse(&id)?).await?;
    Ok(Json(ApiTokenJson::new(token, room.backend.clock().now())))
}

/// Let a new token take this one's place.
///
/// It has the same name, scopes and length of life. The earlier one works on for the overlap. The body may be left out.
#[utoipa::path(post, path = "/tokens/{id}/rotate", operation_id = "rotate_token", tag = "API tokens", request_body = Option<TokenRotation>,
    params(("id" = String, Path, description = "Token id")),
    responses((status = 201, description = "The new token; its text is shown this once", body = MadeTokenJson), Errors),
    security(("token" = ["tokens:write"])))]
pub async fn rotate(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> Made {
    caller.require(Permission::ManageTokens)?;
    let how: TokenRotation = body.given()?;
    let overlap_h = how.overlap_h.unwrap_or(OVERLAP_H);
    let made = room.backend.rotate_api_token(&caller.0, &TokenId::parse(&id)?, overlap_h).await?;
    Ok((StatusCode::CREATED, Json(MadeTokenJson::new(made, room.backend.clock().now()))))
}

/// Revoke a token. From the next request on it lets nobody in.
#[utoipa::path(delete, path = "/tokens/{id}", operation_id = "revoke_token", tag = "API tokens",
    params(("id" = String, Path, description = "Token id")),
    responses((status = 200, description = "As it is now", body = ApiTokenJson), Errors),
    security(("token" = ["tokens:write"])))]
pub async fn revoke(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<ApiTokenJson>, Problem> {
    caller.require(Permission::ManageTokens)?;
    let Nothing {} = body.given()?;
    let token = room.backend.revoke_api_token(&caller.0, &TokenId::parse(&id)?, None).await?;
    Ok(Json(ApiTokenJson::new(token, room.backend.clock().now())))
}
