//! What only Postgres needs: its pool, and word between nodes. Commits are durable by its default,
//! `synchronous_commit = on` (G1).

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};

use super::{
    db::{Db, Dialect, Pool},
    error::StoreResult,
};

/// The channel on which nodes talk.
const CHANNEL: &str = "offhook";
/// Connections of one node.
const CONNECTIONS: u32 = 16;
/// How long an operation waits for a free connection before it answers that the database is away.
const ACQUIRE_TIMEOUT_MS: u64 = 5_000;

/// Connects.
pub(super) async fn connect(url: &str) -> StoreResult<Db> {
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS))
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query("SET synchronous_commit = on").execute(connection).await?;
                Ok(())
            })
        })
        .connect(url)
        .await?;
    Ok(Db { readers: Pool::Postgres(pool.clone()), writer: Pool::Postgres(pool), dialect: Dialect::Postgres })
}

/// Tells all nodes; nothing happens on SQLite, where there is one.
pub(crate) async fn notify(db: &Db, text: &str) -> StoreResult<()> {
    if let Pool::Postgres(pool) = &db.writer {
        sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text).execute(pool).await?;
    }
    Ok(())
}

/// Hears what nodes tell; none on SQLite.
pub(crate) async fn listener(db: &Db) -> StoreResult<Option<PgListener>> {
    let Pool::Postgres(pool) = &db.writer else { return Ok(None) };
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(Some(listener))
}
