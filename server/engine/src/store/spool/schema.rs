//! The tables of the file, and facts under a name.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::SpoolError;
use crate::store::error::StoreResult;

/// The format of this version.
const FORMAT: i64 = 1;
const TABLES: [&str; 7] = [
    "CREATE TABLE IF NOT EXISTS events (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        call_id TEXT NOT NULL,
        is_end INTEGER NOT NULL,
        body TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        spooled_at INTEGER NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS events_of_call ON events (call_id, number)",
    "CREATE INDEX IF NOT EXISTS events_by_urgency ON events (is_end, number)",
    "CREATE TABLE IF NOT EXISTS open_calls (key TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS finished (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS gaps (
        began_at INTEGER PRIMARY KEY,
        ended_at INTEGER,
        reason TEXT NOT NULL,
        calls_closed INTEGER NOT NULL,
        filled INTEGER NOT NULL,
        incomplete INTEGER NOT NULL,
        is_reported INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS refused (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        reason TEXT NOT NULL,
        refused_at INTEGER NOT NULL,
        body TEXT NOT NULL) STRICT",
];
const FACTS: &str =
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID";

/// Creates what is missing.
///
/// # Errors
/// `OtherVersion` for a file of another format.
pub(super) fn prepare(connection: &Connection) -> Result<(), SpoolError> {
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(store)?;
    if !matches!(format, 0 | FORMAT) {
        return Err(SpoolError::OtherVersion(format));
    }
    for statement in TABLES.into_iter().chain([FACTS]) {
        connection.execute(statement, []).map_err(store)?;
    }
    connection.pragma_update(None, "user_version", FORMAT).map_err(store)
}

fn store(error: rusqlite::Error) -> SpoolError {
    SpoolError::Store(error.into())
}

pub(super) fn set_facts(connection: &Connection, facts: &[(&'static str, String)]) -> StoreResult<()> {
    let set = "INSERT INTO facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    for (name, value) in facts {
        connection.prepare_cached(set)?.execute(params![name, value])?;
    }
    Ok(())
}

pub(super) fn fact(connection: &Connection, name: &str) -> StoreResult<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT value FROM facts WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}
