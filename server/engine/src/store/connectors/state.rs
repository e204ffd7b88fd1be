//! What connectors report about themselves, and which of them are down.

use domain::{UnixMs, connector::ConnectorState, id::ConnectorId};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

const SAVE: &str = "UPDATE connectors SET reported_ms = $2, connected_since_ms = $3, connected_ms = $4, \
    last_event_ms = $5, calls_open = $6, lag_ms = $7, system_version = $8, problem = $9, detail = $10, seen = $11, \
    down_ms = $12, reporters = $13 WHERE id = $1";
const SET_LAST_EVENT: &str = "UPDATE connectors SET last_event_ms = $2 WHERE id = $1";
/// Those that may be down: the domain decides.
const SILENT: &str = "SELECT id FROM connectors WHERE deleted_ms IS NULL AND paused_ms IS NULL AND down_ms IS NULL \
    AND connected_ms <= $1 ORDER BY id LIMIT $2";
const DELETED: &str = "SELECT id FROM connectors WHERE deleted_ms IS NOT NULL ORDER BY id LIMIT $1";
const REMOVE: &str = "DELETE FROM connectors WHERE id = $1 AND deleted_ms IS NOT NULL";

/// Saves the state of a connector.
pub async fn save(tx: &mut Tx, id: &ConnectorId, state: &ConnectorState) -> StoreResult<()> {
    let ms = |at: Option<UnixMs>| at.map(|at| at.0);
    within!(tx, c => sqlx::query(SAVE)
        .bind(id.as_str()).bind(ms(state.reported_at)).bind(ms(state.connected_since)).bind(ms(state.connected_at))
        .bind(ms(state.last_event_at)).bind(i64::from(state.calls_open)).bind(state.lag_ms.map(i64::from))
        .bind(&state.system_version).bind(state.problem.map(|problem| problem.as_str())).bind(&state.detail)
        .bind(state.seen.join("\n")).bind(ms(state.down_since))
        .bind(serde_json::to_string(&state.reporters).ok()).execute(c).await?.rows_affected());
    Ok(())
}

/// Records when a connector last saw an event.
pub async fn set_last_event(tx: &mut Tx, id: &ConnectorId, at: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET_LAST_EVENT).bind(id.as_str()).bind(at.0).execute(c).await?.rows_affected());
    Ok(())
}

fn ids(found: Vec<String>) -> StoreResult<Vec<ConnectorId>> {
    let corrupt = |row| StoreError::Corrupt { table: "connectors", column: "id", row };
    found.into_iter().map(|id| ConnectorId::parse(&id).map_err(|_| corrupt(id))).collect()
}

/// Connectors that have not been connected since then, which was not noted yet.
pub async fn silent_since(db: &Db, before: UnixMs, limit: u32) -> StoreResult<Vec<ConnectorId>> {
    ids(on!(&db.readers, c => sqlx::query_scalar(SILENT).bind(before.0).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Deleted connectors that still have gaps, routes or numbers, or may have some.
pub async fn deleted(db: &Db, limit: u32) -> StoreResult<Vec<ConnectorId>> {
    ids(on!(&db.readers, c => sqlx::query_scalar(DELETED).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Removes a deleted connector, to which nothing belongs any more.
pub async fn remove(tx: &mut Tx, id: &ConnectorId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(REMOVE).bind(id.as_str()).execute(c).await?.rows_affected());
    Ok(())
}
