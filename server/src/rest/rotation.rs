//! Rotation of credentials: prepare, test, switch, undo, retire, drop; rotate, test, extend, retire.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{actor::Permission, id::EndpointId, rotation::Credential};
use serde::de::DeserializeOwned;

use crate::{
    app_state::{AppState, SharedState},
    rest::{
        auth::Caller,
        body::{EmptyBody, JsonBody},
        endpoints::TestSentJson,
        openapi::Errors,
        problem::Problem,
        query::Query,
        rotation_json::{
            PrepareRequest, PreparedJson, RetireRequest, RotateRequest, RotatedJson, RotationJson, SwitchRequest,
        },
    },
};

type Rotation = Result<Json<RotationJson>, Problem>;
type TestSent = Result<(StatusCode, Json<TestSentJson>), Problem>;

/// What every step checks first: the permission, the endpoint id, and the body.
fn parse_step<T: Default + DeserializeOwned>(
    caller: &Caller,
    id: &str,
    body: &JsonBody,
) -> Result<(EndpointId, T), Problem> {
    caller.require(Permission::RotateCredentials)?;
    let fields = body.parse_or_default()?;
    Ok((EndpointId::parse(id)?, fields))
}

/// The same for a step without fields.
fn parse_id(caller: &Caller, id: &str, body: &JsonBody) -> Result<EndpointId, Problem> {
    parse_step::<EmptyBody>(caller, id, body).map(|(id, EmptyBody {})| id)
}

async fn send_test(state: &AppState, caller: &Caller, id: &EndpointId, with: Credential) -> TestSent {
    let test = state.backend.test_credential(&caller.0, id, with).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSentJson { delivery_id: test.into() })))
}

/// Show the credentials of an endpoint and their rotations. Credentials are masked.
#[utoipa::path(get, path = "/endpoints/{id}/rotation", operation_id = "show_rotation", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The credentials", body = RotationJson), Errors),
    security(("token" = ["credentials:write"]), ("token" = ["endpoints:read"])))]
pub async fn show(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, query: Query) -> Rotation {
    query.finish()?;
    Ok(Json(state.backend.rotation(&caller.0, &EndpointId::parse(&id)?).await?.into()))
}

/// Prepare the next auth token.
///
/// Nothing changes for your server yet. The response shows the token, only this once.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/prepare", operation_id = "prepare_auth_token", tag = "Credentials",
    request_body(content = Option<PrepareRequest>),
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "Prepared", body = PreparedJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn prepare(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<PreparedJson>, Problem> {
    let (id, wanted) = parse_step::<PrepareRequest>(&caller, &id, &body)?;
    let next_auth_token = state.backend.prepare_token(&caller.0, &id, wanted.auth_token).await?;
    let rotation = state.backend.rotation(&caller.0, &id).await?.into();
    Ok(Json(PreparedJson { next_auth_token, rotation }))
}

/// Send a test with the next auth token.
///
/// A 2xx response proves that your server accepts it.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/test", operation_id = "test_auth_token", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 202, description = "Queued", body = TestSentJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn test_token(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> TestSent {
    send_test(&state, &caller, &parse_id(&caller, &id, &body)?, Credential::AuthToken).await
}

/// Switch to the next auth token, now or at a set time.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/switch", operation_id = "switch_auth_token", tag = "Credentials",
    request_body(content = Option<SwitchRequest>),
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The credentials after the change", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn switch(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Rotation {
    let (id, wanted) = parse_step::<SwitchRequest>(&caller, &id, &body)?;
    let (at, unverified) = wanted.read()?;
    Ok(Json(state.backend.switch_token(&caller.0, &id, at, unverified).await?.into()))
}

/// Restore the previous auth token, within 24 hours of the switch.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/undo", operation_id = "undo_auth_token", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The credentials after the change", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn undo(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Rotation {
    let id = parse_id(&caller, &id, &body)?;
    Ok(Json(state.backend.undo_token(&caller.0, &id).await?.into()))
}

/// Delete the previous auth token before its 24 hours end.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/retire", operation_id = "retire_auth_token", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The credentials after the change", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn retire_token(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Rotation {
    let id = parse_id(&caller, &id, &body)?;
    Ok(Json(state.backend.retire_token(&caller.0, &id).await?.into()))
}

/// Cancel a prepared rotation.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/drop", operation_id = "drop_auth_token", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The credentials after the change", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn cancel_token_rotation(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Rotation {
    let id = parse_id(&caller, &id, &body)?;
    Ok(Json(state.backend.cancel_token_rotation(&caller.0, &id).await?.into()))
}

/// Create a new signing secret; both secrets sign until the overlap ends.
///
/// The response shows the new one, only this once.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/rotate", operation_id = "rotate_signing_secret", tag = "Credentials",
    request_body(content = Option<RotateRequest>),
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "Rotated", body = RotatedJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn rotate(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<RotatedJson>, Problem> {
    let (id, wanted) = parse_step::<RotateRequest>(&caller, &id, &body)?;
    let signing_secret = state.backend.rotate_secret(&caller.0, &id, wanted.overlap_s).await?;
    let rotation = state.backend.rotation(&caller.0, &id).await?.into();
    Ok(Json(RotatedJson { signing_secret, rotation }))
}

/// Send a test signed only with the new secret.
///
/// A 2xx response proves that your server accepts it.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/test", operation_id = "test_signing_secret", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 202, description = "Queued", body = TestSentJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn test_secret(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> TestSent {
    send_test(&state, &caller, &parse_id(&caller, &id, &body)?, Credential::SigningSecret).await
}

/// Extend the overlap once, by its length.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/extend", operation_id = "extend_signing_secret", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The credentials after the change", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn extend(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Rotation {
    let id = parse_id(&caller, &id, &body)?;
    Ok(Json(state.backend.extend_secret(&caller.0, &id).await?.into()))
}

/// End the overlap now: only the new secret signs from then on.
///
/// Returns 409 without a successful test of the new secret, unless `anyway` is set.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/retire", operation_id = "retire_signing_secret", tag = "Credentials",
    request_body(content = Option<RetireRequest>),
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The credentials after the change", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn retire_secret(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Rotation {
    let (id, wanted) = parse_step::<RetireRequest>(&caller, &id, &body)?;
    Ok(Json(state.backend.retire_secret(&caller.0, &id, wanted.unverified()).await?.into()))
}
