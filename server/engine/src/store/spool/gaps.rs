//! The ledger of gaps: what the connector may have missed, and what became of it.

use domain::{
    UnixMs,
    connector::{GAPS_MAX, Gap, GapReason},
};
use sqlx::SqliteConnection;

use crate::store::error::{StoreError, StoreResult};

#[derive(sqlx_macros::FromRow)]
struct GapRow {
    began_at: i64,
    ended_at: Option<i64>,
    reason: String,
    calls_closed: u32,
    filled: u32,
    incomplete: u32,
}

impl TryFrom<GapRow> for Gap {
    type Error = StoreError;

    fn try_from(row: GapRow) -> StoreResult<Self> {
        let corrupt = || StoreError::Corrupt { table: "gaps", column: "reason", row: row.began_at.to_string() };
        Ok(Self {
            from: UnixMs(row.began_at),
            to: row.ended_at.map(UnixMs),
            reason: GapReason::parse(&row.reason).ok_or_else(corrupt)?,
            calls_closed: row.calls_closed,
            filled: row.filled,
            incomplete: row.incomplete,
        })
    }
}

pub(super) async fn add(connection: &mut SqliteConnection, gaps: &[Gap]) -> StoreResult<()> {
    // Two gaps cannot begin in one millisecond; a gap that is written again has grown.
    let set = "INSERT INTO gaps (began_at, ended_at, reason, calls_closed, filled, incomplete, is_reported)
        VALUES ($1, $2, $3, $4, $5, $6, 0)
        ON CONFLICT (began_at) DO UPDATE SET ended_at = excluded.ended_at,
            reason = excluded.reason, calls_closed = excluded.calls_closed,
            filled = excluded.filled, incomplete = excluded.incomplete, is_reported = 0";
    for gap in gaps {
        let query = sqlx::query(set).bind(gap.from.0).bind(gap.to.map(|to| to.0)).bind(gap.reason.as_str());
        let query = query.bind(gap.calls_closed).bind(gap.filled).bind(gap.incomplete);
        query.execute(&mut *connection).await?;
    }
    if !gaps.is_empty() {
        let trim =
            "DELETE FROM gaps WHERE began_at <= (SELECT began_at FROM gaps ORDER BY began_at DESC LIMIT 1 OFFSET $1)";
        sqlx::query(trim).bind(GAPS_MAX).execute(connection).await?;
    }
    Ok(())
}

pub(super) async fn unreported(connection: &mut SqliteConnection) -> StoreResult<Vec<Gap>> {
    let select = "SELECT began_at, ended_at, reason, calls_closed, filled, incomplete FROM gaps
        WHERE is_reported = 0 ORDER BY began_at";
    let rows: Vec<GapRow> = sqlx::query_as(select).fetch_all(connection).await?;
    rows.into_iter().map(Gap::try_from).collect()
}

pub(super) async fn reported(connection: &mut SqliteConnection, gap: &Gap) -> StoreResult<()> {
    let set = "UPDATE gaps SET is_reported = 1 WHERE began_at = $1 AND ended_at IS $2 AND calls_closed = $3";
    let set = sqlx::query(set).bind(gap.from.0).bind(gap.to.map(|to| to.0)).bind(gap.calls_closed);
    set.execute(connection).await?;
    Ok(())
}

async fn full(connection: &mut SqliteConnection) -> StoreResult<Option<Gap>> {
    let select = "SELECT began_at, ended_at, reason, calls_closed, filled, incomplete FROM gaps
        WHERE reason = $1 AND ended_at IS NULL";
    let row: Option<GapRow> =
        sqlx::query_as(select).bind(GapReason::SpoolFull.as_str()).fetch_optional(connection).await?;
    row.map(Gap::try_from).transpose()
}

pub(super) async fn is_full(connection: &mut SqliteConnection) -> StoreResult<bool> {
    Ok(full(connection).await?.is_some())
}

/// Adds dropped events to the gap of a full spool, or begins it.
pub(super) async fn extend_full(
    connection: &mut SqliteConnection,
    now: UnixMs,
    dropped: u32,
    ends: u32,
) -> StoreResult<()> {
    let gap = match full(connection).await? {
        Some(gap) => Gap {
            calls_closed: gap.calls_closed.saturating_add(dropped),
            incomplete: gap.incomplete.saturating_add(ends),
            ..gap
        },
        None => Gap {
            from: now,
            to: None,
            reason: GapReason::SpoolFull,
            calls_closed: dropped,
            filled: 0,
            incomplete: ends,
        },
    };
    add(connection, &[gap]).await
}

pub(super) async fn close_full(connection: &mut SqliteConnection, now: UnixMs) -> StoreResult<()> {
    let set = "UPDATE gaps SET ended_at = MAX($1, began_at), is_reported = 0 WHERE reason = $2 AND ended_at IS NULL";
    sqlx::query(set).bind(now.0).bind(GapReason::SpoolFull.as_str()).execute(connection).await?;
    Ok(())
}
