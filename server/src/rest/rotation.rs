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
    rotation::{Credential, Unproved},
    time::parse_utc,
};
use serde::de::DeserializeOwned;

use crate::{
    rest::{
        body::JsonBody,
        door::Caller,
        endpoints::TestSentJson,
        openapi::Errors,
        problem::Problem,
        rotation_json::{Nothing, PreparedJson, RotatedJson, RotationJson, ToPrepare, ToRotate, ToSwitch},
    },
    room::Shared,
};

type Standing = Result<Json<RotationJson>, Problem>;

/// The body, or nothing but defaults where there is none.
pub(super) fn given<T: Default + DeserializeOwned>(body: &JsonBody) -> Result<T, Problem> {
    if body.0.is_empty() { Ok(T::default()) } else { body.parse() }
}

/// How the credentials of an endpoint stand. They are masked.
#[utoipa::path(get, path = "/endpoints/{id}/rotation", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"]), ("token" = ["endpoints:read"])))]
pub async fn show(State(room): State<Shared>, caller: Caller, Path(id): Path<String>) -> Standing {
    Ok(Json(room.backend.rotation(&caller.0, &EndpointId::parse(&id)?).await?.into()))
}

/// Prepare the next auth token.
///
/// Nothing changes for your server yet. The answer shows the token, this once.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/prepare", tag = "Credentials",
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
    caller.require(Permission::RotateCredentials)?;
    let (id, wanted) = (EndpointId::parse(&id)?, given::<ToPrepare>(&body)?);
    let next_auth_token = room.backend.prepare_token(&caller.0, &id, wanted.auth_token).await?;
    let rotation = room.backend.rotation(&caller.0, &id).await?.into();
    Ok(Json(PreparedJson { next_auth_token, rotation }))
}

/// Send a test with the next auth token.
///
/// A 2xx proves that your server knows it.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/test", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 202, description = "On its way", body = TestSentJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn test_token(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<TestSentJson>), Problem> {
    caller.require(Permission::RotateCredentials)?;
    given::<Nothing>(&body)?;
    let test = room.backend.test_credential(&caller.0, &EndpointId::parse(&id)?, Credential::AuthToken).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSentJson { delivery_id: test.into() })))
}

/// Switch to the next auth token, now or at a set time.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/switch", tag = "Credentials",
    request_body(content = Option<ToSwitch>),
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn switch(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> Standing {
    caller.require(Permission::RotateCredentials)?;
    let (id, wanted) = (EndpointId::parse(&id)?, given::<ToSwitch>(&body)?);
    let no_time = || Error::invalid("at", "Give the time in RFC 3339, such as 2026-11-24T14:00:00Z.");
    let at = wanted.at.map(|at| parse_utc(&at).ok_or_else(no_time)).transpose()?;
    let unproved = if wanted.anyway { Unproved::Allow } else { Unproved::Refuse };
    Ok(Json(room.backend.switch_token(&caller.0, &id, at, unproved).await?.into()))
}

/// Bring the earlier auth token back, within 24 hours of the switch.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/undo", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn undo(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> Standing {
    caller.require(Permission::RotateCredentials)?;
    given::<Nothing>(&body)?;
    Ok(Json(room.backend.undo_token(&caller.0, &EndpointId::parse(&id)?).await?.into()))
}

/// Forget the earlier auth token before its time.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/retire", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn retire_token(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Standing {
    caller.require(Permission::RotateCredentials)?;
    given::<Nothing>(&body)?;
    Ok(Json(room.backend.retire_token(&caller.0, &EndpointId::parse(&id)?).await?.into()))
}

/// Give a prepared rotation up.
#[utoipa::path(post, path = "/endpoints/{id}/auth-token/drop", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn drop_token(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Standing {
    caller.require(Permission::RotateCredentials)?;
    given::<Nothing>(&body)?;
    Ok(Json(room.backend.drop_token(&caller.0, &EndpointId::parse(&id)?).await?.into()))
}

/// Make a new signing secret; both sign until the overlap ends.
///
/// The answer shows the new one, this once.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/rotate", tag = "Credentials",
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
    caller.require(Permission::RotateCredentials)?;
    let (id, wanted) = (EndpointId::parse(&id)?, given::<ToRotate>(&body)?);
    let signing_secret = room.backend.rotate_secret(&caller.0, &id, wanted.overlap_s).await?;
    let rotation = room.backend.rotation(&caller.0, &id).await?.into();
    Ok(Json(RotatedJson { signing_secret, rotation }))
}

/// Send a test that only the new secret signs.
///
/// A 2xx proves that your server knows it.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/test", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 202, description = "On its way", body = TestSentJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn test_secret(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<TestSentJson>), Problem> {
    caller.require(Permission::RotateCredentials)?;
    given::<Nothing>(&body)?;
    let test = room.backend.test_credential(&caller.0, &EndpointId::parse(&id)?, Credential::SigningSecret).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSentJson { delivery_id: test.into() })))
}

/// Extend the overlap once, by its own length.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/extend", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn extend(State(room): State<Shared>, caller: Caller, Path(id): Path<String>, body: JsonBody) -> Standing {
    caller.require(Permission::RotateCredentials)?;
    given::<Nothing>(&body)?;
    Ok(Json(room.backend.extend_secret(&caller.0, &EndpointId::parse(&id)?).await?.into()))
}

/// End the overlap now: only the new secret signs.
#[utoipa::path(post, path = "/endpoints/{id}/signing-secret/retire", tag = "Credentials",
    params(("id" = String, Path, description = "Endpoint id")),
    responses((status = 200, description = "As it stands now", body = RotationJson), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn retire_secret(
    State(room): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Standing {
    caller.require(Permission::RotateCredentials)?;
    given::<Nothing>(&body)?;
    Ok(Json(room.backend.retire_secret(&caller.0, &EndpointId::parse(&id)?).await?.into()))
}
