//! Gaps of connectors.

use domain::{
    UnixMs,
    connector::{GAPS_MAX, Gap, GapReason},
    id::ConnectorId,
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

const SET: &str = "INSERT INTO connector_gaps (connector_id, from_ms, to_ms, reason, calls_closed, filled, incomplete) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (connector_id, from_ms) DO UPDATE SET to_ms = excluded.to_ms, \
    reason = excluded.reason, calls_closed = excluded.calls_closed, filled = excluded.filled, \
    incomplete = excluded.incomplete";
const EXISTS: &str = "SELECT COUNT(*) FROM connector_gaps WHERE connector_id = $1 AND from_ms = $2";
const TRIM: &str = "DELETE FROM connector_gaps WHERE connector_id = $1 AND from_ms NOT IN \
    (SELECT from_ms FROM connector_gaps WHERE connector_id = $1 ORDER BY from_ms DESC LIMIT $2)";
const LIST: &str = "SELECT from_ms, to_ms, reason, calls_closed, filled, incomplete FROM connector_gaps \
    WHERE connector_id = $1 AND from_ms < $2 ORDER BY from_ms DESC LIMIT $3";
const CLEAR: &str = "DELETE FROM connector_gaps WHERE connector_id = $1";

/// Adds a gap, or replaces the one that began at the same time. True if it is new. The oldest beyond [`GAPS_MAX`] are deleted.
pub async fn set(tx: &mut Tx, id: &ConnectorId, gap: &Gap) -> StoreResult<bool> {
    let before: i64 = within!(&mut *tx, c => sqlx::query_scalar(EXISTS)
        .bind(id.as_str()).bind(gap.from.0).fetch_one(c).await?);
    within!(&mut *tx, c => sqlx::query(SET)
        .bind(id.as_str()).bind(gap.from.0).bind(gap.to.map(|at| at.0)).bind(gap.reason.as_str())
        .bind(i64::from(gap.calls_closed)).bind(i64::from(gap.filled)).bind(i64::from(gap.incomplete))
        .execute(c).await?.rows_affected());
    if before == 0 {
        within!(tx, c => sqlx::query(TRIM)
            .bind(id.as_str()).bind(i64::from(GAPS_MAX)).execute(c).await?.rows_affected());
    }
    Ok(before == 0)
}

/// Gaps that began before `before`, newest first.
pub async fn list(db: &Db, id: &ConnectorId, before: i64, limit: u32) -> StoreResult<Vec<Gap>> {
    type Row = (i64, Option<i64>, String, i64, i64, i64);
    let rows: Vec<Row> = on!(&db.readers, c => sqlx::query_as(LIST)
        .bind(id.as_str()).bind(before).bind(i64::from(limit)).fetch_all(c).await?);
    let small = |n: i64| u32::try_from(n).unwrap_or_default();
    let gap = |(from, to, reason, calls_closed, filled, incomplete): Row| {
        let corrupt = || StoreError::Corrupt { table: "connector_gaps", column: "reason", row: id.to_string() };
        Ok(Gap {
            from: UnixMs(from),
            to: to.map(UnixMs),
            reason: GapReason::parse(&reason).ok_or_else(corrupt)?,
            calls_closed: small(calls_closed),
            filled: small(filled),
            incomplete: small(incomplete),
        })
    };
    rows.into_iter().map(gap).collect()
}

/// Deletes a connector's gaps, of which there are at most [`GAPS_MAX`].
pub async fn clear(tx: &mut Tx, id: &ConnectorId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(CLEAR).bind(id.as_str()).execute(c).await?.rows_affected());
    Ok(())
}
