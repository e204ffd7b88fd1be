//! Failed sign-ins, counted by email address and by client address.

use domain::UnixMs;

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
};

const BLOCKED: &str = "SELECT failures, blocked_until_ms FROM sign_in_failures WHERE key = $1";
const BLOCK: &str = "INSERT INTO sign_in_failures (key, failures, blocked_until_ms) VALUES ($1, $2, $3) \
                     ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, blocked_until_ms = excluded.blocked_until_ms";
const CLEAR: &str = "DELETE FROM sign_in_failures WHERE key = $1";
const FORGET: &str = "DELETE FROM sign_in_failures WHERE blocked_until_ms <= $1";

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

/// Records a failed sign-in.
pub async fn block(tx: &mut Tx, key: &str, failures: i64, until: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(BLOCK).bind(key).bind(failures).bind(until.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Clears the failures under this key.
pub async fn clear(tx: &mut Tx, key: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(CLEAR).bind(key).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes failures whose block ended before this time.
pub async fn forget(db: &Db, since: UnixMs) -> StoreResult<()> {
    let mut tx = db.begin().await?;
    within!(&mut tx, c => sqlx::query(FORGET).bind(since.0).execute(c).await?.rows_affected());
    tx.commit().await
}
