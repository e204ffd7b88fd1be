//! One step for all endpoints of an account, as the forms of one page take it.

use domain::actor::Actor;
use domain::rotation::everywhere::{Came, Step};

use super::{Done, backend};
use crate::api::rotation_everywhere::Told;
use crate::error::UiError;
use crate::links;

/// How long a post waits for the first attempts of all its tests together, in milliseconds.
const WAIT_MS: i64 = 5_000;

/// The page that they stand on.
#[must_use]
pub fn page(acct: &str) -> String {
    links::account(acct, "rotate")
}

/// Takes the step and says what came of it: `3 endpoints prepared, 1 skipped.`
///
/// # Errors
/// As `step_everywhere` of the port.
pub async fn take(acct: &str, actor: &Actor, step: &Step, done: &str) -> Result<Done, UiError> {
    let (mut told, mut tests, mut count) = (Told::default(), Vec::new(), 0_usize);
    for taken in backend()?.step_everywhere(actor, step).await? {
        match taken.came {
            Came::Skipped(why) => {
                told.skipped_at.push(taken.name);
                told.skipped.push(why);
                continue;
            }
            Came::Made(credential) => {
                told.made_at.push(taken.name);
                told.made.push(credential);
            }
            Came::Sent(test) => tests.push(test),
            Came::Done => {}
        }
        count += 1;
    }
    let begun = backend()?.clock().now();
    for test in tests {
        let left = WAIT_MS - backend()?.clock().now().since_ms(begun);
        let Ok(left) = u32::try_from(left) else { break };
        backend()?.delivery_after_first_try(actor, &test, left).await?;
    }
    let endpoints = if count == 1 { "endpoint" } else { "endpoints" };
    let skipped = told.skipped.len();
    let rest = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
    let said = if count + skipped == 0 {
        "There was no endpoint to do this to.".to_owned()
    } else {
        format!("{count} {endpoints} {done}{rest}.")
    };
    Ok(Done::to(page(acct)).saying(said).keeping(&told))
}
