//! Open calls, and the keys of those that ended.

use rusqlite::Connection;

use crate::store::error::StoreResult;

/// Keys that are kept of calls that ended: as many as the state machine remembers.
const FINISHED_MAX: i64 = 5_000;

pub(super) fn save(connection: &Connection, open: &[(String, String)], ended: &[String]) -> StoreResult<()> {
    let set =
        "INSERT INTO open_calls (key, state) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET state = excluded.state";
    for (key, state) in open {
        connection.prepare_cached(set)?.execute([key, state])?;
    }
    for key in ended {
        connection.prepare_cached("DELETE FROM open_calls WHERE key = ?1")?.execute([key])?;
        connection.prepare_cached("INSERT INTO finished (key) VALUES (?1)")?.execute([key])?;
    }
    if !ended.is_empty() {
        let trim = "DELETE FROM finished WHERE number <= (SELECT MAX(number) FROM finished) - ?1";
        connection.prepare_cached(trim)?.execute([FINISHED_MAX])?;
    }
    Ok(())
}

pub(super) fn open(connection: &Connection) -> StoreResult<Vec<String>> {
    texts(connection, "SELECT state FROM open_calls ORDER BY key")
}

pub(super) fn finished(connection: &Connection) -> StoreResult<Vec<String>> {
    texts(connection, "SELECT key FROM finished ORDER BY number")
}

fn texts(connection: &Connection, select: &str) -> StoreResult<Vec<String>> {
    let mut statement = connection.prepare(select)?;
    let found = statement.query_map([], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
