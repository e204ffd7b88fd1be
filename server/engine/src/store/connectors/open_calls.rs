//! The open calls of connectors that run inside the server, in a format of theirs.

use domain::{UnixMs, id::ConnectorId};

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
};

const SAVE: &str = "INSERT INTO connector_calls (connector_id, snapshot, saved_ms) VALUES ($1, $2, $3) \
    ON CONFLICT (connector_id) DO UPDATE SET snapshot = excluded.snapshot, saved_ms = excluded.saved_ms";
const LATEST: &str = "SELECT snapshot FROM connector_calls WHERE connector_id = $1";
const PURGE: &str = "DELETE FROM connector_calls WHERE connector_id IN \
    (SELECT connector_id FROM connector_calls WHERE saved_ms < $1 ORDER BY connector_id LIMIT $2)";
const CLEAR: &str = "DELETE FROM connector_calls WHERE connector_id = $1";

/// Saves the open calls of a connector.
pub async fn save(tx: &mut Tx, id: &ConnectorId, snapshot: &[u8], now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SAVE).bind(id.as_str()).bind(snapshot).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// The open calls that were last saved.
pub async fn latest(db: &Db, id: &ConnectorId) -> StoreResult<Option<Vec<u8>>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(LATEST).bind(id.as_str()).fetch_optional(c).await?))
}

/// The same inside a transaction.
pub async fn within(tx: &mut Tx, id: &ConnectorId) -> StoreResult<Option<Vec<u8>>> {
    Ok(within!(tx, c => sqlx::query_scalar(LATEST).bind(id.as_str()).fetch_optional(c).await?))
}

/// Deletes open calls of up to `limit` connectors that were last saved before then. Returns of how many.
pub async fn purge(tx: &mut Tx, before: UnixMs, limit: u32) -> StoreResult<u64> {
    Ok(within!(tx, c => sqlx::query(PURGE).bind(before.0).bind(i64::from(limit)).execute(c).await?.rows_affected()))
}

/// Deletes the open calls of a connector.
pub async fn clear(tx: &mut Tx, id: &ConnectorId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(CLEAR).bind(id.as_str()).execute(c).await?.rows_affected());
    Ok(())
}
