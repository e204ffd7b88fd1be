//! Purges what is past retention, a few rows at a time, by key.

use std::collections::BTreeMap;

use domain::UnixMs;

use crate::store::{
    db::{Db, Pool, Tx, on, within},
    error::StoreResult,
    events::phone_index::{self, PhoneEntry},
    sql::{Sql, json_list},
};

const ACCOUNTS: &str =
    "SELECT id, bodies_days, rows_days, retention_max_days, stored_mb_max, bodies_cleaned FROM accounts ORDER BY id";
const EXPIRED_EVENTS: &str = "SELECT position AS key, id FROM events WHERE account_id = $1 AND position > $2 \
                           AND position < $3 ORDER BY position LIMIT $4";
/// Events that no delivery needs any more.
const EXPIRED_LONE_EVENTS: &str = "SELECT e.position AS key, e.id FROM events e WHERE e.account_id = $1 AND e.position > $2 \
                                AND e.position < $3 AND NOT EXISTS (SELECT 1 FROM deliveries d \
                                WHERE d.account_id = e.account_id AND d.event_id = e.id) ORDER BY e.position LIMIT $4";
const EXPIRED_DELIVERIES: &str = "SELECT id AS key, id FROM deliveries WHERE account_id = $1 AND id > $2 AND id < $3 \
                               AND state NOT IN ('queued', 'retrying') ORDER BY id LIMIT $4";
/// Events with unfinished deliveries keep their payload, however old they are.
static STRIP_EVENTS: Sql = Sql::new(
    "UPDATE events SET payload = NULL, details = NULL WHERE account_id = $1 AND id IN {list $2} AND NOT EXISTS ( \
       SELECT 1 FROM deliveries d WHERE d.account_id = events.account_id AND d.event_id = events.id \
       AND d.state IN ('queued', 'retrying'))",
);
static STRIP_ATTEMPTS: Sql = Sql::new(
    "UPDATE attempts SET response_head = '', response_body = '' WHERE delivery_id IN ( \
       SELECT d.id FROM deliveries d WHERE d.account_id = $1 AND d.event_id IN {list $2} \
       AND d.state NOT IN ('queued', 'retrying'))",
);
/// Events below the watermark that still have a payload kept it for an unfinished delivery.
static STRIP_KEPT: Sql = Sql::new(
    "UPDATE events SET payload = NULL, details = NULL WHERE (account_id, id) IN ( \
       SELECT d.account_id, d.event_id FROM deliveries d WHERE d.id IN {list $1}) AND payload IS NOT NULL \
       AND position <= (SELECT a.bodies_cleaned FROM accounts a WHERE a.id = events.account_id) \
       AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.account_id = events.account_id AND d.event_id = events.id \
       AND d.state IN ('queued', 'retrying')) RETURNING account_id, id",
);
const SET_WATERMARK: &str = "UPDATE accounts SET bodies_cleaned = $2 WHERE id = $1";
/// A delivery that was resent since it was selected is kept.
static DELETE_DELIVERIES: Sql = Sql::new(
    "DELETE FROM deliveries WHERE account_id = $1 AND id IN {list $2} AND state NOT IN ('queued', 'retrying') \
     RETURNING id AS place, account_id, caller, callee",
);
static DELETE_ATTEMPTS: Sql = Sql::new("DELETE FROM attempts WHERE account_id = $1 AND delivery_id IN {list $2}");
static DELETE_EVENTS: Sql = Sql::new(
    "DELETE FROM events WHERE account_id = $1 AND id IN {list $2} AND NOT EXISTS ( \
       SELECT 1 FROM deliveries d WHERE d.account_id = events.account_id AND d.event_id = events.id) \
     RETURNING position AS place, account_id, caller, callee, deliveries",
);
const DELETE_HOURS: &str = "DELETE FROM endpoint_hours WHERE (endpoint_id, hour_ms) IN ( \
       SELECT endpoint_id, hour_ms FROM endpoint_hours WHERE hour_ms < $1 ORDER BY hour_ms LIMIT $2)";

/// An account's retention, and how far its bodies have been purged.
#[derive(Debug, Clone, sqlx_macros::FromRow)]
pub struct AccountRetention {
    /// The account.
    pub id: String,
    /// Days that payloads and responses are kept.
    pub bodies_days: i64,
    /// Days that events, deliveries and attempts are kept.
    pub rows_days: i64,
    /// Upper limit of both that an operator set for the account.
    pub retention_max_days: Option<i64>,
    /// Most megabytes of bodies that it may store, if an operator changed the default.
    pub stored_mb_max: Option<i64>,
    /// Watermark: position up to which bodies have been purged.
    pub bodies_cleaned: String,
}

/// What is purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Payloads of events and responses of their attempts; the rows are kept.
    Bodies,
    /// Ended deliveries with their attempts.
    Deliveries,
    /// Events without deliveries.
    Events,
}

/// A row past its retention.
#[derive(Debug, Clone, sqlx_macros::FromRow)]
pub struct ExpiredRow {
    /// Its position in the order of purging.
    pub key: String,
    /// Its id.
    pub id: String,
}

/// The retention of every account.
pub async fn accounts(db: &Db) -> StoreResult<Vec<AccountRetention>> {
    Ok(on!(&db.readers, c => sqlx::query_as(ACCOUNTS).fetch_all(c).await?))
}

/// Selects up to `limit` rows of this kind between two keys, in order. Reads only, so it blocks no writer.
pub async fn expired(
    db: &Db,
    kind: Kind,
    account: &str,
    (from, before): (&str, &str),
    limit: u32,
) -> StoreResult<Vec<ExpiredRow>> {
    let sql = match kind {
        Kind::Bodies => EXPIRED_EVENTS,
        Kind::Events => EXPIRED_LONE_EVENTS,
        Kind::Deliveries => EXPIRED_DELIVERIES,
    };
    Ok(on!(&db.readers, c => sqlx::query_as(sql)
        .bind(account).bind(from).bind(before).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Purges these rows, or their bodies. Returns how many; bodies count as examined.
pub async fn purge(tx: &mut Tx, kind: Kind, account: &str, expired: &[&ExpiredRow]) -> StoreResult<usize> {
    let list = json_list(expired.iter().map(|row| row.id.as_str()));
    match kind {
        Kind::Bodies => strip(tx, account, &list, expired).await,
        Kind::Deliveries => delete_deliveries(tx, account, &list).await,
        Kind::Events => delete_events(tx, account, &list).await,
    }
}

async fn strip(tx: &mut Tx, account: &str, events: &str, expired: &[&ExpiredRow]) -> StoreResult<usize> {
    let reached = expired.last().map_or("", |row| row.key.as_str());
    for sql in [STRIP_EVENTS.on(tx.dialect()), STRIP_ATTEMPTS.on(tx.dialect())] {
        within!(&mut *tx, c => sqlx::query(sql).bind(account).bind(events).execute(c).await?.rows_affected());
    }
    within!(tx, c => sqlx::query(SET_WATERMARK).bind(account).bind(reached).execute(c).await?.rows_affected());
    Ok(expired.len())
}

/// Purges the bodies that were kept only for these deliveries, which have ended after their retention.
pub async fn purge_ended(tx: &mut Tx, deliveries: &[&str]) -> StoreResult<()> {
    let stripped = STRIP_KEPT.fetch(tx, &[json_list(deliveries.iter().copied()).as_str().into()]).await?;
    strip_responses(tx, stripped).await
}

/// Purges the responses of all attempts for these events.
async fn strip_responses(tx: &mut Tx, events: Vec<(String, String)>) -> StoreResult<()> {
    let mut by_account: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (account, event) in events {
        by_account.entry(account).or_default().push(event);
    }
    for (account, events) in by_account {
        let list = json_list(events.iter().map(String::as_str));
        STRIP_ATTEMPTS.execute(tx, &[account.as_str().into(), list.as_str().into()]).await?;
    }
    Ok(())
}

async fn delete_deliveries(tx: &mut Tx, account: &str, list: &str) -> StoreResult<usize> {
    let (deliveries, attempts) = (DELETE_DELIVERIES.on(tx.dialect()), DELETE_ATTEMPTS.on(tx.dialect()));
    let gone: Vec<PhoneEntry> =
        within!(&mut *tx, c => sqlx::query_as(deliveries).bind(account).bind(list).fetch_all(c).await?);
    let list = json_list(gone.iter().map(|row| row.place.as_str()));
    within!(&mut *tx, c => sqlx::query(attempts).bind(account).bind(list).execute(c).await?.rows_affected());
    phone_index::remove(tx, &gone).await?;
    Ok(gone.len())
}

/// Events without deliveries have phone index entries of their own.
async fn delete_events(tx: &mut Tx, account: &str, list: &str) -> StoreResult<usize> {
    #[derive(sqlx_macros::FromRow)]
    struct Gone {
        #[sqlx(flatten)]
        entry: PhoneEntry,
        deliveries: i64,
    }
    let sql = DELETE_EVENTS.on(tx.dialect());
    let gone: Vec<Gone> = within!(&mut *tx, c => sqlx::query_as(sql).bind(account).bind(list).fetch_all(c).await?);
    let (count, unsent) = (gone.len(), gone.into_iter().filter(|gone| gone.deliveries == 0));
    phone_index::remove(tx, &unsent.map(|gone| gone.entry).collect::<Vec<_>>()).await?;
    Ok(count)
}

/// Deletes up to `limit` hourly counts from before a moment. Returns how many.
pub async fn delete_hours(tx: &mut Tx, before: UnixMs, limit: u32) -> StoreResult<u64> {
    Ok(within!(tx, c => sqlx::query(DELETE_HOURS)
        .bind(before.0).bind(i64::from(limit)).execute(c).await?.rows_affected()))
}

/// Returns up to `pages` free pages to the file system. PostgreSQL does so on its own.
pub async fn give_back(db: &Db, pages: u32) -> StoreResult<()> {
    if let Pool::Sqlite(writer) = &db.writer {
        let _turn = db.turns.some().await?;
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA incremental_vacuum({pages})"));
        sqlx::query(sql).execute(writer).await?;
    }
    Ok(())
}
