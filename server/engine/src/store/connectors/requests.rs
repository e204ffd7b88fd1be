//! The latest requests to HTTP connectors, which arrive sealed.

use domain::{
    UnixMs,
    connector::{REQUESTS_KEPT, REQUESTS_KEPT_MS},
    id::ConnectorId,
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
};

const ADD: &str =
    "INSERT INTO connector_requests (id, connector_id, received_ms, request_sealed) VALUES ($1, $2, $3, $4)";
const TRIM: &str = "DELETE FROM connector_requests WHERE connector_id = $1 AND (received_ms < $2 OR id NOT IN \
    (SELECT id FROM connector_requests WHERE connector_id = $1 ORDER BY id DESC LIMIT $3))";
const LIST: &str = "SELECT id, request_sealed FROM connector_requests WHERE connector_id = $1 AND received_ms >= $2 \
    ORDER BY id DESC LIMIT $3";
const PURGE: &str = "DELETE FROM connector_requests WHERE id IN \
    (SELECT id FROM connector_requests WHERE received_ms < $1 ORDER BY id LIMIT $2)";
const CLEAR: &str = "DELETE FROM connector_requests WHERE connector_id = $1";

/// The time before which requests are not kept.
const fn oldest(now: UnixMs) -> UnixMs {
    now.plus_ms(-REQUESTS_KEPT_MS)
}

/// Stores a request, and deletes those beyond [`REQUESTS_KEPT`] and before [`REQUESTS_KEPT_MS`].
pub async fn add(tx: &mut Tx, connector: &ConnectorId, id: &str, sealed: &str, now: UnixMs) -> StoreResult<()> {
    within!(&mut *tx, c => sqlx::query(ADD)
        .bind(id).bind(connector.as_str()).bind(now.0).bind(sealed).execute(c).await?.rows_affected());
    within!(tx, c => sqlx::query(TRIM)
        .bind(connector.as_str()).bind(oldest(now).0).bind(i64::from(REQUESTS_KEPT)).execute(c).await?.rows_affected());
    Ok(())
}

/// The requests with their ids, newest first, still sealed.
pub async fn list(db: &Db, connector: &ConnectorId, now: UnixMs) -> StoreResult<Vec<(String, String)>> {
    Ok(on!(&db.readers, c => sqlx::query_as(LIST)
        .bind(connector.as_str()).bind(oldest(now).0).bind(i64::from(REQUESTS_KEPT)).fetch_all(c).await?))
}

/// Deletes up to `limit` requests that are past their time. Returns how many.
pub async fn purge(tx: &mut Tx, now: UnixMs, limit: u32) -> StoreResult<u64> {
    Ok(within!(tx, c => sqlx::query(PURGE)
        .bind(oldest(now).0).bind(i64::from(limit)).execute(c).await?.rows_affected()))
}

/// Deletes a connector's requests.
pub async fn clear(tx: &mut Tx, connector: &ConnectorId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(CLEAR).bind(connector.as_str()).execute(c).await?.rows_affected());
    Ok(())
}
