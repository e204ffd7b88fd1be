//! Rotation of the credentials of all endpoints of an account at once. Each operation is applied to every endpoint.

use axum::{Json, extract::State};
use domain::{
    id::EndpointId,
    rotation::{Credential, RotationStep, StepOutcome, StepResult},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app_state::{AppState, SharedState},
    rest::{
        List,
        auth::Caller,
        body::JsonBody,
        openapi::Errors,
        problem::Problem,
        query::Query,
        rotation::{read_empty, read_step},
        rotation_json::{PrepareRequest, RetireRequest, RotateRequest, RotationJson, SwitchRequest},
    },
};

/// The result of a step for one endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepResultJson {
    endpoint_id: String,
    endpoint_name: String,
    /// `done` or `skipped`.
    outcome: &'static str,
    /// Why it was skipped.
    reason: Option<String>,
    /// The credential that was created. It is shown only once.
    credential: Option<String>,
    /// The test that was queued.
    test_delivery_id: Option<String>,
}

impl From<StepResult> for StepResultJson {
    fn from(result: StepResult) -> Self {
        let (endpoint_id, endpoint_name) = (result.endpoint.into(), result.name);
        let (outcome, reason, credential, test) = match result.outcome {
            StepOutcome::Done => ("done", None, None, None),
            StepOutcome::Created(credential) => ("done", None, Some(credential), None),
            StepOutcome::Sent(test) => ("done", None, None, Some(test.into())),
            StepOutcome::Skipped(reason) => ("skipped", Some(reason), None, None),
        };
        Self { endpoint_id, endpoint_name, outcome, reason, credential, test_delivery_id: test }
    }
}

type Steps = Result<Json<List<StepResultJson>>, Problem>;

async fn run(state: &AppState, caller: &Caller, step: RotationStep) -> Steps {
    let results = state.backend.rotate_all(&caller.0, &step).await?;
    Ok(Json(List::of_short(results.into_iter().map(Into::into).collect(), None)))
}

/// List the credentials of all endpoints and their rotations. Credentials are masked.
#[utoipa::path(get, path = "/rotations", operation_id = "list_rotations", tag = "Credentials", params(
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<RotationJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn show_all(
    State(state): State<SharedState>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<List<RotationJson>>, Problem> {
    let (limit, after) = (query.limit(), query.cursor(|text| EndpointId::parse(text).is_ok()));
    query.finish()?;
    let all = state.backend.rotations(&caller.0).await?;
    Ok(Json(List::paginated(all, limit, after.as_deref(), |view| view.endpoint.id.as_str(), Into::into)?))
}

/// Prepare the next auth token of every endpoint.
///
/// Either one token that you choose, or a random one for each. Endpoints with a running rotation are skipped.
#[utoipa::path(post, path = "/rotations/auth-token/prepare", operation_id = "prepare_auth_tokens", tag = "Credentials",
    request_body(content = Option<PrepareRequest>),
    responses((status = 200, description = "The result for each endpoint", body = List<StepResultJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn prepare_all(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Steps {
    run(&state, &caller, read_step::<PrepareRequest>(&caller, &body)?).await
}

/// Switch every prepared endpoint to its next auth token, now or at a set time.
///
/// Endpoints without a successful test are skipped, unless `anyway` is set.
#[utoipa::path(post, path = "/rotations/auth-token/switch", operation_id = "switch_auth_tokens", tag = "Credentials",
    request_body(content = Option<SwitchRequest>),
    responses((status = 200, description = "The result for each endpoint", body = List<StepResultJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn switch_all(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Steps {
    run(&state, &caller, read_step::<SwitchRequest>(&caller, &body)?).await
}

/// Create a new signing secret for every endpoint; both secrets sign until the overlap ends.
#[utoipa::path(post, path = "/rotations/signing-secret/rotate", operation_id = "rotate_signing_secrets", tag = "Credentials",
    request_body(content = Option<RotateRequest>),
    responses((status = 200, description = "The result for each endpoint", body = List<StepResultJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn rotate_all(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Steps {
    run(&state, &caller, read_step::<RotateRequest>(&caller, &body)?).await
}

/// Send every prepared endpoint a test with its next auth token.
#[utoipa::path(post, path = "/rotations/auth-token/test", operation_id = "test_auth_tokens", tag = "Credentials",
    responses((status = 200, description = "The result for each endpoint", body = List<StepResultJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn test_tokens(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Steps {
    run(&state, &caller, read_empty(&caller, &body, RotationStep::Test(Credential::AuthToken))?).await
}

/// Restore the previous auth token of every endpoint that switched within 24 hours.
#[utoipa::path(post, path = "/rotations/auth-token/undo", operation_id = "undo_auth_tokens", tag = "Credentials",
    responses((status = 200, description = "The result for each endpoint", body = List<StepResultJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn undo_all(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Steps {
    run(&state, &caller, read_empty(&caller, &body, RotationStep::UndoToken)?).await
}

/// Delete the previous auth token of every endpoint that switched, before its 24 hours end.
#[utoipa::path(post, path = "/rotations/auth-token/retire", operation_id = "retire_auth_tokens", tag = "Credentials",
    responses((status = 200, description = "The result for each endpoint", body = List<StepResultJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn retire_tokens(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Steps {
    run(&state, &caller, read_empty(&caller, &body, RotationStep::RetireToken)?).await
}

/// Cancel every prepared rotation.
#[utoipa::path(post, path = "/rotations/auth-token/drop", operation_id = "drop_auth_tokens", tag = "Credentials",
    responses((status = 200, description = "The result for each endpoint", body = List<StepResultJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn drop_all(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Steps {
    run(&state, &caller, read_empty(&caller, &body, RotationStep::CancelToken)?).await
}

/// Send every endpoint in an overlap a test signed only with the new secret.
#[utoipa::path(post, path = "/rotations/signing-secret/test", operation_id = "test_signing_secrets", tag = "Credentials",
    responses((status = 200, description = "The result for each endpoint", body = List<StepResultJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn test_secrets(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Steps {
    run(&state, &caller, read_empty(&caller, &body, RotationStep::Test(Credential::SigningSecret))?).await
}

/// Extend every overlap once, by its length.
#[utoipa::path(post, path = "/rotations/signing-secret/extend", operation_id = "extend_signing_secrets", tag = "Credentials",
    responses((status = 200, description = "The result for each endpoint", body = List<StepResultJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn extend_all(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Steps {
    run(&state, &caller, read_empty(&caller, &body, RotationStep::ExtendSecret)?).await
}

/// End every overlap now: only the new secrets sign from then on.
///
/// Endpoints without a successful test are skipped, unless `anyway` is set.
#[utoipa::path(post, path = "/rotations/signing-secret/retire", operation_id = "retire_signing_secrets", tag = "Credentials",
    request_body(content = Option<RetireRequest>),
    responses((status = 200, description = "The result for each endpoint", body = List<StepResultJson>), Errors),
    security(("token" = ["credentials:write"])))]
pub async fn retire_secrets(State(state): State<SharedState>, caller: Caller, body: JsonBody) -> Steps {
    run(&state, &caller, read_step::<RetireRequest>(&caller, &body)?).await
}
