//! Nodes and their leases. One heartbeat row keeps all leases of a node; a node that falls silent loses them.

use domain::UnixMs;

use super::{
    db::{Db, Dialect, Tx, on, within},
    error::StoreResult,
    sql::Sql,
};

const BEAT: &str = "INSERT INTO nodes (id, heartbeat_ms) VALUES ($1, $2) \
                    ON CONFLICT (id) DO UPDATE SET heartbeat_ms = excluded.heartbeat_ms";
const BEAT_AGAIN: &str = "UPDATE nodes SET heartbeat_ms = $2 WHERE id = $1";
/// A heartbeat from the future was reckoned by a clock that has been set back since: its silence begins now.
const SET_BACK: &str = "UPDATE nodes SET heartbeat_ms = $1 WHERE heartbeat_ms > $2";
const DELETE_SILENT: &str = "DELETE FROM nodes WHERE id <> $1 AND heartbeat_ms < $2";
// In the order in which everybody locks many deliveries.
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
const LEAVE: &str = "DELETE FROM nodes WHERE id = $1";

/// Time between two heartbeats of a node.
pub const HEARTBEAT_MS: i64 = 2_500;
/// How long a node may be silent before others take over its work.
pub const SILENT_MS: i64 = 12_000;
/// A dead node's work is taken over within this time: silence, and the heartbeat of whoever notices.
pub const TAKEOVER_MAX_MS: i64 = 15_000;
const _: () = assert!(SILENT_MS + HEARTBEAT_MS <= TAKEOVER_MAX_MS);

/// Whether it is a node's first heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// The first: whatever no living node has in hand is freed, whoever lost it.
    First,
    /// A later one: something is freed only when a node has fallen silent.
    Later,
}

/// What a heartbeat has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeartbeatOutcome {
    /// Deliveries of dead nodes that were freed.
    pub freed: u64,
    /// The others had given this node up: what it had in hand is free, or in their hands.
    pub was_declared_dead: bool,
}

/// Says that this node lives, and frees the deliveries of nodes that do not.
///
/// On SQLite there is one server at a time (it holds the file's lock), so every other node is dead at once.
pub async fn beat(tx: &mut Tx, node: &str, now: UnixMs, beat: Beat) -> StoreResult<HeartbeatOutcome> {
    let ahead = now.plus_ms(SILENT_MS).0;
    within!(&mut *tx, c => sqlx::query(SET_BACK).bind(now.0).bind(ahead).execute(c).await?.rows_affected());
    let again =
        within!(&mut *tx, c => sqlx::query(BEAT_AGAIN).bind(node).bind(now.0).execute(c).await?.rows_affected());
    let was_declared_dead = beat == Beat::Later && again == 0;
    if again == 0 {
        within!(&mut *tx, c => sqlx::query(BEAT).bind(node).bind(now.0).execute(c).await?.rows_affected());
    }
    let oldest = if tx.dialect() == Dialect::Sqlite { i64::MAX } else { now.plus_ms(-SILENT_MS).0 };
    let forgotten =
        within!(&mut *tx, c => sqlx::query(DELETE_SILENT).bind(node).bind(oldest).execute(c).await?.rows_affected());
    if forgotten == 0 && beat == Beat::Later {
        return Ok(HeartbeatOutcome { freed: 0, was_declared_dead });
    }
    let sql = RELEASE_ORPHANS.on(tx.dialect());
    let freed = within!(tx, c => sqlx::query(sql).execute(c).await?.rows_affected());
    Ok(HeartbeatOutcome { freed, was_declared_dead })
}

/// Leaves in order: frees this node's deliveries at once.
pub async fn leave(tx: &mut Tx, node: &str) -> StoreResult<()> {
    let sql = RELEASE_OWN.on(tx.dialect());
    within!(&mut *tx, c => sqlx::query(sql).bind(node).execute(c).await?.rows_affected());
    within!(tx, c => sqlx::query(LEAVE).bind(node).execute(c).await?.rows_affected());
    Ok(())
}

/// How many nodes have not been silent.
pub async fn alive(db: &Db, now: UnixMs) -> StoreResult<u64> {
    let since = now.plus_ms(-SILENT_MS).0;
    let alive: i64 = on!(&db.readers, c => sqlx::query_scalar(ALIVE).bind(since).fetch_one(c).await?);
    Ok(alive.unsigned_abs())
}
