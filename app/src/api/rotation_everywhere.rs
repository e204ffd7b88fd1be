//! Rotating everywhere: what its page loads and what its forms do, for all endpoints of an account.

use domain::rotation::everywhere::Step;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::api::rotation::{PrepareForm, RotateForm, Standing, SwitchForm, TurnForm};
use crate::error::UiError;

/// How the credentials of all endpoints stand, with the latest tests.
pub async fn load_everywhere(acct: String) -> Result<Vec<Standing>, UiError> {
    use crate::ssr;
    let (actor, backend) = (ssr::actor(&acct).await?, ssr::backend()?);
    let mut standings = Vec::new();
    for view in backend.rotations(&actor).await? {
        let token = view.token.as_ref().and_then(|rotation| rotation.test.clone());
        let secret = view.secret.as_ref().and_then(|rotation| rotation.test.clone());
        let (mut token_test, mut secret_test) = (None, None);
        // A test may be past retention; the rest stands without it.
        if let Some(test) = token {
            token_test = backend.delivery(&actor, &test).await.ok();
        }
        if let Some(test) = secret {
            secret_test = backend.delivery(&actor, &test).await.ok();
        }
        standings.push(Standing { view, token_test, secret_test });
    }
    Ok(standings)
}

/// What a step came to, for the page after it: names and what belongs to them, in the same order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Endpoints whose credential was made.
    pub made_at: Vec<String>,
    /// Those credentials, shown this once.
    pub made: Vec<String>,
    /// Endpoints that were passed over.
    pub skipped_at: Vec<String>,
    /// Why.
    pub skipped: Vec<String>,
}

/// The step that a form of one button asks for.
#[must_use]
pub fn step_named(turn: &str, form: TurnForm) -> Option<Step> {
    use domain::rotation::Credential;
    Some(match turn {
        "test-token" => Step::Test(Credential::AuthToken),
        "undo" => Step::Undo,
        "retire-token" => Step::RetireToken,
        "drop" => Step::Drop,
        "test-secret" => Step::Test(Credential::SigningSecret),
        "extend" => Step::Extend,
        "retire-secret" => Step::RetireSecret(form.unproved()),
        _ => return None,
    })
}

/// Prepares the next auth token of every endpoint and shows each, this once.
#[server(prefix = "/api", endpoint = "rotation/everywhere-prepare")]
pub async fn prepare_everywhere(acct: String, #[server(default)] form: PrepareForm) -> Result<(), UiError> {
    use crate::ssr::{self, everywhere};
    ssr::form(&everywhere::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        ssr::require_fresh_sign_in().await?;
        let chosen = Some(form.auth_token.clone()).filter(|token| !token.is_empty());
        everywhere::take(&acct, &actor, &Step::Prepare(chosen), "prepared").await
    })
    .await
}

/// Switches every prepared endpoint to its next auth token, now or at a set time.
#[server(prefix = "/api", endpoint = "rotation/everywhere-switch")]
pub async fn switch_everywhere(
    acct: String,
    #[server(default)] form: SwitchForm,
    #[server(default)] then: String,
) -> Result<(), UiError> {
    use crate::ssr::{self, everywhere};
    use crate::zone::Zone;
    use domain::rotation::Unproved;
    ssr::form(&everywhere::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        let no_time = || domain::Error::invalid("switch_at", "Choose the day and time of the switch.");
        let zone = Zone::or_utc(&form.zone);
        let at = if then == "later" { Some(zone.moment(&form.switch_at).ok_or_else(no_time)?) } else { None };
        let unproved = if form.anyway { Unproved::Allow } else { Unproved::Refuse };
        let said = at.map_or_else(|| "switched".to_owned(), |at| format!("set to switch at {}", zone.full(at)));
        everywhere::take(&acct, &actor, &Step::Switch(at, unproved), &said).await
    })
    .await
}

/// Makes a new signing secret for every endpoint and shows each, this once.
#[server(prefix = "/api", endpoint = "rotation/everywhere-rotate")]
pub async fn rotate_everywhere(acct: String, #[server(default)] form: RotateForm) -> Result<(), UiError> {
    use crate::ssr::{self, everywhere};
    use domain::rotation::OVERLAP_S;
    ssr::form(&everywhere::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        ssr::require_fresh_sign_in().await?;
        let choose = || domain::Error::invalid("overlap_s", "Choose how long both secrets sign.");
        let text = form.overlap_s.trim();
        let overlap_s = if text.is_empty() { OVERLAP_S } else { text.parse().map_err(|_| choose())? };
        everywhere::take(&acct, &actor, &Step::Rotate(overlap_s), "rotated").await
    })
    .await
}

/// Turns every running rotation that the step concerns; see [`step_named`].
#[server(prefix = "/api", endpoint = "rotation/everywhere-turn")]
pub async fn turn_everywhere(acct: String, turn: String, #[server(default)] form: TurnForm) -> Result<(), UiError> {
    use crate::ssr::{self, everywhere};
    ssr::form(&everywhere::page(&acct), &form, async {
        let actor = ssr::actor(&acct).await?;
        let step = step_named(&turn, form).ok_or_else(|| domain::Error::NotFound("Step".into()))?;
        let said = match step {
            Step::Undo => "switched back",
            Step::Drop => "dropped; the auth token stays as it was",
            Step::Extend => "extended",
            Step::Test(_) => "sent a test",
            _ => "retired",
        };
        everywhere::take(&acct, &actor, &step, said).await
    })
    .await
}
