//! Events that wait, and events that were refused.

use domain::UnixMs;
use rusqlite::{Connection, Row, params};

use super::{NewEvent, Urgency, limit::Counts};
use crate::store::error::StoreResult;

/// Refused events that are kept.
const REFUSED_MAX: i64 = 1_000;

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpooledEvent {
    /// Its place in the spool.
    pub number: i64,
    /// Its ID.
    pub id: String,
    /// Its call.
    pub call_id: String,
    /// What to post.
    pub body: String,
    /// When it was spooled, in Unix milliseconds.
    pub spooled_ms: i64,
}

/// An event that Offhook will never accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its ID.
    pub id: String,
    /// What Offhook responded.
    pub reason: String,
}

/// Adds events; returns how many were new, and their size.
pub(super) fn insert(connection: &Connection, events: &[NewEvent], now: UnixMs) -> StoreResult<Counts> {
    let add = "INSERT INTO events (id, call_id, is_end, body, bytes, spooled_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (id) DO NOTHING";
    let mut added = Counts::default();
    let mut statement = connection.prepare_cached(add)?;
    for event in events {
        let bytes = i64::try_from(event.id.len() + event.call_id.len() + event.body.len()).unwrap_or(i64::MAX);
        let is_end = event.urgency == Urgency::End;
        if statement.execute(params![event.id, event.call_id, is_end, event.body, bytes, now.0])? > 0 {
            added.add(Counts::of(&[bytes]));
        }
    }
    Ok(added)
}

pub(super) fn next(connection: &Connection, limit: u32) -> StoreResult<Vec<SpooledEvent>> {
    let select = "SELECT number, id, call_id, body, spooled_at FROM events AS event
        WHERE NOT EXISTS (SELECT 1 FROM events AS earlier
            WHERE earlier.call_id = event.call_id AND earlier.number < event.number)
        ORDER BY number LIMIT ?1";
    let mut statement = connection.prepare_cached(select)?;
    let found = statement.query_map([limit], spooled)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn spooled(row: &Row<'_>) -> rusqlite::Result<SpooledEvent> {
    Ok(SpooledEvent {
        number: row.get(0)?,
        id: row.get(1)?,
        call_id: row.get(2)?,
        body: row.get(3)?,
        spooled_ms: row.get(4)?,
    })
}

/// Removes events; returns how many there were, and their size.
pub(super) fn remove(connection: &Connection, numbers: &[i64]) -> StoreResult<Counts> {
    let mut removed = Counts::default();
    let mut statement = connection.prepare_cached("DELETE FROM events WHERE number = ?1 RETURNING bytes")?;
    for number in numbers {
        let sizes = statement.query_map([number], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
        removed.add(Counts::of(&sizes));
    }
    Ok(removed)
}

pub(super) fn record_refusal(
    connection: &Connection,
    event: &SpooledEvent,
    reason: &str,
    now: UnixMs,
) -> StoreResult<()> {
    let add = "INSERT INTO refused (id, reason, refused_at, body) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(add)?.execute(params![event.id, reason, now.0, event.body])?;
    let trim = "DELETE FROM refused WHERE number <= (SELECT MAX(number) FROM refused) - ?1";
    connection.prepare_cached(trim)?.execute([REFUSED_MAX])?;
    Ok(())
}

pub(super) fn refusals(connection: &Connection) -> StoreResult<Vec<Refused>> {
    let mut statement = connection.prepare_cached("SELECT id, reason FROM refused ORDER BY number")?;
    let found = statement.query_map([], |row| Ok(Refused { id: row.get(0)?, reason: row.get(1)? }))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
