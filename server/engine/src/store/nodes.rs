//! Nodes and their leases. One heartbeat row keeps all leases of a node; a node without heartbeats loses them.

use domain::UnixMs;

use crate::store::{
    db::{Db, Dialect, Tx, on, within},
    error::StoreResult,
    sql::Sql,
};

const INSERT: &str = "INSERT INTO nodes (id, heartbeat_ms) VALUES ($1, $2) \
                    ON CONFLICT (id) DO UPDATE SET heartbeat_ms = excluded.heartbeat_ms";
const UPDATE: &str = "UPDATE nodes SET heartbeat_ms = $2 WHERE id = $1";
/// A heartbeat in the future came from a clock that has been set back since: its timeout starts now.
const CLAMP_FUTURE: &str = "UPDATE nodes SET heartbeat_ms = $1 WHERE heartbeat_ms > $2";
const DELETE_SILENT: &str = "DELETE FROM nodes WHERE id <> $1 AND heartbeat_ms < $2";
// In the order in which all transactions lock deliveries.
static RELEASE_ORPHANS: Sql = Sql::new(
    "UPDATE deliveries SET lease_owner = NULL WHERE id IN ( \
       SELECT id FROM deliveries WHERE state IN ('queued', 'retrying') AND lease_owner IS NOT NULL \
       AND lease_owner NOT IN (SELECT id FROM nodes) ORDER BY endpoint_id, call_id, id {serialise})",
);
static RELEASE_OWN: Sql = Sql::new(
    "UPDATE deliveries SET lease_owner = NULL WHERE id IN ( \
       SELECT id FROM deliveries WHERE state IN ('queued', 'retrying') AND lease_owner = $1 \
       ORDER BY endpoint_id, call_id, id {serialise})",
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
    /// The first one releases every delivery that no live node leases.
    First,
    /// A later one releases deliveries only if a node has timed out.
    Later,
}

/// Result of a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeartbeatOutcome {
    /// Number of deliveries released from dead nodes.
    pub released: u64,
    /// Other nodes had declared this node dead: its deliveries are released, or leased by them.
    pub was_declared_dead: bool,
}

/// Records a heartbeat, and releases the deliveries of dead nodes.
///
/// SQLite allows one server at a time (it holds the file lock), so every other node counts as dead at once.
pub async fn heartbeat(tx: &mut Tx, node: &str, now: UnixMs, kind: Heartbeat) -> StoreResult<HeartbeatOutcome> {
    let ahead = now.plus_ms(NODE_TIMEOUT_MS).0;
    within!(&mut *tx, c => sqlx::query(CLAMP_FUTURE).bind(now.0).bind(ahead).execute(c).await?.rows_affected());
    let updated = within!(&mut *tx, c => sqlx::query(UPDATE).bind(node).bind(now.0).execute(c).await?.rows_affected());
    let was_declared_dead = kind == Heartbeat::Later && updated == 0;
    if updated == 0 {
        within!(&mut *tx, c => sqlx::query(INSERT).bind(node).bind(now.0).execute(c).await?.rows_affected());
    }
    let oldest = if tx.dialect() == Dialect::Sqlite { i64::MAX } else { now.plus_ms(-NODE_TIMEOUT_MS).0 };
    let deleted =
        within!(&mut *tx, c => sqlx::query(DELETE_SILENT).bind(node).bind(oldest).execute(c).await?.rows_affected());
    if deleted == 0 && kind == Heartbeat::Later {
        return Ok(HeartbeatOutcome { released: 0, was_declared_dead });
    }
    let sql = RELEASE_ORPHANS.on(tx.dialect());
    let released = within!(tx, c => sqlx::query(sql).execute(c).await?.rows_affected());
    Ok(HeartbeatOutcome { released, was_declared_dead })
}

/// Shuts down cleanly: releases this node's deliveries at once.
pub async fn shut_down(tx: &mut Tx, node: &str) -> StoreResult<()> {
    let sql = RELEASE_OWN.on(tx.dialect());
    within!(&mut *tx, c => sqlx::query(sql).bind(node).execute(c).await?.rows_affected());
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
