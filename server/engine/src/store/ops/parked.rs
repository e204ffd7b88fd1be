//! Items that were parked: set aside after the database or our own code refused them, so that others continue.

use std::collections::HashSet;

use domain::{UnixMs, ops::parked::Parked};

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
};

const ADD: &str = "INSERT INTO parked (worker, item, account_id, reason, parked_ms) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (worker, item) DO UPDATE SET reason = excluded.reason, parked_ms = excluded.parked_ms";
const REMOVE: &str = "DELETE FROM parked WHERE worker = $1 AND item = $2 RETURNING account_id";
const LIST: &str =
    "SELECT worker, item, account_id, reason, parked_ms FROM parked ORDER BY parked_ms DESC, item LIMIT $1";
const ITEMS: &str = "SELECT item FROM parked WHERE worker = $1";
const COUNT: &str = "SELECT COUNT(*) FROM parked";

/// The condition that a row is not parked by this worker.
macro_rules! not_parked {
    ($worker:literal, $id:literal) => {
        concat!("NOT EXISTS (SELECT 1 FROM parked p WHERE p.worker = '", $worker, "' AND p.item = ", $id, ")")
    };
}
pub(crate) use not_parked;

/// Parks an item of a worker.
pub async fn add(
    tx: &mut Tx,
    worker: &str,
    item: &str,
    account: Option<&str>,
    reason: &str,
    now: UnixMs,
) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD)
        .bind(worker).bind(item).bind(account).bind(reason).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Lets a worker try an item again. Returns its account, if it was parked.
pub async fn remove(tx: &mut Tx, worker: &str, item: &str) -> StoreResult<Option<Option<String>>> {
    Ok(within!(tx, c => sqlx::query_scalar(REMOVE).bind(worker).bind(item).fetch_optional(c).await?))
}

/// The latest parked items.
pub async fn list(db: &Db, limit: u32) -> StoreResult<Vec<Parked>> {
    type Row = (String, String, Option<String>, String, i64);
    let rows: Vec<Row> = on!(&db.readers, c => sqlx::query_as(LIST).bind(i64::from(limit)).fetch_all(c).await?);
    let parked =
        |(worker, item, account, reason, parked_ms)| Parked { worker, item, account, reason, at: UnixMs(parked_ms) };
    Ok(rows.into_iter().map(parked).collect())
}

/// The parked items of a worker.
pub async fn items(db: &Db, worker: &str) -> StoreResult<HashSet<String>> {
    let items: Vec<String> = on!(&db.readers, c => sqlx::query_scalar(ITEMS).bind(worker).fetch_all(c).await?);
    Ok(items.into_iter().collect())
}

/// How many items are parked.
pub async fn count(db: &Db) -> StoreResult<u64> {
    let count: i64 = on!(&db.readers, c => sqlx::query_scalar(COUNT).fetch_one(c).await?);
    Ok(count.unsigned_abs())
}
