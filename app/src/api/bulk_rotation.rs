//! Rotating the credentials of all endpoints of an account: loading and forms.

use domain::rotation::bulk::BulkStep;
use leptos::prelude::*;

use crate::api::rotation::{PrepareForm, RetireSecretForm, RotateForm, RotationStatus, SwitchForm};
use crate::error::UiError;
pub use crate::ssr::bulk_rotation::StepSummary;

/// The credentials of all endpoints, with the latest tests.
pub async fn load_bulk_rotation(acct: String) -> Result<Vec<RotationStatus>, UiError> {
    use crate::ssr;
    let (actor, backend) = (ssr::actor(&acct).await?, ssr::backend()?);
    let mut statuses = Vec::new();
    for view in backend.rotations(&actor).await? {
        let token = view.token.as_ref().and_then(|rotation| rotation.test.clone());
        let secret = view.secret.as_ref().and_then(|rotation| rotation.test.clone());
        let (mut token_test, mut secret_test) = (None, None);
        // A test may be past retention; the page works without it.
        if let Some(test) = token {
            token_test = backend.delivery(&actor, &test).await.ok();
        }
        if let Some(test) = secret {
            secret_test = backend.delivery(&actor, &test).await.ok();
        }
        statuses.push(RotationStatus { view, token_test, secret_test });
    }
    Ok(statuses)
}

/// The step of a form that only has a button.
#[must_use]
pub fn step_named(turn: &str, form: RetireSecretForm) -> Option<BulkStep> {
    use domain::rotation::Credential;
    Some(match turn {
        "test-token" => BulkStep::Test(Credential::AuthToken),
        "undo" => BulkStep::Undo,
        "retire-token" => BulkStep::RetireToken,
        "drop" => BulkStep::Drop,
        "test-secret" => BulkStep::Test(Credential::SigningSecret),
        "extend" => BulkStep::Extend,
        "retire-secret" => BulkStep::RetireSecret(form.unverified()),
        _ => return None,
    })
}

/// Prepares the next auth token of every endpoint and shows each, once.
#[server(prefix = "/api", endpoint = "rotation/everywhere-prepare")]
pub async fn prepare_all_tokens(acct: String, #[server(default)] form: PrepareForm) -> Result<(), UiError> {
    use crate::ssr::{self, bulk_rotation};
    ssr::form(&bulk_rotation::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        ssr::require_fresh_sign_in().await?;
        let chosen = Some(form.auth_token.clone()).filter(|token| !token.is_empty());
        bulk_rotation::take(&acct, &actor, &BulkStep::Prepare(chosen), "Next auth token prepared").await
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
    use crate::ssr::{self, bulk_rotation};
    use crate::zone::Zone;
    use domain::rotation::AllowUnverified;
    ssr::form(&bulk_rotation::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        let no_time = || domain::Error::invalid("switch_at", "Choose a date and time for the switch.");
        let zone = Zone::or_utc(&form.zone);
        let at = if then == "later" { Some(zone.moment(&form.switch_at).ok_or_else(no_time)?) } else { None };
        let unverified = if form.anyway { AllowUnverified::Allow } else { AllowUnverified::Refuse };
        let done =
            at.map_or_else(|| "Auth token switched".to_owned(), |at| format!("Switch at {} scheduled", zone.full(at)));
        bulk_rotation::take(&acct, &actor, &BulkStep::Switch(at, unverified), &done).await
    })
    .await
}

/// Creates a new signing secret for every endpoint and shows each, once.
#[server(prefix = "/api", endpoint = "rotation/everywhere-rotate")]
pub async fn rotate_all_secrets(acct: String, #[server(default)] form: RotateForm) -> Result<(), UiError> {
    use crate::ssr::{self, bulk_rotation};
    use domain::rotation::OVERLAP_S;
    ssr::form(&bulk_rotation::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        ssr::require_fresh_sign_in().await?;
        let choose = || domain::Error::invalid("overlap_s", "Choose how long both secrets stay active.");
        let text = form.overlap_s.trim();
        let overlap_s = if text.is_empty() { OVERLAP_S } else { text.parse().map_err(|_| choose())? };
        bulk_rotation::take(&acct, &actor, &BulkStep::Rotate(overlap_s), "Signing secret rotated").await
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
    use crate::ssr::{self, bulk_rotation};
    ssr::form(&bulk_rotation::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        let step = step_named(&turn, form).ok_or_else(|| domain::Error::NotFound("Step".into()))?;
        let done = match step {
            BulkStep::Undo => "Switch undone",
            BulkStep::Drop => "Rotation cancelled",
            BulkStep::Extend => "Overlap extended",
            BulkStep::Test(_) => "Test sent",
            BulkStep::RetireToken => "Previous auth token retired",
            _ => "Old signing secret retired",
        };
        bulk_rotation::take(&acct, &actor, &step, done).await
    })
    .await
}
