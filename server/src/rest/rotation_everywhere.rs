//! Rotation of the credentials of all endpoints of an account at once. Each call is the call of each endpoint.

use axum::{Json, extract::State};
use domain::{
    actor::Permission,
    id::EndpointId,
    rotation::{
        Credential,
        everywhere::{Came, Step, Taken},
    },
};
use serde::Serialize;
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
        rotation_json::{RotationJson, ToPrepare, ToRetire, ToRotate, ToSwitch},
    },
    room::{Room, Shared},
};

/// What a step came to at one endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenJson {
    endpoint_id: String,
    endpoint_name: String,
    /// `done` or `skipped`.
    outcome: &'static str,
    /// Why it was skipped.
    reason: Option<String>,
    /// The credential that was made, this once.
    credential: Option<String>,
    /// The test that is on its way.
    test_delivery_id: Option<String>,
}

impl From<Taken> for TakenJson {
    fn from(taken: Taken) -> Self {
        let (endpoint_id, endpoint_name) = (taken.endpoint.into(), taken.name);
        let (outcome, reason, credential, test) = match taken.came {
            Came::Done => ("done", None, None, None),
            Came::Made(credential) => ("done", None, Some(credential), None),
            Came::Sent(test) => ("done", None, None, Some(test.into())),
            Came::Skipped(reason) => ("skipped", Some(reason), None, None),
        };
        Self { endpoint_id, endpoint_name, outcome, reason, credential, test_delivery_id: test }
    }
}

type Steps = Result<Json<List<TakenJson>>, Problem>;

async fn take(room: &Room, caller: &Caller, step: Step) -> Steps {
    let taken = room.backend.step_everywhere(&caller.0, &step).await?;
    Ok(Json(List { data: taken.into_iter().map(Into::into).collect(), next: None }))
}

/// A step whose body says nothing.
async fn take_bare(room: &Room, caller: &Caller, body: &JsonBody, step: Step) -> Steps {
    caller.require(Permission::RotateCredentials)?;
    let Nothing {} = body.given()?;
    take(room, caller, step).await
}

/// How the credentials of all endpoints stand. They are masked.
#[utoipa::path(get, path = "/rotations", operation_id = "list_rotations", tag = "Credentials", params(
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows of a page; 50 when left out"),
    ("cursor" = Option<String>, Query, description = "`next` of the page before"),
), responses((status = 200, description = "One page, as they stand now", body = List<RotationJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn show_all(
    State(room): State<Shared>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<RotationJson>>, Problem> {
    let (limit, after) = (query.limit(), query.cursor(|text| EndpointId::parse(text).is_ok()));
    query.done()?;
    let all = room.backend.rotations(&caller.0).await?;
    let (rows, next) = cut(all, limit, after.as_deref(), |view| view.endpoint.id.as_str())?;
    Ok(Json(List { data: rows.into_iter().map(Into::into).collect(), next }))
}

/// Prepare the next auth token of every endpoint.
///
/// One that you choose, or a random one for each. Endpoints in the middle of a rotation are skipped.
#[utoipa::path(post, path = "/rotations/auth-token/prepare", operation_id = "prepare_auth_tokens", tag = "Credentials",
    request_body(content = Option<ToPrepare>),
    responses((status = 200, description = "What came of it", body = List<TakenJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn prepare_all(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Steps {
    caller.require(Permission::RotateCredentials)?;
    take(&room, &caller, Step::Prepare(body.given::<ToPrepare>()?.auth_token)).await
}

/// Switch every prepared endpoint to its next auth token, now or at a set time.
///
/// Those that no test has proved are skipped, unless `anyway` says otherwise.
#[utoipa::path(post, path = "/rotations/auth-token/switch", operation_id = "switch_auth_tokens", tag = "Credentials",
    request_body(content = Option<ToSwitch>),
    responses((status = 200, description = "What came of it", body = List<TakenJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn switch_all(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Steps {
    caller.require(Permission::RotateCredentials)?;
    let wanted = body.given::<ToSwitch>()?;
    let (at, unproved) = wanted.read()?;
    take(&room, &caller, Step::Switch(at, unproved)).await
}

/// Make a new signing secret for every endpoint; both sign until the overlap ends.
#[utoipa::path(post, path = "/rotations/signing-secret/rotate", operation_id = "rotate_signing_secrets", tag = "Credentials",
    request_body(content = Option<ToRotate>),
    responses((status = 200, description = "What came of it", body = List<TakenJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn rotate_all(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Steps {
    caller.require(Permission::RotateCredentials)?;
    take(&room, &caller, Step::Rotate(body.given::<ToRotate>()?.overlap_s)).await
}

/// Send every prepared endpoint a test with its next auth token.
#[utoipa::path(post, path = "/rotations/auth-token/test", operation_id = "test_auth_tokens", tag = "Credentials",
    responses((status = 200, description = "What came of it", body = List<TakenJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn test_tokens(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Steps {
    take_bare(&room, &caller, &body, Step::Test(Credential::AuthToken)).await
}

/// Bring the earlier auth token back, wherever it was switched within 24 hours.
#[utoipa::path(post, path = "/rotations/auth-token/undo", operation_id = "undo_auth_tokens", tag = "Credentials",
    responses((status = 200, description = "What came of it", body = List<TakenJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn undo_all(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Steps {
    take_bare(&room, &caller, &body, Step::Undo).await
}

/// Forget the earlier auth token before its time, wherever it was switched.
#[utoipa::path(post, path = "/rotations/auth-token/retire", operation_id = "retire_auth_tokens", tag = "Credentials",
    responses((status = 200, description = "What came of it", body = List<TakenJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn retire_tokens(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Steps {
    take_bare(&room, &caller, &body, Step::RetireToken).await
}

/// Give every prepared rotation up.
#[utoipa::path(post, path = "/rotations/auth-token/drop", operation_id = "drop_auth_tokens", tag = "Credentials",
    responses((status = 200, description = "What came of it", body = List<TakenJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn drop_all(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Steps {
    take_bare(&room, &caller, &body, Step::Drop).await
}

/// Send every endpoint in an overlap a test that only the new secret signs.
#[utoipa::path(post, path = "/rotations/signing-secret/test", operation_id = "test_signing_secrets", tag = "Credentials",
    responses((status = 200, description = "What came of it", body = List<TakenJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn test_secrets(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Steps {
    take_bare(&room, &caller, &body, Step::Test(Credential::SigningSecret)).await
}

/// Extend every overlap once, by its own length.
#[utoipa::path(post, path = "/rotations/signing-secret/extend", operation_id = "extend_signing_secrets", tag = "Credentials",
    responses((status = 200, description = "What came of it", body = List<TakenJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn extend_all(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Steps {
    take_bare(&room, &caller, &body, Step::Extend).await
}

/// End every overlap now: only the new secrets sign.
///
/// Those that no test has proved are skipped, unless `anyway` says otherwise.
#[utoipa::path(post, path = "/rotations/signing-secret/retire", operation_id = "retire_signing_secrets", tag = "Credentials",
    request_body(content = Option<ToRetire>),
    responses((status = 200, description = "What came of it", body = List<TakenJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn retire_secrets(State(room): State<Shared>, caller: Caller, body: JsonBody) -> Steps {
    caller.require(Permission::RotateCredentials)?;
    take(&room, &caller, Step::RetireSecret(body.given::<ToRetire>()?.unproved())).await
}
