//! Checks passwords. Wrong ones make the next attempt wait.

use domain::{
    Error, UnixMs,
    error::Result,
    time::{MINUTE_MS, SECOND_MS},
};

use crate::{Engine, password::Turn, store::users::sign_in_failures};

/// Consecutive failed sign-ins without a wait.
const FREE_FAILURES: i64 = 4;
/// Wait after the next failure; doubles with each further one.
const FIRST_WAIT_MS: i64 = 2 * SECOND_MS;
/// Longest wait.
const LONGEST_WAIT_MS: i64 = 15 * MINUTE_MS;
/// A client address may fail this many times as often as one email address: offices share client addresses.
pub(crate) const CLIENT_FACTOR: i64 = 5;

impl Engine {
    /// Whether the password matches the stored hash. Wrong passwords make the next attempt wait.
    pub(crate) async fn check_password(
        &self,
        email: &str,
        password: &str,
        stored: Option<String>,
        client_ip: &str,
    ) -> Result<bool> {
        let turn = Turn::take(client_ip)?;
        let keys = [(format!("email:{email}"), 1), (format!("ip:{client_ip}"), CLIENT_FACTOR)];
        for (key, _) in &keys {
            self.refuse_while_blocked(key).await?;
        }
        if !self.config().password_cost.verify(&turn, password.to_owned(), stored).await? {
            self.count_failure(&keys).await?;
            return Ok(false);
        }
        let mut tx = self.db().begin().await?;
        sign_in_failures::clear(&mut tx, &keys[0].0).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn refuse_while_blocked(&self, key: &str) -> Result<()> {
        let (_, until) = sign_in_failures::of(self.db(), key).await?;
        refuse_until(until, self.now())
    }

    async fn count_failure(&self, keys: &[(String, i64)]) -> Result<()> {
        let now = self.now();
        for (key, factor) in keys {
            let mut tx = self.db().begin().await?;
            let failures = sign_in_failures::count(&mut tx, key, now).await?;
            sign_in_failures::block(&mut tx, key, blocked_until(failures / factor, now)).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Refuses the attempt until `until`.
pub(crate) fn refuse_until(until: UnixMs, now: UnixMs) -> Result<()> {
    let wait_ms = until.since_ms(now);
    if wait_ms <= 0 {
        return Ok(());
    }
    Err(Error::TooMany { retry_after_s: u32::try_from((wait_ms + 999) / SECOND_MS).unwrap_or(u32::MAX) })
}

/// Until when the next attempt must wait after this many consecutive failures; never before `now`.
pub(crate) fn blocked_until(failures: i64, now: UnixMs) -> UnixMs {
    let over = failures - FREE_FAILURES;
    if over <= 0 {
        return now;
    }
    let doubled = FIRST_WAIT_MS.saturating_mul(1 << (over - 1).min(20));
    now.plus_ms(doubled.min(LONGEST_WAIT_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_fifteen_minutes() {
        let waits: Vec<i64> = [4, 5, 6, 7, 60].map(|failures| blocked_until(failures, UnixMs(0)).0).to_vec();
        assert_eq!(waits, [0, 2_000, 4_000, 8_000, LONGEST_WAIT_MS]);
    }
}
