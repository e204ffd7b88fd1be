//! Rotation of credentials: prepare, test, switch, undo, retire, drop; rotate, test, extend, retire.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    Error,
    actor::Permission,
    id::EndpointId,
    rotation::{Credential, RotationStep, StepOutcome},
};

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
            PrepareRequest, PreparedJson, RetireRequest, RotateRequest, RotatedJson, RotationJson, StepRequest,
            SwitchRequest,
        },
    },
};

type Rotation = Result<Json<RotationJson>, Problem>;
type TestSent = Result<(StatusCode, Json<TestSentJson>), Problem>;

/// The step of this body, for an actor who may take it.
pub(super) fn read_step<T: StepRequest>(caller: &Caller, body: &JsonBody) -> Result<RotationStep, Problem> {
    caller.require(Permission::RotateCredentials)?;
    Ok(body.parse_or_default::<T>()?.step()?)
}

/// The same for a step without fields.
pub(super) fn read_empty(caller: &Caller, body: &JsonBody, step: RotationStep) -> Result<RotationStep, Problem> {
    caller.require(Permission::RotateCredentials)?;
    let EmptyBody {} = body.parse_or_default()?;
    Ok(step)
}

async fn take(state: &AppState, caller: &Caller, id: &str, step: RotationStep) -> Result<StepOutcome, Problem> {
    Ok(state.backend.rotate(&caller.0, &EndpointId::parse(id)?, &step).await?)
}

/// Takes a step and shows the credentials afterwards.
async fn show_after(state: &AppState, caller: &Caller, id: &str, step: RotationStep) -> Rotation {
    take(state, caller, id, step).await?;
    credentials(state, caller, id).await.map(Json)
}

async fn credentials(state: &AppState, caller: &Caller, id: &str) -> Result<RotationJson, Problem> {
    Ok(state.backend.rotation(&caller.0, &EndpointId::parse(id)?).await?.into())
}

/// Takes a step that generates a credential.
async fn create(state: &AppState, caller: &Caller, id: &str, step: RotationStep) -> Result<String, Problem> {
    match take(state, caller, id, step).await? {
        StepOutcome::Created(credential) => Ok(credential),
        _ => Err(Error::Internal.into()),
    }
}

async fn send_test(state: &AppState, caller: &Caller, id: &str, body: &JsonBody, what: Credential) -> TestSent {
    match take(state, caller, id, read_empty(caller, body, RotationStep::Test(what))?).await? {
        StepOutcome::Sent(test) => Ok((StatusCode::ACCEPTED, Json(TestSentJson { delivery_id: test.into() }))),
        _ => Err(Error::Internal.into()),
    }
}

/// Show the credentials of an endpoint and their rotations. Credentials are masked.
#[utoipa::path(get, path = "/endpoints/{id}/rotation", operation_id = "show_rotation", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "The credentials", body = RotationJson), Errors),
    security(("token" = ["credentials:write"]), ("token" = ["endpoints:read"])))]
pub async fn show(State(state): State<SharedState>, caller: Caller, Path(id): Path<String>, query: Query) -> Rotation {
    query.finish()?;
    credentials(&state, &caller, &id).await.map(Json)
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
    let step = read_step::<PrepareRequest>(&caller, &body)?;
    let next_auth_token = create(&state, &caller, &id, step).await?;
    let rotation = credentials(&state, &caller, &id).await?;
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
    send_test(&state, &caller, &id, &body, Credential::AuthToken).await
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
    show_after(&state, &caller, &id, read_step::<SwitchRequest>(&caller, &body)?).await
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
    show_after(&state, &caller, &id, read_empty(&caller, &body, RotationStep::UndoToken)?).await
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
    show_after(&state, &caller, &id, read_empty(&caller, &body, RotationStep::RetireToken)?).await
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
    show_after(&state, &caller, &id, read_empty(&caller, &body, RotationStep::CancelToken)?).await
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
    let step = read_step::<RotateRequest>(&caller, &body)?;
    let signing_secret = create(&state, &caller, &id, step).await?;
    let rotation = credentials(&state, &caller, &id).await?;
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
    send_test(&state, &caller, &id, &body, Credential::SigningSecret).await
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
    show_after(&state, &caller, &id, read_empty(&caller, &body, RotationStep::ExtendSecret)?).await
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
    show_after(&state, &caller, &id, read_step::<RetireRequest>(&caller, &body)?).await
}
