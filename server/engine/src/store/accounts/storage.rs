//! Bytes that accounts store, by the hour in which their events were accepted.

use std::collections::HashMap;

use domain::{
    UnixMs, account::Limit, account::MB, account::StorageLevel, id::AccountId, id::DeliveryId, id::encode,
    time::HOUR_MS,
};
use serde::Serialize;

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    sql::{Sql, json_list},
};

static ADD: Sql = Sql::new(
    "INSERT INTO stored_hours (account_id, hour_ms, bytes) SELECT r.account_id, r.hour_ms, r.bytes \
     FROM {rows r: account_id text, hour_ms bigint, bytes bigint} WHERE true \
     ON CONFLICT (account_id, hour_ms) DO UPDATE SET bytes = stored_hours.bytes + excluded.bytes",
);
static TOTALS: Sql = Sql::new(
    "SELECT a.id, a.stored_mb_max AS most, CAST(SUM(d.bytes) AS BIGINT) AS bytes FROM accounts a \
     JOIN stored_hours d ON d.account_id = a.id WHERE a.id IN {list $1} GROUP BY a.id, a.stored_mb_max",
);
const TOTAL: &str = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM stored_hours WHERE account_id = $1";
const HOURS: &str = "SELECT hour_ms, bytes FROM stored_hours WHERE account_id = $1 ORDER BY hour_ms DESC";
/// What deliveries that still wait keep of an hour: the payloads of their events and the responses to their attempts. The last
/// conditions are those of the index.
macro_rules! waiting {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM deliveries d WHERE d.account_id = $1 AND d.id >= $2 AND d.id < $3 \
                 AND d.state IN ('queued', 'retrying') AND d.state <> 'delivered'"
        )
    };
}
const WAITING: &str = concat!(
    "SELECT CAST(COALESCE((SELECT SUM(COALESCE(OCTET_LENGTH(e.payload), 0) + COALESCE(OCTET_LENGTH(e.details), 0)) \
     FROM events e WHERE e.account_id = $1 AND e.id IN (",
    waiting!("d.event_id"),
    ")), 0) + COALESCE((SELECT SUM(OCTET_LENGTH(a.response_head) + OCTET_LENGTH(a.response_body)) FROM attempts a \
     WHERE a.delivery_id IN (",
    waiting!("d.id"),
    ")), 0) AS BIGINT)"
);
const PURGED_SINCE: &str = "SELECT id FROM accounts WHERE bodies_cleaned > $1";
const SET: &str = "UPDATE stored_hours SET bytes = $3 WHERE account_id = $1 AND hour_ms = $2";
const FORGET: &str = "DELETE FROM stored_hours WHERE account_id = $1 AND hour_ms = $2";

/// Bytes to add to an account's hour.
#[derive(Debug, Clone, Serialize)]
pub struct HourBytes {
    /// The account.
    pub account_id: String,
    /// When the hour begins.
    pub hour_ms: i64,
    /// How many bytes.
    pub bytes: i64,
}

/// Adds bytes to hours.
pub async fn add(tx: &mut Tx, rows: &[HourBytes]) -> StoreResult<()> {
    ADD.write(tx, rows, &[]).await?;
    Ok(())
}

/// The levels of these accounts; none for those that store nothing.
pub async fn levels(db: &Db, accounts: &[String]) -> StoreResult<HashMap<String, StorageLevel>> {
    let (sql, list) = (TOTALS.on(db.dialect), json_list(accounts.iter().map(String::as_str)));
    let rows: Vec<(String, Option<i64>, i64)> =
        on!(&db.readers, c => sqlx::query_as(sql).bind(list).fetch_all(c).await?);
    let level = |(id, most, bytes): (String, Option<i64>, i64)| {
        let most = most.and_then(|most| u32::try_from(most).ok()).unwrap_or(Limit::StoredMb.default());
        (id, StorageLevel::of(u64::try_from(bytes).unwrap_or_default(), most))
    };
    Ok(rows.into_iter().map(level).collect())
}

/// Megabytes that an account stores, rounded up.
pub async fn total_mb(tx: &mut Tx, account: &AccountId) -> StoreResult<u32> {
    let bytes: i64 = within!(tx, c => sqlx::query_scalar(TOTAL).bind(account.as_str()).fetch_one(c).await?);
    Ok(u32::try_from(u64::try_from(bytes).unwrap_or_default().div_ceil(MB)).unwrap_or(u32::MAX))
}

/// An account's hours and their bytes, newest first.
pub async fn hours(db: &Db, account: &str) -> StoreResult<Vec<(UnixMs, u64)>> {
    let rows: Vec<(i64, i64)> = on!(&db.readers, c => sqlx::query_as(HOURS).bind(account).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(hour, bytes)| (UnixMs(hour), u64::try_from(bytes).unwrap_or_default())).collect())
}

/// Bytes that deliveries of an hour keep because they still wait to be sent.
pub async fn waiting(db: &Db, account: &str, hour: UnixMs) -> StoreResult<u64> {
    let (first, end) = (DeliveryId::new(hour, 0), DeliveryId::new(hour.plus_ms(HOUR_MS), 0));
    let bytes: i64 = on!(&db.readers, c => sqlx::query_scalar(WAITING)
        .bind(account).bind(first.as_str()).bind(end.as_str()).fetch_one(c).await?);
    Ok(u64::try_from(bytes).unwrap_or_default())
}

/// The accounts that have lost bodies accepted after this time.
pub async fn purged_since(db: &Db, since: UnixMs) -> StoreResult<Vec<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(PURGED_SINCE).bind(encode(since, 0)).fetch_all(c).await?))
}

/// Sets what is left of an hour whose bodies were deleted; nothing is left of most.
pub async fn set(tx: &mut Tx, account: &str, hour: UnixMs, bytes: u64) -> StoreResult<()> {
    if bytes == 0 {
        within!(tx, c => sqlx::query(FORGET).bind(account).bind(hour.0).execute(c).await?.rows_affected());
    } else {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        within!(tx, c => sqlx::query(SET).bind(account).bind(hour.0).bind(bytes).execute(c).await?.rows_affected());
    }
    Ok(())
}
