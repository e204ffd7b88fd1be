//! Rotating credentials: loading and forms.

use domain::delivery::DeliveryDetail;
use domain::rotation::{AllowUnverified, RotationView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// The credentials of an endpoint, with the latest tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    use crate::ssr;
    let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
    Ok(ssr::backend()?.rotation(&actor, &id).await?)
}

/// The credentials of an endpoint, with the latest tests.
pub async fn load_rotation_status(acct: String, ep: String) -> Result<RotationStatus, UiError> {
    use crate::ssr;
    let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
    let (backend, mut tests) = (ssr::backend()?, Vec::new());
    let view = backend.rotation(&actor, &id).await?;
    let token = view.token.as_ref().and_then(|rotation| rotation.test.clone());
    let secret = view.secret.as_ref().and_then(|rotation| rotation.test.clone());
    for test in [token, secret] {
        // A test may be past retention; the page works without it.
        tests.push(match test {
            Some(test) => backend.delivery(&actor, &test).await.ok(),
            None => None,
        });
    }
    let (secret_test, token_test) = (tests.pop().flatten(), tests.pop().flatten());
    Ok(RotationStatus { view, token_test, secret_test })
}

/// Input for the next auth token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrepareForm {
    /// A custom token; a random one if empty.
    #[serde(default)]
    pub auth_token: String,
}

/// Prepares the next auth token and shows it, once.
#[server(prefix = "/api", endpoint = "rotation/prepare")]
pub async fn prepare_token(acct: String, ep: String, #[server(default)] form: PrepareForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        ssr::require_fresh_sign_in().await?;
        let chosen = Some(form.auth_token.clone()).filter(|token| !token.is_empty());
        let next_auth_token = ssr::backend()?.prepare_token(&actor, &id, chosen).await?;
        let message = "Prepared. Make your server accept this token as well, then send a test with it.";
        Ok(ssr::Done::to(&page)
            .saying(message)
            .keeping(&std::collections::HashMap::from([("next_auth_token", next_auth_token)])))
    })
    .await
}

/// Sends a test with the next credential and waits for the first attempt.
#[server(prefix = "/api", endpoint = "rotation/test")]
pub async fn test_credential(acct: String, ep: String, what: String) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_attempt};
    use domain::rotation::Credential;
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let what = Credential::parse(&what).ok_or_else(|| domain::Error::NotFound("Credential".into()))?;
        let sent = ssr::backend()?.test_credential(&actor, &id, what).await?;
        first_attempt::outcome(&actor, &sent).await?;
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

/// Switches to the next auth token, now or at a given time.
#[server(prefix = "/api", endpoint = "rotation/switch")]
pub async fn switch_token(
    acct: String,
    ep: String,
    #[server(default)] form: SwitchForm,
    #[server(default)] then: String,
) -> Result<(), UiError> {
    use crate::{links, ssr, zone::Zone};
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let no_time = || domain::Error::invalid("switch_at", "Choose a date and time for the switch.");
        let zone = Zone::or_utc(&form.zone);
        let later = then == "later";
        let at = if later { Some(zone.moment(&form.switch_at).ok_or_else(no_time)?) } else { None };
        let unproved = if form.anyway { AllowUnverified::Allow } else { AllowUnverified::Refuse };
        ssr::backend()?.switch_token(&actor, &id, at, unproved).await?;
        let message = match at {
            Some(at) => format!("The switch is scheduled for {}.", zone.full(at)),
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

/// Creates a new signing secret and shows it, once.
#[server(prefix = "/api", endpoint = "rotation/rotate")]
pub async fn rotate_secret(acct: String, ep: String, #[server(default)] form: RotateForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::rotation::OVERLAP_S;
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        ssr::require_fresh_sign_in().await?;
        let choose = || domain::Error::invalid("overlap_s", "Choose how long both secrets stay active.");
        let text = form.overlap_s.trim();
        let overlap_s = if text.is_empty() { OVERLAP_S } else { text.parse().map_err(|_| choose())? };
        let new_signing_secret = ssr::backend()?.rotate_secret(&actor, &id, overlap_s).await?;
        let message = if overlap_s == 0 {
            "Rotated. Requests are now signed only with the new secret."
        } else {
            "Rotated. Both secrets are active for now. Install the new one on your server, then send a test signed only with it."
        };
        Ok(ssr::Done::to(&page)
            .saying(message)
            .keeping(&std::collections::HashMap::from([("new_signing_secret", new_signing_secret)])))
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

impl RetireSecretForm {
    /// Whether an unverified new secret is accepted.
    #[must_use]
    pub const fn unproved(self) -> AllowUnverified {
        if self.retire_anyway { AllowUnverified::Allow } else { AllowUnverified::Refuse }
    }
}

/// Takes the next step of a rotation: `undo`, `retire-token`, `drop`, `extend` or `retire-secret`.
#[server(prefix = "/api", endpoint = "rotation/turn")]
pub async fn step_rotation(
    acct: String,
    ep: String,
    turn: String,
    #[server(default)] form: RetireSecretForm,
) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        let (actor, id, backend) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?, ssr::backend()?);
        let (done, message) = match turn.as_str() {
            "undo" => {
                (backend.undo_token(&actor, &id).await, "Switch undone. The previous auth token is in use again.")
            }
            "retire-token" => (backend.retire_token(&actor, &id).await, "The previous auth token is retired."),
            "drop" => {
                (backend.cancel_token_rotation(&actor, &id).await, "Rotation cancelled. The auth token is unchanged.")
            }
            "extend" => (backend.extend_secret(&actor, &id).await, "Overlap extended."),
            "retire-secret" => {
                let retired = backend.retire_secret(&actor, &id, form.unproved()).await;
                (retired, "The old secret is retired. Requests are signed only with the new one.")
            }
            _ => (Err(domain::Error::NotFound("Step".into())), ""),
        };
        done?;
        Ok(ssr::Done::to(&page).saying(message))
    })
    .await
}
