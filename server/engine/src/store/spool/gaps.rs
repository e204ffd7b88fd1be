//! The ledger of gaps: what the connector may have missed, and what became of it.

use domain::{
    UnixMs,
    connector::{GAPS_MAX, Gap, GapReason},
};
use rusqlite::{Connection, Error::InvalidColumnType, OptionalExtension as _, Row, params, types::Type};

use crate::store::error::StoreResult;

fn gap(row: &Row<'_>) -> rusqlite::Result<Gap> {
    let reason: String = row.get(2)?;
    Ok(Gap {
        from: UnixMs(row.get(0)?),
        to: row.get::<_, Option<i64>>(1)?.map(UnixMs),
        reason: GapReason::parse(&reason).ok_or(InvalidColumnType(2, reason, Type::Text))?,
        calls_closed: row.get(3)?,
        filled: row.get(4)?,
        incomplete: row.get(5)?,
    })
}

pub(super) fn add(connection: &Connection, gaps: &[Gap]) -> StoreResult<()> {
    // Two gaps cannot begin in one millisecond; a gap that is written again has grown.
    let set = "INSERT INTO gaps (began_at, ended_at, reason, calls_closed, filled, incomplete, is_reported)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)
        ON CONFLICT (began_at) DO UPDATE SET ended_at = excluded.ended_at,
            reason = excluded.reason, calls_closed = excluded.calls_closed,
            filled = excluded.filled, incomplete = excluded.incomplete, is_reported = 0";
    for gap in gaps {
        let (to, reason) = (gap.to.map(|to| to.0), gap.reason.as_str());
        let counts = (gap.calls_closed, gap.filled, gap.incomplete);
        connection.prepare_cached(set)?.execute(params![gap.from.0, to, reason, counts.0, counts.1, counts.2])?;
    }
    if !gaps.is_empty() {
        let trim =
            "DELETE FROM gaps WHERE began_at <= (SELECT began_at FROM gaps ORDER BY began_at DESC LIMIT 1 OFFSET ?1)";
        connection.prepare_cached(trim)?.execute([GAPS_MAX])?;
    }
    Ok(())
}

pub(super) fn unreported(connection: &Connection) -> StoreResult<Vec<Gap>> {
    let select = "SELECT began_at, ended_at, reason, calls_closed, filled, incomplete FROM gaps
        WHERE is_reported = 0 ORDER BY began_at";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_map([], gap)?.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn reported(connection: &Connection, gap: &Gap) -> StoreResult<()> {
    let set = "UPDATE gaps SET is_reported = 1 WHERE began_at = ?1 AND ended_at IS ?2 AND calls_closed = ?3";
    connection.prepare_cached(set)?.execute(params![gap.from.0, gap.to.map(|to| to.0), gap.calls_closed])?;
    Ok(())
}

fn full(connection: &Connection) -> StoreResult<Option<Gap>> {
    let select = "SELECT began_at, ended_at, reason, calls_closed, filled, incomplete FROM gaps
        WHERE reason = ?1 AND ended_at IS NULL";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_row([GapReason::SpoolFull.as_str()], gap).optional()?)
}

pub(super) fn is_full(connection: &Connection) -> StoreResult<bool> {
    Ok(full(connection)?.is_some())
}

/// Adds dropped events to the gap of a full spool, or begins it.
pub(super) fn extend_full(connection: &Connection, now: UnixMs, dropped: u32, ends: u32) -> StoreResult<()> {
    let gap = match full(connection)? {
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
    add(connection, &[gap])
}

pub(super) fn close_full(connection: &Connection, now: UnixMs) -> StoreResult<()> {
    let set = "UPDATE gaps SET ended_at = MAX(?1, began_at), is_reported = 0 WHERE reason = ?2 AND ended_at IS NULL";
    connection.prepare_cached(set)?.execute(params![now.0, GapReason::SpoolFull.as_str()])?;
    Ok(())
}
