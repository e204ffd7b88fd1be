//! PostgreSQL only: its pools, and messages between nodes. Commits are durable: `synchronous_commit = on` (G1).

use std::{sync::Arc, time::Duration};

use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::store::{
    db::{Db, Dialect, Pool},
    error::StoreResult,
};

/// The channel for messages between nodes.
const CHANNEL: &str = "offhook";
/// Read connections per node.
const READERS: u32 = 12;
/// Write connections per node. Few, so that each keeps the plans and pages of the busy writers cached; and a pool of
/// their own, so that a read inside a transaction never waits for a connection that waits for that transaction.
const WRITERS: u32 = 4;
/// How long an operation waits for a free connection before it reports the database as unavailable.
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
    Ok(Db { readers, writer, dialect: Dialect::Postgres, commits: Arc::default(), file: None })
}

/// Sends a message to all nodes. Does nothing on SQLite, which has one node.
pub(crate) async fn notify(db: &Db, text: &str) -> StoreResult<()> {
    if let Pool::Postgres(pool) = &db.writer {
        sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text).execute(pool).await?;
    }
    Ok(())
}

/// A connection that receives messages from other nodes.
pub(crate) type ClusterListener = PgListener;

/// Starts to listen for messages. `None` on SQLite.
pub(crate) async fn listener(db: &Db) -> StoreResult<Option<ClusterListener>> {
    let Pool::Postgres(pool) = &db.writer else { return Ok(None) };
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(Some(listener))
}
