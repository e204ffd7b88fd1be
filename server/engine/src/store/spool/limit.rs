//! The size of a spool is limited in rows and bytes. What does not fit is dropped, oldest first and starts of calls before
//! ends, and counted in a gap that lasts until there is room again.

use domain::UnixMs;
use rusqlite::{Connection, params};

use super::gaps;
use crate::store::error::StoreResult;

/// Rows that one statement drops.
const DROP_STEP: u32 = 64;
/// There is room again once a spool is filled to this share, as a divisor of its limits: a gap does not end and begin with
/// every event.
const ROOM_DIVISOR: u64 = 2;

/// How large a spool may grow.
#[derive(Debug, Clone, Copy)]
pub struct SpoolLimits {
    /// Most events.
    pub rows: u64,
    /// Most bytes of events.
    pub bytes: u64,
}

/// A number of events and their size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    rows: i64,
    bytes: i64,
}

impl Counts {
    pub(super) fn of(sizes: &[i64]) -> Self {
        Self { rows: i64::try_from(sizes.len()).unwrap_or(i64::MAX), bytes: sizes.iter().sum() }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
    }

    pub(super) fn subtract(&mut self, other: Self) {
        self.rows -= other.rows;
        self.bytes -= other.bytes;
    }

    pub(super) fn rows(self) -> u64 {
        u64::try_from(self.rows).unwrap_or(0)
    }

    pub(super) fn bytes(self) -> u64 {
        u64::try_from(self.bytes).unwrap_or(0)
    }

    fn exceeds(self, limits: SpoolLimits) -> bool {
        self.rows() > limits.rows || self.bytes() > limits.bytes
    }
}

/// What is in the file.
pub(super) fn count(connection: &Connection) -> StoreResult<Counts> {
    let select = "SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM events";
    Ok(connection.query_row(select, [], |row| Ok(Counts { rows: row.get(0)?, bytes: row.get(1)? }))?)
}

/// Drops what does not fit.
pub(super) fn enforce(
    connection: &Connection,
    counts: &mut Counts,
    limits: SpoolLimits,
    now: UnixMs,
) -> StoreResult<()> {
    let (mut starts, mut ends) = (0, 0);
    while counts.exceeds(limits) {
        let excess = u32::try_from(counts.rows().saturating_sub(limits.rows)).unwrap_or(u32::MAX);
        let step = excess.clamp(1, DROP_STEP);
        let mut dropped = drop_oldest(connection, false, step)?;
        if dropped.rows == 0 {
            dropped = drop_oldest(connection, true, step)?;
            ends += dropped.rows;
        } else {
            starts += dropped.rows;
        }
        if dropped.rows == 0 {
            break;
        }
        counts.subtract(dropped);
    }
    if starts + ends == 0 {
        return Ok(());
    }
    tracing::warn!(
        starts,
        ends,
        "the spool is full: events were dropped, oldest first and starts of calls before ends"
    );
    let count = |rows: i64| u32::try_from(rows).unwrap_or(u32::MAX);
    gaps::extend_full(connection, now, count(starts + ends), count(ends))
}

fn drop_oldest(connection: &Connection, ends: bool, step: u32) -> StoreResult<Counts> {
    let delete =
        "DELETE FROM events WHERE number IN (SELECT number FROM events WHERE is_end = ?1 ORDER BY number LIMIT ?2)
        RETURNING bytes";
    let mut statement = connection.prepare_cached(delete)?;
    let sizes = statement.query_map(params![ends, step], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    Ok(Counts::of(&sizes))
}

/// Ends the gap once there is room.
pub(super) fn close_gap(connection: &Connection, counts: Counts, limits: SpoolLimits, now: UnixMs) -> StoreResult<()> {
    let half = SpoolLimits { rows: limits.rows / ROOM_DIVISOR, bytes: limits.bytes / ROOM_DIVISOR };
    if counts.exceeds(half) { Ok(()) } else { gaps::close_full(connection, now) }
}
