//! Checks passwords. Wrong ones make the next attempt wait.
//!
//! An attempt counts as failed before its password is looked at, in one transaction, and no longer once it was right. So
//! attempts at the same time are judged as if they came one after the other.

use domain::{
    Error, UnixMs,
    client::counted_as,
    error::Result,
    id::UserId,
    time::{MINUTE_MS, SECOND_MS},
};

use crate::{
    Engine,
    digest::hash,
    password::Turn,
    store::{
        db::Tx,
        users::sign_in_failures::{self, Reserved},
    },
};

/// Consecutive failed sign-ins without a wait.
const FREE_FAILURES: i64 = 4;
/// Wait after the next failure; doubles with each further one.
const FIRST_WAIT_MS: i64 = 2 * SECOND_MS;
/// Longest wait.
const LONGEST_WAIT_MS: i64 = 15 * MINUTE_MS;
/// A client address may fail this many times as often as one email address: offices share client addresses.
const CLIENT_SHARE: i64 = 5;

/// What failures are counted by.
pub(crate) struct Budget {
    key: String,
    share: i64,
}

impl Budget {
    /// An email address, for browsers that are not known.
    pub(crate) fn address(email: &str) -> Self {
        Self { key: format!("email:{email}"), share: 1 }
    }

    /// A browser in which the user has signed in before.
    pub(crate) fn device(device: &str) -> Self {
        Self { key: format!("device:{device}"), share: 1 }
    }

    /// A session of the user.
    pub(crate) fn session(session: &str) -> Self {
        Self { key: format!("session:{}", hash(session)), share: 1 }
    }

    /// The codes of a user's second factor.
    pub(crate) fn codes(user: &UserId) -> Self {
        Self { key: format!("code:{user}"), share: 1 }
    }

    /// A client's address.
    pub(crate) fn client(client_ip: &str) -> Self {
        Self { key: format!("ip:{}", counted_as(client_ip)), share: CLIENT_SHARE }
    }

    /// Forgets its failures.
    pub(crate) async fn clear(&self, tx: &mut Tx) -> Result<()> {
        Ok(sign_in_failures::clear(tx, &self.key).await?)
    }
}

/// An attempt that counts as failed until it turns out to be right.
pub(crate) struct Attempt(Vec<Reserved>);

impl Attempt {
    /// Counts an attempt in each budget; the first one is the user's own.
    ///
    /// # Errors
    /// `TooMany` while one of them is blocked; the transaction must then be dropped.
    pub(crate) async fn reserve(tx: &mut Tx, budgets: &[Budget], now: UnixMs) -> Result<Self> {
        let mut all = Vec::new();
        for Budget { key, share } in budgets {
            let (failures, before) = sign_in_failures::count(tx, key, now).await?;
            refuse_until(before, now)?;
            let until = blocked_until(failures / share, now);
            sign_in_failures::block(tx, key, until).await?;
            all.push(Reserved { key: key.clone(), before, until });
        }
        Ok(Self(all))
    }

    /// It was right: clears the user's own failures, and takes it back from the others.
    pub(crate) async fn succeed(self, tx: &mut Tx) -> Result<()> {
        let mut all = self.0.iter();
        if let Some(own) = all.next() {
            sign_in_failures::clear(tx, &own.key).await?;
        }
        for other in all {
            sign_in_failures::take_back(tx, other).await?;
        }
        Ok(())
    }
}

impl Engine {
    /// Whether the password matches the stored hash. Wrong passwords make the next attempt wait.
    pub(crate) async fn check_password(
        &self,
        password: &str,
        stored: Option<String>,
        client_ip: &str,
        budgets: &[Budget],
    ) -> Result<bool> {
        // First, so that an attempt that is not judged is not counted either. Few are judged at the same time, so that right
        // ones, which count as failed until then, do not block those of others behind the same address.
        let permit = Turn::take(client_ip)?.begin().await?;
        let mut tx = self.db().begin().await?;
        let attempt = Attempt::reserve(&mut tx, budgets, self.now()).await?;
        tx.commit().await?;
        let (matches, _permit) = self.config().password_cost.verify(permit, password.to_owned(), stored).await?;
        if matches {
            let mut tx = self.db().begin().await?;
            attempt.succeed(&mut tx).await?;
            tx.commit().await?;
        }
        Ok(matches)
    }
}

/// Refuses the attempt until `until`.
fn refuse_until(until: UnixMs, now: UnixMs) -> Result<()> {
    let wait_ms = until.since_ms(now);
    if wait_ms <= 0 {
        return Ok(());
    }
    Err(Error::TooMany { retry_after_s: u32::try_from((wait_ms + 999) / SECOND_MS).unwrap_or(u32::MAX) })
}

/// Until when the next attempt must wait after this many consecutive failures; never before `now`.
fn blocked_until(failures: i64, now: UnixMs) -> UnixMs {
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
