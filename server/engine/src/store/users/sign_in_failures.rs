//! Failed sign-ins, counted by email address and by client address.

use domain::UnixMs;

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    purge,
};

const BLOCKED: &str = "SELECT failures, blocked_until_ms FROM sign_in_failures WHERE key = $1";
const COUNT: &str = "INSERT INTO sign_in_failures (key, failures, blocked_until_ms) VALUES ($1, 1, $2) \
                     ON CONFLICT (key) DO UPDATE SET failures = sign_in_failures.failures + 1 RETURNING failures";
const BLOCK: &str = "UPDATE sign_in_failures SET blocked_until_ms = $2 WHERE key = $1";
const CLEAR: &str = "DELETE FROM sign_in_failures WHERE key = $1";
const FORGET: &str = "DELETE FROM sign_in_failures WHERE key IN \
                      (SELECT key FROM sign_in_failures WHERE blocked_until_ms <= $1 LIMIT $2)";

/// Consecutive failed sign-ins under this key, and until when it is blocked.
pub async fn of(db: &Db, key: &str) -> StoreResult<(i64, UnixMs)> {
    let row: Option<(i64, i64)> = on!(&db.readers, c => sqlx::query_as(BLOCKED).bind(key).fetch_optional(c).await?);
    Ok(row.map_or((0, UnixMs(0)), |(failures, until)| (failures, UnixMs(until))))
}

/// The same inside a transaction.
pub async fn of_within(tx: &mut Tx, key: &str) -> StoreResult<(i64, UnixMs)> {
    let row: Option<(i64, i64)> = within!(tx, c => sqlx::query_as(BLOCKED).bind(key).fetch_optional(c).await?);
    Ok(row.map_or((0, UnixMs(0)), |(failures, until)| (failures, UnixMs(until))))
}

/// Counts a failed sign-in, and returns how many there were in a row. The row is locked until the transaction ends, so that
/// none of several at the same time is lost.
pub async fn count(tx: &mut Tx, key: &str, now: UnixMs) -> StoreResult<i64> {
    Ok(within!(tx, c => sqlx::query_scalar(COUNT).bind(key).bind(now.0).fetch_one(c).await?))
}

/// Blocks a counted key.
pub async fn block(tx: &mut Tx, key: &str, until: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(BLOCK).bind(key).bind(until.0).execute(c).await?.rows_affected());
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
