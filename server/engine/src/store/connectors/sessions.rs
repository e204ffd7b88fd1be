//! Sessions with phone systems inside the server: who follows a phone system, and until when no one else may.

use domain::{
    UnixMs,
    connector::{LatestSession, SessionNumber},
    id::ConnectorId,
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    sql::Sql,
};

const BEGIN: &str = "INSERT INTO connector_sessions (connector_id, session, held_until_ms) VALUES ($1, 1, $2) \
    ON CONFLICT (connector_id) DO UPDATE SET session = connector_sessions.session + 1, \
    held_until_ms = excluded.held_until_ms WHERE connector_sessions.held_until_ms <= $3 RETURNING session";
const LATEST: &str = "SELECT session, held_until_ms FROM connector_sessions WHERE connector_id = $1";
const HOLD: &str = "UPDATE connector_sessions SET held_until_ms = $2 WHERE connector_id = $1";
static LOCKED: Sql = Sql::new("SELECT session FROM connector_sessions WHERE connector_id = $1 {serialise}");
const CLEAR: &str = "DELETE FROM connector_sessions WHERE connector_id = $1";

/// Begins a session that holds the connector until then; none while another one holds it.
pub async fn begin(
    tx: &mut Tx,
    id: &ConnectorId,
    held_until: UnixMs,
    now: UnixMs,
) -> StoreResult<Option<SessionNumber>> {
    let begun: Option<i64> = within!(tx, c => {
        sqlx::query_scalar(BEGIN).bind(id.as_str()).bind(held_until.0).bind(now.0).fetch_optional(c).await?
    });
    Ok(begun.map(SessionNumber))
}

/// The session that began last.
pub async fn latest(db: &Db, id: &ConnectorId) -> StoreResult<Option<LatestSession>> {
    let row: Option<(i64, i64)> =
        on!(&db.readers, c => sqlx::query_as(LATEST).bind(id.as_str()).fetch_optional(c).await?);
    Ok(row.map(|(number, until)| LatestSession { number: SessionNumber(number), held_until: UnixMs(until) }))
}

/// The session that began last. None begins until the transaction ends.
pub async fn locked(tx: &mut Tx, id: &ConnectorId) -> StoreResult<Option<SessionNumber>> {
    let sql = LOCKED.on(tx.dialect());
    let latest: Option<i64> = within!(tx, c => sqlx::query_scalar(sql).bind(id.as_str()).fetch_optional(c).await?);
    Ok(latest.map(SessionNumber))
}

/// Holds the connector until then.
pub async fn hold(tx: &mut Tx, id: &ConnectorId, until: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(HOLD).bind(id.as_str()).bind(until.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets the sessions of a connector.
pub async fn clear(tx: &mut Tx, id: &ConnectorId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(CLEAR).bind(id.as_str()).execute(c).await?.rows_affected());
    Ok(())
}
