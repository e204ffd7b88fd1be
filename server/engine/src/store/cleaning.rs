//! Taking away what is past retention, in steps of a few rows by key.

use std::collections::BTreeMap;

use domain::UnixMs;

use super::{
    db::{Db, Pool, Tx, on, within},
    error::StoreResult,
    json_list,
    numbers::{self, Called},
    sql::Sql,
};

const ACCOUNTS: &str =
    "SELECT id, bodies_days, rows_days, retention_max_days, bodies_cleaned FROM accounts ORDER BY id";
const PAST_EVENTS: &str = "SELECT position AS key, id FROM events WHERE account_id = $1 AND position > $2 \
                           AND position < $3 ORDER BY position LIMIT $4";
/// Those that no delivery needs any more.
const PAST_LONE_EVENTS: &str = "SELECT e.position AS key, e.id FROM events e WHERE e.account_id = $1 AND e.position > $2 \
                                AND e.position < $3 AND NOT EXISTS (SELECT 1 FROM deliveries d \
                                WHERE d.account_id = e.account_id AND d.event_id = e.id) ORDER BY e.position LIMIT $4";
const PAST_DELIVERIES: &str = "SELECT id AS key, id FROM deliveries WHERE account_id = $1 AND id > $2 AND id < $3 \
                               AND state NOT IN ('queued', 'retrying') ORDER BY id LIMIT $4";
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
/// An event before the mark has kept its payload for a delivery that had not ended.
macro_rules! passed_over {
    () => {
        "payload IS NOT NULL AND position <= (SELECT a.bodies_cleaned FROM accounts a WHERE a.id = events.account_id) \
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.account_id = events.account_id AND d.event_id = events.id \
         AND d.state IN ('queued', 'retrying'))"
    };
}
static STRIP_PASSED_OVER: Sql = Sql::new(concat!(
    "UPDATE events SET payload = NULL WHERE (account_id, id) IN ( \
       SELECT d.account_id, d.event_id FROM deliveries d WHERE d.id IN {list $1}) AND ",
    passed_over!(),
    " RETURNING account_id, id"
));
const STRIP_OF_ENDPOINT: &str = concat!(
    "UPDATE events SET payload = NULL WHERE account_id = $1 AND id IN ( \
       SELECT d.event_id FROM deliveries d WHERE d.endpoint_id = $2 AND d.state = 'cancelled' AND d.finished_ms = $3) AND ",
    passed_over!(),
    " RETURNING account_id, id"
);
const CLEANED: &str = "UPDATE accounts SET bodies_cleaned = $2 WHERE id = $1";
/// One that was resent since it was found stays.
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

/// An account's retention, and how far its bodies have been cleaned.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AccountRetention {
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

/// What goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Payloads of events and answers to their attempts; the rows stay.
    Bodies,
    /// Ended deliveries with their attempts.
    Deliveries,
    /// Events without deliveries.
    Events,
}

/// A row that is past.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Past {
    /// Where it lies in its order.
    pub key: String,
    /// Its id.
    pub id: String,
}

/// The retention of every account.
pub async fn accounts(db: &Db) -> StoreResult<Vec<AccountRetention>> {
    Ok(on!(&db.readers, c => sqlx::query_as(ACCOUNTS).fetch_all(c).await?))
}

/// Up to `limit` rows of this kind between two keys, in order. Reads only: nobody waits for it.
pub async fn past(
    db: &Db,
    kind: Kind,
    account: &str,
    (from, before): (&str, &str),
    limit: u32,
) -> StoreResult<Vec<Past>> {
    let sql = match kind {
        Kind::Bodies => PAST_EVENTS,
        Kind::Events => PAST_LONE_EVENTS,
        Kind::Deliveries => PAST_DELIVERIES,
    };
    Ok(on!(&db.readers, c => sqlx::query_as(sql)
        .bind(account).bind(from).bind(before).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Takes these rows away, or their bodies. Returns how many; bodies count as looked at.
pub async fn purge(tx: &mut Tx, kind: Kind, account: &str, past: &[Past]) -> StoreResult<usize> {
    let list = json_list(past.iter().map(|row| row.id.as_str()));
    match kind {
        Kind::Bodies => strip(tx, account, &list, past).await,
        Kind::Deliveries => delete_deliveries(tx, account, &list).await,
        Kind::Events => delete_events(tx, account, &list).await,
    }
}

async fn strip(tx: &mut Tx, account: &str, events: &str, past: &[Past]) -> StoreResult<usize> {
    let reached = past.last().map_or("", |row| row.key.as_str());
    for sql in [STRIP_EVENTS.on(tx.dialect()), STRIP_ATTEMPTS.on(tx.dialect())] {
        within!(&mut *tx, c => sqlx::query(sql).bind(account).bind(events).execute(c).await?.rows_affected());
    }
    within!(tx, c => sqlx::query(CLEANED).bind(account).bind(reached).execute(c).await?.rows_affected());
    Ok(past.len())
}

/// Deliveries have ended that may have waited past their retention: what was kept for them goes now.
pub async fn ended(tx: &mut Tx, deliveries: &[&str]) -> StoreResult<()> {
    let (sql, list) = (STRIP_PASSED_OVER.on(tx.dialect()), json_list(deliveries.iter().copied()));
    let stripped = within!(&mut *tx, c => sqlx::query_as(sql).bind(list).fetch_all(c).await?);
    strip_answers(tx, stripped).await
}

/// The same for all that have just been cancelled with their endpoint.
pub async fn purge_ended_of_endpoint(tx: &mut Tx, account: &str, endpoint: &str, now: UnixMs) -> StoreResult<()> {
    let stripped = within!(&mut *tx, c => sqlx::query_as(STRIP_OF_ENDPOINT)
        .bind(account).bind(endpoint).bind(now.0).fetch_all(c).await?);
    strip_answers(tx, stripped).await
}

/// Takes away the answers to all attempts with these events.
async fn strip_answers(tx: &mut Tx, events: Vec<(String, String)>) -> StoreResult<()> {
    let mut by_account: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (account, event) in events {
        by_account.entry(account).or_default().push(event);
    }
    let sql = STRIP_ATTEMPTS.on(tx.dialect());
    for (account, events) in by_account {
        let list = json_list(events.iter().map(String::as_str));
        within!(&mut *tx, c => sqlx::query(sql).bind(&account).bind(list).execute(c).await?.rows_affected());
    }
    Ok(())
}

async fn delete_deliveries(tx: &mut Tx, account: &str, list: &str) -> StoreResult<usize> {
    let (deliveries, attempts) = (DELETE_DELIVERIES.on(tx.dialect()), DELETE_ATTEMPTS.on(tx.dialect()));
    let gone: Vec<Called> =
        within!(&mut *tx, c => sqlx::query_as(deliveries).bind(account).bind(list).fetch_all(c).await?);
    let list = json_list(gone.iter().map(|row| row.place.as_str()));
    within!(&mut *tx, c => sqlx::query(attempts).bind(account).bind(list).execute(c).await?.rows_affected());
    numbers::forget(tx, &gone).await?;
    Ok(gone.len())
}

/// Those that went to no endpoint stand in the index of numbers themselves.
async fn delete_events(tx: &mut Tx, account: &str, list: &str) -> StoreResult<usize> {
    #[derive(sqlx::FromRow)]
    struct Gone {
        #[sqlx(flatten)]
        called: Called,
        deliveries: i64,
    }
    let sql = DELETE_EVENTS.on(tx.dialect());
    let gone: Vec<Gone> = within!(&mut *tx, c => sqlx::query_as(sql).bind(account).bind(list).fetch_all(c).await?);
    let (count, unsent) = (gone.len(), gone.into_iter().filter(|gone| gone.deliveries == 0));
    numbers::forget(tx, &unsent.map(|gone| gone.called).collect::<Vec<_>>()).await?;
    Ok(count)
}

/// Deletes up to `limit` hourly counts from before a moment. Returns how many.
pub async fn delete_hours(tx: &mut Tx, before: UnixMs, limit: u32) -> StoreResult<u64> {
    Ok(within!(tx, c => sqlx::query(DELETE_HOURS)
        .bind(before.0).bind(i64::from(limit)).execute(c).await?.rows_affected()))
}

/// Gives up to `pages` freed pages back to the file system; Postgres does so by itself.
pub async fn give_back(db: &Db, pages: u32) -> StoreResult<()> {
    if let Pool::Sqlite(writer) = &db.writer {
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA incremental_vacuum({pages})"));
        sqlx::query(sql).execute(writer).await?;
    }
    Ok(())
}
