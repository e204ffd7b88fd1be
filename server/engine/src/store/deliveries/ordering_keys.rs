//! Ordering keys: the deliveries of one call to one endpoint are sent one after the other.
//!
//! Theory of operation. Of an ordering key, one delivery has a due time, and the others wait without one. The transaction
//! that ends a delivery promotes the next one of its key: the one with the lowest `seq`, then with the lowest id.
//!
//! `seq` numbers events in the order in which they were accepted. On PostgreSQL it is a sequence of the database, because
//! ids follow the clocks of several nodes. SQLite has one writing process, whose ids only grow, so there it is 0.
//!
//! A transaction that ends a delivery, or adds one behind it, first locks the due deliveries of the ordering key, of which
//! there is hardly ever more than one. Otherwise, on PostgreSQL, one transaction could look before the other has ended and
//! commit after it has promoted, and the new delivery would never become due. Deliveries are always locked in the order of
//! endpoint, call and id, so transactions cannot deadlock.

use std::collections::{HashMap, HashSet};

use domain::UnixMs;
use serde::{Deserialize, Serialize};

use crate::store::{
    db::{Dialect, Tx},
    error::StoreResult,
    sql::Sql,
};

/// Most open deliveries of one call at one endpoint. A call has two or three events; a thousand are a mistake or an attack.
pub const OPEN_PER_KEY_MAX: i64 = 1_000;

/// The open deliveries `d` of the ordering key `r`.
macro_rules! open {
    () => {
        "d.endpoint_id = r.endpoint_id AND d.call_id = r.call_id AND d.state IN ('queued', 'retrying')"
    };
}
/// Later deliveries of the key wait for `d`. One that has given up its order holds them only while it is being sent.
macro_rules! holds {
    () => {
        "(d.order_given_up IS NULL OR d.lease_owner IS NOT NULL)"
    };
}

// A subquery with a limit: one step per key, however many of its deliveries wait.
static OPEN_KEYS: Sql = Sql::new(concat!(
    "SELECT r.endpoint_id, r.call_id, (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE ",
    open!(),
    " LIMIT 1001) AS counted) AS open, COALESCE((SELECT CAST(1 AS BIGINT) FROM deliveries d WHERE ",
    open!(),
    " AND ",
    holds!(),
    " LIMIT 1), 0) AS held FROM {rows r: endpoint_id text, call_id text} WHERE (SELECT 1 FROM deliveries d WHERE ",
    open!(),
    " LIMIT 1) = 1"
));
const _: () = assert!(OPEN_PER_KEY_MAX == 1_000, "OPEN_KEYS counts one more than that");
/// Also tells which keys are held, as of after the lock: by what is due, or by something that waits behind it.
macro_rules! lock {
    () => {
        concat!(
            "SELECT d.endpoint_id, d.call_id, CAST(CASE WHEN ",
            holds!(),
            " OR (SELECT 1 FROM deliveries w WHERE w.endpoint_id = r.endpoint_id AND w.call_id = r.call_id \
             AND w.state IN ('queued', 'retrying') AND w.due_ms IS NULL LIMIT 1) = 1 THEN 1 ELSE 0 END AS BIGINT) AS held \
             FROM {rows r: endpoint_id text, call_id text} JOIN deliveries d ON ",
            open!()
        )
    };
}
static LOCK_DUE: Sql =
    Sql::new(concat!(lock!(), " AND d.due_ms IS NOT NULL ORDER BY d.endpoint_id, d.call_id, d.id {serialise}"));
static LOCK_ALL: Sql = Sql::new(concat!(lock!(), " ORDER BY d.endpoint_id, d.call_id, d.id {serialise}"));
static SUPERSEDE: Sql = Sql::new(concat!(
    "UPDATE deliveries SET state = 'expired', end_reason = 'superseded', finished_ms = $1, due_ms = NULL \
     WHERE state = 'retrying' AND lease_owner IS NULL AND kind <> 'CallProcessed' AND id IN ( \
       SELECT d.id FROM {rows r: endpoint_id text, call_id text} JOIN deliveries d ON ",
    open!(),
    " AND d.due_ms IS NOT NULL JOIN endpoints e ON e.id = d.endpoint_id \
     WHERE e.deliver_late = 0 OR d.order_given_up IS NOT NULL) \
     RETURNING endpoint_id, call_id"
));
/// A resent delivery, which comes before those in progress, also waits until nothing of its ordering key is due. Both
/// subqueries are one step in an index, however many deliveries wait; `due_ms`, of which all are NULL, completes its order.
static PROMOTE_NEXT: Sql = Sql::new(concat!(
    "UPDATE deliveries SET due_ms = $1, lease_owner = $2 WHERE id IN (SELECT (SELECT d.id FROM deliveries d WHERE ",
    open!(),
    " AND d.due_ms IS NULL ORDER BY d.due_ms, d.seq, d.id LIMIT 1) FROM {rows r: endpoint_id text, call_id text} \
     WHERE (SELECT 1 FROM deliveries d WHERE ",
    open!(),
    " AND d.due_ms IS NOT NULL AND ",
    holds!(),
    " LIMIT 1) IS NULL) AND state IN ('queued', 'retrying') AND due_ms IS NULL AND lease_owner IS NULL \
     RETURNING id, endpoint_id, call_id, CAST(CASE WHEN kind = 'CallProcessed' AND (SELECT 1 FROM deliveries d \
     WHERE d.endpoint_id = deliveries.endpoint_id AND d.call_id = deliveries.call_id \
     AND d.state IN ('queued', 'retrying') AND d.due_ms IS NOT NULL AND d.order_given_up IS NOT NULL LIMIT 1) = 1 THEN 1 ELSE 0 END AS BIGINT) \
     AS supersedes"
));

/// An ordering key: the deliveries of one call to one endpoint are sent one after the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx_macros::FromRow)]
pub struct OrderingKey {
    /// The endpoint.
    pub endpoint_id: String,
    /// The call.
    pub call_id: String,
}

/// An ordering key that has unfinished deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenKey {
    /// How many, exact up to [`OPEN_PER_KEY_MAX`].
    pub count: i64,
    /// Whether later deliveries wait for one of them.
    pub held: bool,
}

#[derive(Deserialize, sqlx_macros::FromRow)]
struct OpenRow {
    #[sqlx(flatten)]
    #[serde(flatten)]
    key: OrderingKey,
    open: i64,
    held: i64,
}

#[derive(Deserialize, sqlx_macros::FromRow)]
struct LockedRow {
    #[sqlx(flatten)]
    #[serde(flatten)]
    key: OrderingKey,
    held: i64,
}

/// Which of these ordering keys have unfinished deliveries. None of their due deliveries ends before this transaction does.
pub async fn open(tx: &mut Tx, keys: &[OrderingKey]) -> StoreResult<HashMap<OrderingKey, OpenKey>> {
    // Most ordering keys are free and need no lock.
    let mut found: Vec<OpenRow> = OPEN_KEYS.read(tx, keys, &[]).await?;
    let mut open = HashMap::new();
    if tx.dialect() == Dialect::Sqlite {
        open.extend(found.into_iter().map(|row| (row.key, OpenKey { count: row.open, held: row.held != 0 })));
        return Ok(open);
    }
    let mut lock = &LOCK_DUE;
    while !found.is_empty() {
        let keys = sorted(found.iter().map(|row| row.key.clone()).collect());
        let mut held = HashMap::<OrderingKey, bool>::new();
        let locked: Vec<LockedRow> = lock.read(tx, &keys, &[]).await?;
        locked.into_iter().for_each(|row| *held.entry(row.key).or_default() |= row.held != 0);
        open.extend(found.into_iter().filter_map(|row| {
            let held = *held.get(&row.key)?;
            Some((row.key, OpenKey { count: row.open, held }))
        }));
        // In the others, what was due has ended. Something else may have become due, or nothing, in a stuck key.
        let rest: Vec<OrderingKey> = keys.into_iter().filter(|key| !open.contains_key(key)).collect();
        found = OPEN_KEYS.read(tx, &rest, &[]).await?;
        lock = &LOCK_ALL;
    }
    Ok(open)
}

/// Which of these ordering keys have an unfinished delivery that later ones wait for. As [`open`].
pub async fn busy(tx: &mut Tx, keys: &[OrderingKey]) -> StoreResult<HashSet<OrderingKey>> {
    let open = open(tx, keys).await?;
    Ok(open.into_iter().filter(|(_, open)| open.held).map(|(key, _)| key).collect())
}

/// Locks what is due of these ordering keys. Does nothing on SQLite, which has one writer.
pub async fn lock(tx: &mut Tx, keys: impl IntoIterator<Item = OrderingKey>) -> StoreResult<()> {
    if tx.dialect() == Dialect::Postgres {
        let _: Vec<LockedRow> = LOCK_DUE.read(tx, &sorted(keys.into_iter().collect()), &[]).await?;
    }
    Ok(())
}

fn sorted(mut keys: Vec<OrderingKey>) -> Vec<OrderingKey> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Expires the call-start events that wait for a retry although their call has ended. Returns the ordering keys of those.
pub async fn supersede(tx: &mut Tx, ended_calls: &[OrderingKey], now: UnixMs) -> StoreResult<Vec<OrderingKey>> {
    SUPERSEDE.read(tx, ended_calls, &[now.0.into()]).await
}

#[derive(Deserialize, sqlx_macros::FromRow)]
struct PromotedRow {
    id: String,
    #[sqlx(flatten)]
    #[serde(flatten)]
    key: OrderingKey,
    supersedes: i64,
}

/// Makes the first waiting delivery of each of these ordering keys due, and leases it if `node` is given. Skips keys
/// where one is due or leased that later ones wait for. The end of a call supersedes its other events that have given up
/// their order: none of them is sent after it.
pub async fn promote_next(
    tx: &mut Tx,
    keys: &[OrderingKey],
    node: Option<&str>,
    now: UnixMs,
) -> StoreResult<Vec<String>> {
    let promoted: Vec<PromotedRow> = PROMOTE_NEXT.read(tx, keys, &[now.0.into(), node.into()]).await?;
    let ended: Vec<OrderingKey> =
        promoted.iter().filter(|row| row.supersedes != 0).map(|row| row.key.clone()).collect();
    if !ended.is_empty() {
        supersede(tx, &ended, now).await?;
    }
    Ok(promoted.into_iter().map(|row| row.id).collect())
}
