//! Rotation of credentials: prepare, test, switch, undo, retire, drop; rotate, test, extend, retire.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{actor::Permission, id::EndpointId, rotation::Credential};
use serde::de::DeserializeOwned;

use crate::{
    rest::{
        body::{JsonBody, Nothing},
        door::Caller,
        endpoints::TestSentJson,
        openapi::Errors,
        problem::Problem,
        query::Query,
        rotation_json::{PreparedJson, RotatedJson, RotationJson, ToPrepare, ToRetire, ToRotate, ToSwitch},
    },
    room::{Room, Shared},
};

type Standing = Result<Json<RotationJson>, Problem>;
type Sent = Result<(StatusCode, Json<TestSentJson>), Problem>;

/// What every step asks for first: whether the caller may, which endpoint it is, and what the body says.
fn asked<T: Default + DeserializeOwned>(
    caller: &Caller,
    id: &str,
    body: &JsonBody,
) -> Result<(EndpointId, T), Problem> {
    caller.require(Permission::RotateCredentials)?;
    let said = body.given()?;
    Ok((EndpointId::parse(id)?, said))
}

/// The same of a step whose body says nothing.
fn named(caller: &Caller, id: &str, body: &JsonBody) -> Result<EndpointId, Problem> {
    asked::<Nothing>(caller, id, body).map(|(id, Nothing {})| id)
}

async fn send_test(room: &Room, caller: &Caller, id: &EndpointId, with: Credential) -> Sent {
    let test = room.backend.test_credential(&caller.0, id, with).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSentJson { delivery_id: test.into() })))
}

/// How the credentials of an endpoint stand. They are masked.
#[utoipa::path(get, path = "/endpoints/{id}/rotation", operation_id = "show_rotation", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"]), ("token" = ["endpoints:read"])))]
pub async fn show(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, query: Query) -> Standing {
    query.done()?;
    Ok(Json(room.backend.rotation(&caller.0, &EndpointId::parse(&id)?).await?.into()))
}

/// Prepare the next auth token.
///
/// Nothing changes for your server yet. The answer shows the token, this once.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/prepare", operation_id = "prepare_auth_token", tag = "Credentials",
    request_body(content = Option<ToPrepare>),
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "Prepared", body = PreparedJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn prepare(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<PreparedJson>, Problem> {
    let (id, wanted) = asked::<ToPrepare>(&caller, &id, &body)?;
    let next_auth_token = room.backend.prepare_token(&caller.0, &id, wanted.auth_token).await?;
    let rotation = room.backend.rotation(&caller.0, &id).await?.into();
    Ok(Json(PreparedJson { next_auth_token, rotation }))
}

/// Send a test with the next auth token.
///
/// A 2xx proves that your server knows it.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/test", operation_id = "test_auth_token", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 202, description = "On its way", body = TestSentJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn test_token(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> Sent {
    send_test(&room, &caller, &named(&caller, &id, &body)?, Credential::AuthToken).await
}

/// Switch to the next auth token, now or at a set time.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/switch", operation_id = "switch_auth_token", tag = "Credentials",
    request_body(content = Option<ToSwitch>),
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn switch(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> Standing {
    let (id, wanted) = asked::<ToSwitch>(&caller, &id, &body)?;
    let (at, unproved) = wanted.read()?;
    Ok(Json(room.backend.switch_token(&caller.0, &id, at, unproved).await?.into()))
}

/// Bring the earlier auth token back, within 24 hours of the switch.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/undo", operation_id = "undo_auth_token", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn undo(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> Standing {
    let id = named(&caller, &id, &body)?;
    Ok(Json(room.backend.undo_token(&caller.0, &id).await?.into()))
}

/// Forget the earlier auth token before its time.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/retire", operation_id = "retire_auth_token", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn retire_token(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Standing {
    let id = named(&caller, &id, &body)?;
    Ok(Json(room.backend.retire_token(&caller.0, &id).await?.into()))
}

/// Give a prepared rotation up.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/drop", operation_id = "drop_auth_token", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn drop_token(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Standing {
    let id = named(&caller, &id, &body)?;
    Ok(Json(room.backend.drop_token(&caller.0, &id).await?.into()))
}

/// Make a new signing secret; both sign until the overlap ends.
///
/// The answer shows the new one, this once.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/rotate", operation_id = "rotate_signing_secret", tag = "Credentials",
    request_body(content = Option<ToRotate>),
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "Rotated", body = RotatedJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn rotate(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<RotatedJson>, Problem> {
    let (id, wanted) = asked::<ToRotate>(&caller, &id, &body)?;
    let signing_secret = room.backend.rotate_secret(&caller.0, &id, wanted.overlap_s).await?;
    let rotation = room.backend.rotation(&caller.0, &id).await?.into();
    Ok(Json(RotatedJson { signing_secret, rotation }))
}

/// Send a test that only the new secret signs.
///
/// A 2xx proves that your server knows it.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/test", operation_id = "test_signing_secret", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 202, description = "On its way", body = TestSentJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn test_secret(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> Sent {
    send_test(&room, &caller, &named(&caller, &id, &body)?, Credential::SigningSecret).await
}

/// Extend the overlap once, by its own length.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/extend", operation_id = "extend_signing_secret", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn extend(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> Standing {
    let id = named(&caller, &id, &body)?;
    Ok(Json(room.backend.extend_secret(&caller.0, &id).await?.into()))
}

/// End the overlap now: only the new secret signs.
///
/// Answered with 409 where no test has proved the new secret, unless `anyway` says otherwise.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/retire", operation_id = "retire_signing_secret", tag = "Credentials",
    request_body(content = Option<ToRetire>),
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn retire_secret(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Standing {
    let (id, wanted) = asked::<ToRetire>(&caller, &id, &body)?;
    Ok(Json(room.backend.retire_secret(&caller.0, &id, wanted.unproved()).await?.into()))
}
