//! Rotating credentials: loading and forms.

use std::collections::HashMap;

use domain::actor::Actor;
use domain::delivery::DeliveryDetail;
use domain::id::EndpointId;
use domain::rotation::{AllowUnverified, Credential, OVERLAP_S, RotationStep, RotationView, StepOutcome};
use domain::{Error, UnixMs};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;
use crate::{links, ssr, ssr::first_attempt, zone::Zone};

/// The credentials of an endpoint, with the latest tests.
#[derive(Debug, Clone)]
pub struct RotationStatus {
    /// The credentials and their rotations.
    pub view: RotationView,
    /// The latest test with the next auth token.
    pub token_test: Option<DeliveryDetail>,
    /// The latest test signed only with the new secret.
    pub secret_test: Option<DeliveryDetail>,
}

/// The credentials of an endpoint and their rotations.
pub async fn load_rotation(acct: String, ep: String) -> Result<RotationView, UiError> {
    let (actor, id) = (ssr::actor(&acct).await?, EndpointId::parse(&ep)?);
    Ok(ssr::backend()?.rotation(&actor, &id).await?)
}

/// The credentials of an endpoint, with the latest tests.
pub async fn load_rotation_status(acct: String, ep: String) -> Result<RotationStatus, UiError> {
    let (actor, id) = (ssr::actor(&acct).await?, EndpointId::parse(&ep)?);
    let view = ssr::backend()?.rotation(&actor, &id).await?;
    with_tests(&actor, view).await
}

/// Adds the latest tests. One may be past retention; the page works without it.
pub(super) async fn with_tests(actor: &Actor, view: RotationView) -> Result<RotationStatus, UiError> {
    let backend = ssr::backend()?;
    let (mut token_test, mut secret_test) = (None, None);
    if let Some(test) = view.token.as_ref().and_then(|rotation| rotation.test.as_ref()) {
        token_test = backend.delivery(actor, test, None).await.ok();
    }
    if let Some(test) = view.secret.as_ref().and_then(|rotation| rotation.test.as_ref()) {
        secret_test = backend.delivery(actor, test, None).await.ok();
    }
    Ok(RotationStatus { view, token_test, secret_test })
}

/// Takes a step at an endpoint.
async fn take(acct: &str, ep: &str, step: &RotationStep) -> Result<StepOutcome, UiError> {
    let (actor, id) = (ssr::actor(acct).await?, EndpointId::parse(ep)?);
    Ok(ssr::backend()?.rotate(&actor, &id, step).await?)
}

/// The page afterwards, with a message and the new credential under this name.
fn created(page: &str, message: &str, name: &str, outcome: StepOutcome) -> ssr::Done {
    let done = ssr::Done::to(page).saying(message);
    match outcome {
        StepOutcome::Created(credential) => done.keeping(&HashMap::from([(name, credential)])),
        _ => done,
    }
}

/// Input for the next auth token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrepareForm {
    /// A custom token; a random one if empty.
    #[serde(default)]
    pub auth_token: String,
}

impl PrepareForm {
    pub(super) fn step(&self) -> RotationStep {
        RotationStep::PrepareToken(Some(self.auth_token.clone()).filter(|token| !token.is_empty()))
    }
}

/// Prepares the next auth token and shows it, once.
#[server(prefix = "/api", endpoint = "rotation/prepare")]
pub async fn prepare_token(acct: String, ep: String, #[server(default)] form: PrepareForm) -> Result<(), UiError> {
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        ssr::require_fresh_sign_in().await?;
        let prepared = take(&acct, &ep, &form.step()).await?;
        let message = "Prepared. Make your server accept this token as well, then send a test with it.";
        Ok(created(&page, message, "next_auth_token", prepared))
    })
    .await
}

/// Sends a test with the next credential and waits for the first attempt.
#[server(prefix = "/api", endpoint = "rotation/test")]
pub async fn test_credential(acct: String, ep: String, what: String) -> Result<(), UiError> {
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &(), async {
        let what = Credential::parse(&what).ok_or_else(|| Error::NotFound("Credential".into()))?;
        if let StepOutcome::Sent(test) = take(&acct, &ep, &RotationStep::Test(what)).await? {
            first_attempt::outcome(&ssr::actor(&acct).await?, &test).await?;
        }
        Ok(ssr::Done::to(&page))
    })
    .await
}

/// When and how to switch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchForm {
    /// A local time in `zone`; now if empty.
    #[serde(default)]
    pub switch_at: String,
    /// The time zone of the page.
    #[serde(default)]
    pub zone: String,
    /// Switch without a successful test.
    #[serde(default)]
    pub anyway: bool,
}

impl SwitchForm {
    /// The time, if the button for later was pressed, and the step.
    pub(super) fn step(&self, then: &str) -> Result<(Option<UnixMs>, RotationStep), Error> {
        let no_time = || Error::invalid("switch_at", "Choose a date and time for the switch.");
        let moment = || Zone::or_utc(&self.zone).moment(&self.switch_at).ok_or_else(no_time);
        let at = (then == "later").then(moment).transpose()?;
        Ok((at, RotationStep::SwitchToken(at, unverified(self.anyway))))
    }

    /// A time in words, in the time zone of the page.
    pub(super) fn words(&self, at: UnixMs) -> String {
        Zone::or_utc(&self.zone).full(at)
    }
}

/// Switches to the next auth token, now or at a given time.
#[server(prefix = "/api", endpoint = "rotation/switch")]
pub async fn switch_token(
    acct: String,
    ep: String,
    #[server(default)] form: SwitchForm,
    #[server(default)] then: String,
) -> Result<(), UiError> {
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        let (at, step) = form.step(&then)?;
        take(&acct, &ep, &step).await?;
        let message = match at {
            Some(at) => format!("The switch is scheduled for {}.", form.words(at)),
            None => "Switched. Every request now carries the new auth token.".to_owned(),
        };
        Ok(ssr::Done::to(&page).saying(message))
    })
    .await
}

/// How long both secrets sign requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateForm {
    /// Whole seconds; a day if empty.
    #[serde(default)]
    pub overlap_s: String,
}

impl RotateForm {
    pub(super) fn step(&self) -> Result<RotationStep, Error> {
        let choose = |_| Error::invalid("overlap_s", "Choose how long both secrets stay active.");
        let text = self.overlap_s.trim();
        Ok(RotationStep::RotateSecret(if text.is_empty() { OVERLAP_S } else { text.parse().map_err(choose)? }))
    }
}

/// Creates a new signing secret and shows it, once.
#[server(prefix = "/api", endpoint = "rotation/rotate")]
pub async fn rotate_secret(acct: String, ep: String, #[server(default)] form: RotateForm) -> Result<(), UiError> {
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        ssr::require_fresh_sign_in().await?;
        let step = form.step()?;
        let rotated = take(&acct, &ep, &step).await?;
        let message = if step == RotationStep::RotateSecret(0) {
            "Rotated. Requests are now signed only with the new secret."
        } else {
            "Rotated. Both secrets are active for now. Install the new one on your server, then send a test signed only with it."
        };
        Ok(created(&page, message, "new_signing_secret", rotated))
    })
    .await
}

/// How to retire an old signing secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetireSecretForm {
    /// Retire it without a successful test of the new one.
    #[serde(default)]
    pub retire_anyway: bool,
}

const fn unverified(anyway: bool) -> AllowUnverified {
    if anyway { AllowUnverified::Allow } else { AllowUnverified::Refuse }
}

/// The step of a form that only has a button.
pub(super) fn step_named(turn: &str, form: RetireSecretForm) -> Result<RotationStep, Error> {
    Ok(match turn {
        "test-token" => RotationStep::Test(Credential::AuthToken),
        "undo" => RotationStep::UndoToken,
        "retire-token" => RotationStep::RetireToken,
        "drop" => RotationStep::CancelToken,
        "test-secret" => RotationStep::Test(Credential::SigningSecret),
        "extend" => RotationStep::ExtendSecret,
        "retire-secret" => RotationStep::RetireSecret(unverified(form.retire_anyway)),
        _ => return Err(Error::NotFound("Step".into())),
    })
}

/// Takes the next step of a rotation; see [`step_named`].
#[server(prefix = "/api", endpoint = "rotation/turn")]
pub async fn step_rotation(
    acct: String,
    ep: String,
    turn: String,
    #[server(default)] form: RetireSecretForm,
) -> Result<(), UiError> {
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        let step = step_named(&turn, form)?;
        take(&acct, &ep, &step).await?;
        Ok(ssr::Done::to(&page).saying(match step {
            RotationStep::UndoToken => "Switch undone. The previous auth token is in use again.",
            RotationStep::RetireToken => "The previous auth token is retired.",
            RotationStep::CancelToken => "Rotation cancelled. The auth token is unchanged.",
            RotationStep::ExtendSecret => "Overlap extended.",
            RotationStep::Test(_) => "Test sent.",
            _ => "The old secret is retired. Requests are signed only with the new one.",
        }))
    })
    .await
}
