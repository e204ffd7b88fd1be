//! Checkpoints SQLite's write-ahead log on a connection of its own.
//!
//! By default SQLite checkpoints inside the commit that makes the log too long, so every caller of that commit waits for
//! some thousand pages to be written. This connection does it instead, shortly after a commit (`wal_checkpoint(PASSIVE)`
//! blocks neither writer nor readers). An idle server runs no checkpoints.
//!
//! The log restarts from its beginning only when all of it is checkpointed and no reader or writer is active. Under
//! constant load that may never happen, so the writer keeps a limit of its own ([`super::LOG_PAGES_MAX`]). By then most
//! of the log is checkpointed, and little is left for the writer to do.

use std::{pin::pin, sync::Arc};

use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::Notify;

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

/// The connection that runs checkpoints.
pub(crate) struct Checkpoints {
    connection: SqliteConnection,
    writer: SqlitePool,
    commits: Arc<Notify>,
}

impl Checkpoints {
    /// Opens the connection. `None` on PostgreSQL, which runs its own checkpoints.
    pub(crate) async fn of(db: &Db) -> StoreResult<Option<Self>> {
        let Pool::Sqlite(writer) = &db.writer else { return Ok(None) };
        let connection = SqliteConnection::connect_with(&writer.connect_options()).await?;
        Ok(Some(Self { connection, writer: writer.clone(), commits: db.commits.clone() }))
    }

    /// Runs until the database is closed.
    pub(crate) async fn run(mut self) {
        let mut closed = pin!(self.writer.close_event());
        loop {
            tokio::select! {
                () = &mut closed => break,
                () = self.commits.notified() => sleep_ms(DELAY_MS).await,
            }
            for _ in 0..ROUNDS {
                if let Err(error) = sqlx::query(CHECKPOINT).execute(&mut self.connection).await {
                    // The log keeps growing but loses nothing.
                    tracing::warn!(%error, "WAL checkpoint failed; retrying after the next commit");
                }
            }
        }
        let _ = self.connection.close().await;
    }
}
