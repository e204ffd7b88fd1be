//! Nodes and their leases. One heartbeat row keeps all leases of a node; a node without heartbeats loses them.

use domain::UnixMs;

use crate::store::{
    db::{Db, Dialect, Tx, on, within},
    error::StoreResult,
    sql::Sql,
};

const INSERT: &str = "INSERT INTO nodes (id, heartbeat_ms, clock_ahead_ms) VALUES ($1, $2, $3) \
     ON CONFLICT (id) DO UPDATE SET heartbeat_ms = excluded.heartbeat_ms, clock_ahead_ms = excluded.clock_ahead_ms";
const UPDATE: &str = "UPDATE nodes SET heartbeat_ms = $2, clock_ahead_ms = $3 WHERE id = $1";
/// A heartbeat in the future came from a clock that has been set back since, or from a node of an earlier version, which
/// uses its own clock: its timeout starts now.
const CLAMP_FUTURE: &str = "UPDATE nodes SET heartbeat_ms = $1 WHERE heartbeat_ms > $2";
const DELETE_SILENT: &str = "DELETE FROM nodes WHERE id <> $1 AND heartbeat_ms < $2";
// In the order in which all transactions lock deliveries.
static RELEASE_ORPHANS: Sql = Sql::new(
    "UPDATE deliveries SET lease_owner = NULL WHERE id IN ( \
       SELECT id FROM deliveries WHERE state IN ('queued', 'retrying') AND lease_owner IS NOT NULL \
       AND lease_owner NOT IN (SELECT id FROM nodes) ORDER BY endpoint_id, call_id, id LIMIT $1 {serialise})",
);
static RELEASE_OWN: Sql = Sql::new(
    "UPDATE deliveries SET lease_owner = NULL WHERE id IN ( \
       SELECT id FROM deliveries WHERE state IN ('queued', 'retrying') AND lease_owner = $1 \
       ORDER BY endpoint_id, call_id, id LIMIT $2 {serialise})",
);
const ALIVE: &str = "SELECT COUNT(*) FROM nodes WHERE heartbeat_ms >= $1";
const FIRST_ALIVE: &str = "SELECT MIN(id) FROM nodes WHERE heartbeat_ms >= $1";
const DELETE: &str = "DELETE FROM nodes WHERE id = $1";

/// Interval between a node's heartbeats.
pub const HEARTBEAT_MS: i64 = 2_500;
/// How long a node may go without a heartbeat before others take over its deliveries.
pub const NODE_TIMEOUT_MS: i64 = 12_000;
/// A dead node's deliveries are taken over within this time: its timeout, plus the heartbeat interval of the node that
/// notices.
pub const TAKEOVER_MAX_MS: i64 = 15_000;
const _: () = assert!(NODE_TIMEOUT_MS + HEARTBEAT_MS <= TAKEOVER_MAX_MS);

/// Whether it is a node's first heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// The node is unknown before it.
    First,
    /// If the node is unknown, other nodes have declared it dead.
    Later,
}

/// Records a heartbeat at this time of the database's clock; `ahead_ms` is how far the node's own clock is ahead. True if
/// other nodes had declared this node dead: its deliveries are released, or leased by them.
pub async fn heartbeat(tx: &mut Tx, node: &str, now: UnixMs, ahead_ms: i64, kind: Heartbeat) -> StoreResult<bool> {
    let ahead = now.plus_ms(NODE_TIMEOUT_MS).0;
    within!(&mut *tx, c => sqlx::query(CLAMP_FUTURE).bind(now.0).bind(ahead).execute(c).await?.rows_affected());
    let updated = within!(&mut *tx, c => sqlx::query(UPDATE).bind(node).bind(now.0).bind(ahead_ms).execute(c).await?.rows_affected());
    if updated == 0 {
        within!(tx, c => sqlx::query(INSERT).bind(node).bind(now.0).bind(ahead_ms).execute(c).await?.rows_affected());
    }
    Ok(kind == Heartbeat::Later && updated == 0)
}

/// Deletes nodes without a heartbeat within the timeout, except this one. Returns how many.
///
/// SQLite allows one server at a time (it holds the file lock), so every other node counts as dead at once.
pub async fn delete_silent(tx: &mut Tx, node: &str, now: UnixMs) -> StoreResult<u64> {
    let oldest = if tx.dialect() == Dialect::Sqlite { i64::MAX } else { now.plus_ms(-NODE_TIMEOUT_MS).0 };
    Ok(within!(tx, c => sqlx::query(DELETE_SILENT).bind(node).bind(oldest).execute(c).await?.rows_affected()))
}

/// Releases up to `limit` deliveries that no known node leases. Returns how many.
pub async fn release_orphans(tx: &mut Tx, limit: u32) -> StoreResult<u64> {
    let sql = RELEASE_ORPHANS.on(tx.dialect());
    Ok(within!(tx, c => sqlx::query(sql).bind(i64::from(limit)).execute(c).await?.rows_affected()))
}

/// Releases up to `limit` deliveries of this node. Returns how many.
pub async fn release_own(tx: &mut Tx, node: &str, limit: u32) -> StoreResult<u64> {
    let sql = RELEASE_OWN.on(tx.dialect());
    Ok(within!(tx, c => sqlx::query(sql).bind(node).bind(i64::from(limit)).execute(c).await?.rows_affected()))
}

/// Forgets this node, which has released its deliveries.
pub async fn leave(tx: &mut Tx, node: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(DELETE).bind(node).execute(c).await?.rows_affected());
    Ok(())
}

/// Counts the live nodes.
pub async fn alive(db: &Db, now: UnixMs) -> StoreResult<u64> {
    let since = now.plus_ms(-NODE_TIMEOUT_MS).0;
    let alive: i64 = on!(&db.readers, c => sqlx::query_scalar(ALIVE).bind(since).fetch_one(c).await?);
    Ok(alive.unsigned_abs())
}

/// Whether this node reports what all nodes share: exactly one of the live ones does.
pub async fn reports_for_all(db: &Db, node: &str, now: UnixMs) -> StoreResult<bool> {
    if db.dialect == Dialect::Sqlite {
        return Ok(true);
    }
    let since = now.plus_ms(-NODE_TIMEOUT_MS).0;
    let first: Option<String> = on!(&db.readers, c => sqlx::query_scalar(FIRST_ALIVE).bind(since).fetch_one(c).await?);
    Ok(first.is_none_or(|first| first == node))
}
