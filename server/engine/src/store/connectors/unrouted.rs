//! Numbers that calls of platform connectors had and no route.

use domain::{
    UnixMs,
    connector::route::{UNROUTED_MAX, Unrouted},
    id::ConnectorId,
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
};

const NOTE: &str = "INSERT INTO connector_unrouted (connector_id, number, first_ms, last_ms, events) \
    VALUES ($1, $2, $3, $3, 1) ON CONFLICT (connector_id, number) DO UPDATE SET last_ms = excluded.last_ms, \
    events = connector_unrouted.events + 1 RETURNING events";
const TRIM: &str = "DELETE FROM connector_unrouted WHERE connector_id = $1 AND number NOT IN \
    (SELECT number FROM connector_unrouted WHERE connector_id = $1 ORDER BY last_ms DESC, number LIMIT $2)";
const LIST: &str = "SELECT number, first_ms, last_ms, events FROM connector_unrouted WHERE connector_id = $1 \
    ORDER BY last_ms DESC, number LIMIT $2";
const REMOVE: &str = "DELETE FROM connector_unrouted WHERE connector_id = $1 AND number = $2";
const CLEAR: &str = "DELETE FROM connector_unrouted WHERE connector_id = $1";

/// Notes an event without a route. Numbers beyond [`UNROUTED_MAX`] that called longest ago are deleted.
pub async fn note(tx: &mut Tx, id: &ConnectorId, number: &str, now: UnixMs) -> StoreResult<()> {
    let events: i64 = within!(&mut *tx, c => sqlx::query_scalar(NOTE)
        .bind(id.as_str()).bind(number).bind(now.0).fetch_one(c).await?);
    if events == 1 {
        within!(tx, c => sqlx::query(TRIM)
            .bind(id.as_str()).bind(i64::from(UNROUTED_MAX)).execute(c).await?.rows_affected());
    }
    Ok(())
}

/// The numbers, the latest first.
pub async fn list(db: &Db, id: &ConnectorId) -> StoreResult<Vec<Unrouted>> {
    let rows: Vec<(String, i64, i64, i64)> = on!(&db.readers, c => sqlx::query_as(LIST)
        .bind(id.as_str()).bind(i64::from(UNROUTED_MAX)).fetch_all(c).await?);
    let unrouted = |(number, first, last, events): (String, i64, i64, i64)| Unrouted {
        number,
        first_at: UnixMs(first),
        last_at: UnixMs(last),
        events: events.unsigned_abs(),
    };
    Ok(rows.into_iter().map(unrouted).collect())
}

/// Forgets a number.
pub async fn remove(tx: &mut Tx, id: &ConnectorId, number: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(REMOVE).bind(id.as_str()).bind(number).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets all numbers, of which there are at most [`UNROUTED_MAX`].
pub async fn clear(tx: &mut Tx, id: &ConnectorId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(CLEAR).bind(id.as_str()).execute(c).await?.rows_affected());
    Ok(())
}
