//! The tables of the file, and facts under a name.

use sqlx::SqliteConnection;

use super::SpoolError;
use crate::store::error::StoreResult;

/// The format of this version.
const FORMAT: i64 = 1;
const READ_FORMAT: &str = "PRAGMA user_version";
const SET_FORMAT: &str = "PRAGMA user_version = 1";
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
pub(super) async fn prepare(connection: &mut SqliteConnection) -> Result<(), SpoolError> {
    let format: i64 = sqlx::query_scalar(READ_FORMAT).fetch_one(&mut *connection).await.map_err(store)?;
    if !matches!(format, 0 | FORMAT) {
        return Err(SpoolError::OtherVersion(format));
    }
    for statement in TABLES.into_iter().chain([FACTS, SET_FORMAT]) {
        sqlx::query(statement).execute(&mut *connection).await.map_err(store)?;
    }
    Ok(())
}

fn store(error: sqlx::Error) -> SpoolError {
    SpoolError::Store(error.into())
}

pub(super) async fn set_facts(connection: &mut SqliteConnection, facts: &[(&'static str, String)]) -> StoreResult<()> {
    for (name, value) in facts {
        let set =
            "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(set).bind(name).bind(value).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn fact(connection: &mut SqliteConnection, name: &str) -> StoreResult<Option<String>> {
    let found = sqlx::query_scalar("SELECT value FROM facts WHERE name = $1");
    Ok(found.bind(name).fetch_optional(connection).await?)
}
