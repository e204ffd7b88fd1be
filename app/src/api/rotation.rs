//! Rotation of credentials: what its page loads and what its forms do.

use domain::delivery::DeliveryDetail;
use domain::rotation::{RotationView, Unproved};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// How the credentials stand, with the latest tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The credentials and their rotations.
    pub view: RotationView,
    /// The latest test with the next auth token.
    pub token_test: Option<DeliveryDetail>,
    /// The latest test that only the new secret signed.
    pub secret_test: Option<DeliveryDetail>,
}

/// How an endpoint's credentials stand.
pub async fn load_rotation(acct: String, ep: String) -> Result<RotationView, UiError> {
    use crate::ssr;
    let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
    Ok(ssr::backend()?.rotation(&actor, &id).await?)
}

/// How an endpoint's credentials stand, with the latest tests.
pub async fn load_standing(acct: String, ep: String) -> Result<Standing, UiError> {
    use crate::ssr;
    let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
    let (backend, mut tests) = (ssr::backend()?, Vec::new());
    let view = backend.rotation(&actor, &id).await?;
    let token = view.token.as_ref().and_then(|rotation| rotation.test.clone());
    let secret = view.secret.as_ref().and_then(|rotation| rotation.test.clone());
    for test in [token, secret] {
        // A test may be past retention; the rest of the page stands without it.
        tests.push(match test {
            Some(test) => backend.delivery(&actor, &test).await.ok(),
            None => None,
        });
    }
    let (secret_test, token_test) = (tests.pop().flatten(), tests.pop().flatten());
    Ok(Standing { view, token_test, secret_test })
}

/// What is said about the next auth token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrepareForm {
    /// A token of their own; a random one when empty.
    #[serde(default)]
    pub auth_token: String,
}

/// Prepares the next auth token and shows it, this once.
#[server(prefix = "/api", endpoint = "rotation/prepare")]
pub async fn prepare_token(acct: String, ep: String, #[server(default)] form: PrepareForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        ssr::require_fresh_sign_in().await?;
        let chosen = Some(form.auth_token.clone()).filter(|token| !token.is_empty());
        let next_auth_token = ssr::backend()?.prepare_token(&actor, &id, chosen).await?;
        let said = "Prepared. Let your server accept this token too, then send a test with it.";
        Ok(ssr::Done::to(&page)
            .saying(said)
            .keeping(&std::collections::HashMap::from([("next_auth_token", next_auth_token)])))
    })
    .await
}

/// Sends a test with the next credential, and waits for the outcome of its first attempt.
#[server(prefix = "/api", endpoint = "rotation/test")]
pub async fn test_credential(acct: String, ep: String, what: String) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_try};
    use domain::rotation::Credential;
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let what = Credential::parse(&what).ok_or_else(|| domain::Error::NotFound("Credential".into()))?;
        let sent = ssr::backend()?.test_credential(&actor, &id, what).await?;
        first_try::outcome(&actor, &sent).await?;
        Ok(ssr::Done::to(&page))
    })
    .await
}

/// When to switch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchForm {
    /// A local time in `zone`; now when empty.
    #[serde(default)]
    pub switch_at: String,
    /// The zone that the page was written in.
    #[serde(default)]
    pub zone: String,
    /// Switch although nothing is proved.
    #[serde(default)]
    pub anyway: bool,
}

/// Switches to the next auth token, now or at a set time.
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
        let no_time = || domain::Error::invalid("switch_at", "Choose the day and time of the switch.");
        let zone = Zone::or_utc(&form.zone);
        let later = then == "later";
        let at = if later { Some(zone.moment(&form.switch_at).ok_or_else(no_time)?) } else { None };
        let unproved = if form.anyway { Unproved::Allow } else { Unproved::Refuse };
        ssr::backend()?.switch_token(&actor, &id, at, unproved).await?;
        let said = match at {
            Some(at) => format!("The switch is set for {}.", zone.full(at)),
            None => "Switched. Every request carries the new auth token from now on.".to_owned(),
        };
        Ok(ssr::Done::to(&page).saying(said))
    })
    .await
}

/// How long both secrets sign.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateForm {
    /// Whole seconds; a day when empty.
    #[serde(default)]
    pub overlap_s: String,
}

/// Makes a new signing secret and shows it, this once.
#[server(prefix = "/api", endpoint = "rotation/rotate")]
pub async fn rotate_secret(acct: String, ep: String, #[server(default)] form: RotateForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::rotation::OVERLAP_S;
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        ssr::require_fresh_sign_in().await?;
        let choose = || domain::Error::invalid("overlap_s", "Choose how long both secrets sign.");
        let text = form.overlap_s.trim();
        let overlap_s = if text.is_empty() { OVERLAP_S } else { text.parse().map_err(|_| choose())? };
        let new_signing_secret = ssr::backend()?.rotate_secret(&actor, &id, overlap_s).await?;
        let said = if overlap_s == 0 {
            "Rotated. Only the new secret signs from now on."
        } else {
            "Rotated. Both secrets sign for now. Give your server the new one, then send a test that only it signs."
        };
        Ok(ssr::Done::to(&page)
            .saying(said)
            .keeping(&std::collections::HashMap::from([("new_signing_secret", new_signing_secret)])))
    })
    .await
}

/// What is said about retiring an old signing secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnForm {
    /// Retire it although nothing has proved the new one.
    #[serde(default)]
    pub retire_anyway: bool,
}

impl TurnForm {
    /// What to do where nothing is proved.
    #[must_use]
    pub const fn unproved(self) -> Unproved {
        if self.retire_anyway { Unproved::Allow } else { Unproved::Refuse }
    }
}

/// Turns a running rotation: `undo`, `retire-token`, `drop`, `extend` or `retire-secret`.
#[server(prefix = "/api", endpoint = "rotation/turn")]
pub async fn turn_rotation(
    acct: String,
    ep: String,
    turn: String,
    #[server(default)] form: TurnForm,
) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::endpoint(&acct, &ep, "secret");
    ssr::form(&page, &form, async {
        let (actor, id, backend) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?, ssr::backend()?);
        let (done, said) = match turn.as_str() {
            "undo" => (backend.undo_token(&actor, &id).await, "Undone. The earlier auth token is sent again."),
            "retire-token" => (backend.retire_token(&actor, &id).await, "The earlier auth token is retired."),
            "drop" => {
                (backend.drop_token(&actor, &id).await, "The rotation is dropped. The auth token stays as it was.")
            }
            "extend" => (backend.extend_secret(&actor, &id).await, "The overlap is extended."),
            "retire-secret" => {
                let retired = backend.retire_secret(&actor, &id, form.unproved()).await;
                (retired, "The old secret is retired. Only the new one signs.")
            }
            _ => (Err(domain::Error::NotFound("Step".into())), ""),
        };
        done?;
        Ok(ssr::Done::to(&page).saying(said))
    })
    .await
}
