//! Takes a rotation step for all endpoints of an account.

use domain::actor::Actor;
use domain::rotation::{RotationStep, StepOutcome};
use serde::{Deserialize, Serialize};

use super::{Done, backend};
use crate::error::UiError;
use crate::links;

/// The result of a step, for the next page. Names and values are in the same order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSummary {
    /// Endpoints with a new credential.
    pub created_for: Vec<String>,
    /// Those credentials, shown once.
    pub credentials: Vec<String>,
    /// Skipped endpoints.
    pub skipped: Vec<String>,
    /// Why they were skipped.
    pub reasons: Vec<String>,
}

/// How long a POST waits for the first attempts of all tests together, in milliseconds.
const WAIT_MS: i64 = 5_000;

/// The page of the forms.
#[must_use]
pub fn page(acct: &str) -> String {
    links::account(acct, "rotate")
}

/// Takes the step and reports the result: `Auth token switched for 3 endpoints, 1 skipped.` `done` is the first part.
///
/// # Errors
/// As `rotate_all` of the port.
pub async fn take(acct: &str, actor: &Actor, step: &RotationStep, done: &str) -> Result<Done, UiError> {
    let (mut summary, mut tests, mut count) = (StepSummary::default(), Vec::new(), 0_usize);
    for result in backend()?.rotate_all(actor, step).await? {
        match result.outcome {
            StepOutcome::Skipped(reason) => {
                summary.skipped.push(result.name);
                summary.reasons.push(reason);
                continue;
            }
            StepOutcome::Created(credential) => {
                summary.created_for.push(result.name);
                summary.credentials.push(credential);
            }
            StepOutcome::Sent(test) => tests.push(test),
            StepOutcome::Done => {}
        }
        count += 1;
    }
    let started = backend()?.clock().now();
    for test in tests {
        let left = WAIT_MS - backend()?.clock().now().since_ms(started);
        let Ok(left) = u32::try_from(left) else { break };
        backend()?.wait_for_first_attempt(actor, &test, left).await?;
    }
    let endpoints = if count == 1 { "endpoint" } else { "endpoints" };
    let skipped = summary.skipped.len();
    let rest = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
    let message = if count + skipped == 0 {
        "No endpoint was at this step.".to_owned()
    } else {
        format!("{done} for {count} {endpoints}{rest}.")
    };
    Ok(Done::to(page(acct)).saying(message).keeping(&summary))
}
