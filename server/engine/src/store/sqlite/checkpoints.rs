//! Checkpoints SQLite's write-ahead log on a connection of its own.
//!
//! By default SQLite checkpoints inside the commit that makes the log too long, so every caller of that commit waits for
//! some thousand pages to be written. This connection does it instead, shortly after a commit (`wal_checkpoint(PASSIVE)`
//! blocks neither writer nor readers). An idle server runs no checkpoints.
//!
//! The log restarts from its beginning only when all of it is checkpointed and no reader or writer is active. Under
//! constant load that may never happen, so the writer keeps a limit of its own ([`LOG_PAGES_MAX`](crate::store::direct::LOG_PAGES_MAX)). By then most
//! of the log is checkpointed, and little is left for the writer to do.

use std::pin::pin;

use sqlx::{Connection as _, SqliteConnection, SqlitePool};

use crate::{
    clock::sleep_ms,
    store::{
        db::{Db, Pool},
        error::StoreResult,
    },
};

/// Delay between a commit and the checkpoint.
const DELAY_MS: u64 = 200;
/// Checkpoints in a row. More is written during the first one; the second is quick and often catches up.
const ROUNDS: u32 = 2;
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Runs checkpoints until the database is closed. Does nothing on PostgreSQL, which runs its own.
pub(crate) async fn run(db: Db) {
    let Pool::Sqlite(writer) = &db.writer else { return };
    let (mut closed, mut connection) = (pin!(writer.close_event()), None);
    loop {
        tokio::select! {
            () = &mut closed => break,
            () = db.commits.notified() => sleep_ms(DELAY_MS).await,
        }
        if let Err(error) = checkpoint(writer, &mut connection).await {
            // The log keeps growing but loses nothing.
            tracing::warn!(%error, "WAL checkpoint failed; retrying after the next commit");
        }
    }
    if let Some(connection) = connection {
        let _ = connection.close().await;
    }
}

async fn checkpoint(writer: &SqlitePool, connection: &mut Option<SqliteConnection>) -> StoreResult<()> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(SqliteConnection::connect_with(&writer.connect_options()).await?),
    };
    for _ in 0..ROUNDS {
        sqlx::query(CHECKPOINT).execute(&mut *connection).await?;
    }
    Ok(())
}
