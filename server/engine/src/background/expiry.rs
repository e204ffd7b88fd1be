//! Deletes expired sessions and links, failed sign-ins that no longer count, and what became of old emails.

use std::sync::Arc;

use async_trait::async_trait;
use domain::time::{DAY_MS, MINUTE_MS};

use crate::{
    context::Context,
    store::{
        emails,
        error::StoreResult,
        users::{password_resets, sessions, sign_in_failures, sign_ups},
    },
};

use super::worker::{Pause, Worker};

/// Time between two sweeps.
const SWEEP_MS: u64 = 5 * MINUTE_MS.unsigned_abs();
/// How long an expired password link is remembered, so that it can be reported as expired.
const RESETS_KEPT_MS: i64 = DAY_MS;
/// How long failed sign-ins count after the last delay they caused. Far longer than the longest delay: pausing this long to
/// guess without one yields fewer guesses than waiting each time.
const FAILURES_KEPT_MS: i64 = DAY_MS;

/// How long it is remembered what became of an email: longer than an invitation is open.
const EMAILS_KEPT_MS: i64 = 30 * DAY_MS;

/// Deletes what has expired.
pub struct Expiry(pub(super) Arc<Context>);

#[async_trait]
impl Worker for Expiry {
    fn name(&self) -> &'static str {
        "expiry"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        let (db, now) = (&self.0.db, self.0.now());
        sessions::delete_expired(db, now).await?;
        password_resets::delete_expired(db, now.plus_ms(-RESETS_KEPT_MS)).await?;
        sign_in_failures::forget(db, now.plus_ms(-FAILURES_KEPT_MS)).await?;
        sign_ups::delete_expired(db, now.plus_ms(-RESETS_KEPT_MS)).await?;
        emails::delete_ended(db, now.plus_ms(-EMAILS_KEPT_MS)).await?;
        Ok(Pause::Fixed(SWEEP_MS))
    }

    fn first_after_ms(&self) -> u64 {
        SWEEP_MS
    }

    fn retry_after_ms(&self) -> u64 {
        SWEEP_MS
    }
}
