//! What only Postgres needs: its pool, and word between nodes. Commits are durable by its default,
//! `synchronous_commit = on` (G1).

use std::{sync::Arc, time::Duration};

use sqlx::postgres::{PgListener, PgPoolOptions};

use super::{
    db::{Db, Dialect, Pool},
    error::StoreResult,
};

/// The channel on which nodes talk.
const CHANNEL: &str = "offhook";
/// Connections of one node that read.
const READERS: u32 = 12;
/// Connections of one node that write. Few, so that each has the plans and pages of the two that write all the time at
/// hand; and their own, so that a read inside a transaction never waits for a connection that waits for it.
const WRITERS: u32 = 4;
/// How long an operation waits for a free connection before it answers that the database is away.
const ACQUIRE_TIMEOUT_MS: u64 = 5_000;

/// Connects.
pub(super) async fn connect(url: &str) -> StoreResult<Db> {
    let pool = |connections| {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS))
            .after_connect(|connection, _| {
                Box::pin(async move {
                    sqlx::query("SET synchronous_commit = on").execute(connection).await?;
                    Ok(())
                })
            })
            .connect(url)
    };
    let (readers, writer) = (pool(READERS).await?, pool(WRITERS).await?);
    let (readers, writer) = (Pool::Postgres(readers), Pool::Postgres(writer));
    Ok(Db { readers, writer, dialect: Dialect::Postgres, commits: Arc::default() })
}

/// Tells all nodes; nothing happens on SQLite, where there is one.
pub(crate) async fn notify(db: &Db, text: &str) -> StoreResult<()> {
    if let Pool::Postgres(pool) = &db.writer {
        sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text).execute(pool).await?;
    }
    Ok(())
}

/// A connection that hears what nodes tell.
pub(crate) type ClusterListener = PgListener;

/// Begins to hear what nodes tell; none on SQLite.
pub(crate) async fn listener(db: &Db) -> StoreResult<Option<ClusterListener>> {
    let Pool::Postgres(pool) = &db.writer else { return Ok(None) };
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(Some(listener))
}
