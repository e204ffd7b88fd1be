//! Open calls, and the keys of those that ended.

use sqlx::SqliteConnection;

use crate::store::error::StoreResult;

/// Keys that are kept of calls that ended: as many as the state machine remembers.
const FINISHED_MAX: i64 = 5_000;

pub(super) async fn save(
    connection: &mut SqliteConnection,
    open: &[(String, String)],
    ended: &[String],
) -> StoreResult<()> {
    let set =
        "INSERT INTO open_calls (key, state) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET state = excluded.state";
    for (key, state) in open {
        sqlx::query(set).bind(key).bind(state).execute(&mut *connection).await?;
    }
    for key in ended {
        sqlx::query("DELETE FROM open_calls WHERE key = $1").bind(key).execute(&mut *connection).await?;
        sqlx::query("INSERT INTO finished (key) VALUES ($1)").bind(key).execute(&mut *connection).await?;
    }
    if !ended.is_empty() {
        let trim = "DELETE FROM finished WHERE number <= (SELECT MAX(number) FROM finished) - $1";
        sqlx::query(trim).bind(FINISHED_MAX).execute(connection).await?;
    }
    Ok(())
}

pub(super) async fn open(connection: &mut SqliteConnection) -> StoreResult<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT state FROM open_calls ORDER BY key").fetch_all(connection).await?)
}

pub(super) async fn finished(connection: &mut SqliteConnection) -> StoreResult<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT key FROM finished ORDER BY number").fetch_all(connection).await?)
}
