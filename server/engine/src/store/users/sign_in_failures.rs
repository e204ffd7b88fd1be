//! Failed sign-ins, counted by email address, known browser, second factor and client address.

use domain::UnixMs;

use crate::store::{
    db::{Db, Tx, within},
    error::StoreResult,
    purge,
};

const COUNT: &str = "INSERT INTO sign_in_failures (key, failures, blocked_until_ms) VALUES ($1, 1, $2) \
                     ON CONFLICT (key) DO UPDATE SET failures = sign_in_failures.failures + 1 \
                     RETURNING failures, blocked_until_ms";
const BLOCK: &str = "UPDATE sign_in_failures SET blocked_until_ms = $2 WHERE key = $1";
const TAKE_BACK: &str = "UPDATE sign_in_failures SET failures = failures - 1, \
    blocked_until_ms = CASE WHEN blocked_until_ms = $3 THEN $2 ELSE blocked_until_ms END WHERE key = $1";
const CLEAR: &str = "DELETE FROM sign_in_failures WHERE key = $1";
const FORGET: &str = "DELETE FROM sign_in_failures WHERE key IN \
                      (SELECT key FROM sign_in_failures WHERE blocked_until_ms <= $1 LIMIT $2)";

/// An attempt that was counted.
#[derive(Debug)]
pub struct Reserved {
    /// The key under which it was counted.
    pub key: String,
    /// Until when the key was blocked before.
    pub before: UnixMs,
    /// Until when it is blocked because of this attempt.
    pub until: UnixMs,
}

/// Counts an attempt as failed; returns how many there were in a row, and until when the key is blocked. The row is locked
/// until the transaction ends, so that none of several at the same time is lost.
pub async fn count(tx: &mut Tx, key: &str, now: UnixMs) -> StoreResult<(i64, UnixMs)> {
    let (failures, until): (i64, i64) =
        within!(tx, c => sqlx::query_as(COUNT).bind(key).bind(now.0).fetch_one(c).await?);
    Ok((failures, UnixMs(until)))
}

/// Blocks a counted key.
pub async fn block(tx: &mut Tx, key: &str, until: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(BLOCK).bind(key).bind(until.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes an attempt back that turned out to be right, unless the key was cleared meanwhile.
pub async fn take_back(tx: &mut Tx, attempt: &Reserved) -> StoreResult<()> {
    within!(tx, c => sqlx::query(TAKE_BACK).bind(&attempt.key).bind(attempt.before.0).bind(attempt.until.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Clears the failures under this key.
pub async fn clear(tx: &mut Tx, key: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(CLEAR).bind(key).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes failures whose block ended before this time.
pub async fn forget(db: &Db, since: UnixMs) -> StoreResult<()> {
    purge::older_than(db, FORGET, since).await
}
