//! Taking away what is past retention, in steps of a few rows by key.

use domain::UnixMs;

use super::{
    db::{Db, Pool, Tx, on, within},
    error::StoreResult,
    json_list,
    sql::Sql,
};

const ACCOUNTS: &str =
    "SELECT id, bodies_days, rows_days, retention_max_days, bodies_cleaned FROM accounts ORDER BY id";
const PAST_BODIES: &str = "SELECT position, id, call_id FROM events WHERE account_id = $1 AND position > $2 \
                           AND position < $3 ORDER BY position LIMIT $4";
/// What still waits to be sent keeps its payload, however old it is.
static STRIP_EVENTS: Sql = Sql::new(
    "UPDATE events SET payload = NULL WHERE account_id = $1 AND id IN {list $2} AND NOT EXISTS ( \
       SELECT 1 FROM deliveries d WHERE d.account_id = events.account_id AND d.event_id = events.id \
       AND d.state IN ('queued', 'retrying'))",
);
static STRIP_ATTEMPTS: Sql = Sql::new(
    "UPDATE attempts SET response_head = '', response_body = '' WHERE delivery_id IN ( \
       SELECT d.id FROM deliveries d WHERE d.account_id = $1 AND d.event_id IN {list $2} \
       AND d.state NOT IN ('queued', 'retrying'))",
);
const CLEANED: &str = "UPDATE accounts SET bodies_cleaned = $2 WHERE id = $1";
const PAST_DELIVERIES: &str = "SELECT id FROM deliveries WHERE account_id = $1 AND id < $2 \
                               AND state NOT IN ('queued', 'retrying') ORDER BY id LIMIT $3";
static DELETE_ATTEMPTS: Sql = Sql::new("DELETE FROM attempts WHERE account_id = $1 AND delivery_id IN {list $2}");
static DELETE_DELIVERIES: Sql = Sql::new("DELETE FROM deliveries WHERE account_id = $1 AND id IN {list $2}");
const DELETE_EVENTS: &str = "DELETE FROM events WHERE account_id = $1 AND id IN ( \
       SELECT e.id FROM events e WHERE e.account_id = $1 AND e.position < $2 AND NOT EXISTS ( \
         SELECT 1 FROM deliveries d WHERE d.account_id = e.account_id AND d.event_id = e.id) \
       ORDER BY e.position LIMIT $3)";
const DELETE_HOURS: &str = "DELETE FROM endpoint_hours WHERE hour_ms < $1";

/// An account's retention, and how far its bodies have been cleaned.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Keeping {
    /// The account.
    pub id: String,
    /// Days that payloads and answers are kept.
    pub bodies_days: i64,
    /// Days that events, deliveries and attempts are kept.
    pub rows_days: i64,
    /// Most days of both that the operator allows the account.
    pub retention_max_days: Option<i64>,
    /// Position up to which bodies have been taken away.
    pub bodies_cleaned: String,
}

/// The retention of every account.
pub async fn accounts(db: &Db) -> StoreResult<Vec<Keeping>> {
    Ok(on!(&db.readers, c => sqlx::query_as(ACCOUNTS).fetch_all(c).await?))
}

/// Takes the bodies of up to `limit` events away that lie between two positions. Returns how many it looked at, and
/// the position up to which it got.
pub async fn strip(
    tx: &mut Tx,
    account: &str,
    from: &str,
    before: &str,
    limit: u32,
) -> StoreResult<(usize, Option<String>)> {
    let past: Vec<(String, String, String)> = within!(&mut *tx, c => sqlx::query_as(PAST_BODIES)
        .bind(account).bind(from).bind(before).bind(i64::from(limit)).fetch_all(c).await?);
    let Some((reached, _, _)) = past.last().cloned() else { return Ok((0, None)) };
    let ids = json_list(past.iter().map(|(_, id, _)| id.as_str()));
    let calls = json_list(past.iter().map(|(_, _, call)| call.as_str()));
    let (events, attempts) = (STRIP_EVENTS.on(tx.dialect()), STRIP_ATTEMPTS.on(tx.dialect()));
    within!(&mut *tx, c => sqlx::query(events).bind(account).bind(&ids).execute(c).await?.rows_affected());
    within!(&mut *tx, c => sqlx::query(attempts).bind(account).bind(&ids).bind(&calls).execute(c).await?.rows_affected());
    within!(tx, c => sqlx::query(CLEANED).bind(account).bind(&reached).execute(c).await?.rows_affected());
    Ok((past.len(), Some(reached)))
}

/// Deletes up to `limit` ended deliveries before an id, with their attempts. Returns how many.
pub async fn delete_deliveries(tx: &mut Tx, account: &str, before: &str, limit: u32) -> StoreResult<usize> {
    let ids: Vec<String> = within!(&mut *tx, c => sqlx::query_scalar(PAST_DELIVERIES)
        .bind(account).bind(before).bind(i64::from(limit)).fetch_all(c).await?);
    if ids.is_empty() {
        return Ok(0);
    }
    let list = json_list(ids.iter().map(String::as_str));
    let (attempts, deliveries) = (DELETE_ATTEMPTS.on(tx.dialect()), DELETE_DELIVERIES.on(tx.dialect()));
    within!(&mut *tx, c => sqlx::query(attempts).bind(account).bind(&list).execute(c).await?.rows_affected());
    within!(tx, c => sqlx::query(deliveries).bind(account).bind(&list).execute(c).await?.rows_affected());
    Ok(ids.len())
}

/// Deletes up to `limit` events before a position that have no delivery left. Returns how many.
pub async fn delete_events(tx: &mut Tx, account: &str, before: &str, limit: u32) -> StoreResult<usize> {
    let deleted = within!(tx, c => sqlx::query(DELETE_EVENTS)
        .bind(account).bind(before).bind(i64::from(limit)).execute(c).await?.rows_affected());
    Ok(usize::try_from(deleted).unwrap_or(usize::MAX))
}

/// Deletes hourly counts from before a moment.
pub async fn delete_hours(tx: &mut Tx, before: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(DELETE_HOURS).bind(before.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Gives up to `pages` freed pages back to the file system; Postgres does so by itself.
pub async fn give_back(db: &Db, pages: u32) -> StoreResult<()> {
    if let Pool::Sqlite(writer) = &db.writer {
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA incremental_vacuum({pages})"));
        sqlx::query(sql).execute(writer).await?;
    }
    Ok(())
}
