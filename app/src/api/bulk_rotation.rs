//! Rotating the credentials of all endpoints of an account: loading and forms.

use domain::rotation::RotationStep;
use leptos::prelude::*;

use super::rotation::{PrepareForm, RetireSecretForm, RotateForm, RotationStatus, SwitchForm, step_named, with_tests};
use crate::error::UiError;
use crate::ssr::{self, bulk_rotation};

/// The credentials of all endpoints, with the latest tests.
pub async fn load_bulk_rotation(acct: String) -> Result<Vec<RotationStatus>, UiError> {
    let actor = ssr::actor(&acct).await?;
    let mut statuses = Vec::new();
    for view in ssr::backend()?.rotations(&actor).await? {
        statuses.push(with_tests(&actor, view).await?);
    }
    Ok(statuses)
}

/// Prepares the next auth token of every endpoint and shows each, once.
#[server(prefix = "/api", endpoint = "rotation/everywhere-prepare")]
pub async fn prepare_all_tokens(acct: String, #[server(default)] form: PrepareForm) -> Result<(), UiError> {
    ssr::form(&bulk_rotation::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        ssr::require_fresh_sign_in().await?;
        bulk_rotation::take(&acct, &actor, &form.step(), "Next auth token prepared").await
    })
    .await
}

/// Switches every prepared endpoint to its next auth token, now or at a given time.
#[server(prefix = "/api", endpoint = "rotation/everywhere-switch")]
pub async fn switch_all_tokens(
    acct: String,
    #[server(default)] form: SwitchForm,
    #[server(default)] then: String,
) -> Result<(), UiError> {
    ssr::form(&bulk_rotation::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        let (at, step) = form.step(&then)?;
        let scheduled = |at| format!("Switch at {} scheduled", form.words(at));
        let done = at.map_or_else(|| "Auth token switched".to_owned(), scheduled);
        bulk_rotation::take(&acct, &actor, &step, &done).await
    })
    .await
}

/// Creates a new signing secret for every endpoint and shows each, once.
#[server(prefix = "/api", endpoint = "rotation/everywhere-rotate")]
pub async fn rotate_all_secrets(acct: String, #[server(default)] form: RotateForm) -> Result<(), UiError> {
    ssr::form(&bulk_rotation::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        ssr::require_fresh_sign_in().await?;
        bulk_rotation::take(&acct, &actor, &form.step()?, "Signing secret rotated").await
    })
    .await
}

/// Takes the next step of every rotation that has reached it; see [`step_named`].
#[server(prefix = "/api", endpoint = "rotation/everywhere-turn")]
pub async fn step_all_rotations(
    acct: String,
    turn: String,
    #[server(default)] form: RetireSecretForm,
) -> Result<(), UiError> {
    ssr::form(&bulk_rotation::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        let step = step_named(&turn, form)?;
        let done = match step {
            RotationStep::UndoToken => "Switch undone",
            RotationStep::CancelToken => "Rotation cancelled",
            RotationStep::ExtendSecret => "Overlap extended",
            RotationStep::Test(_) => "Test sent",
            RotationStep::RetireToken => "Previous auth token retired",
            _ => "Old signing secret retired",
        };
        bulk_rotation::take(&acct, &actor, &step, done).await
    })
    .await
}
