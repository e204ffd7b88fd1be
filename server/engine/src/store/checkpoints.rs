//! Folds SQLite's write-ahead log into the file, beside the writer.
//!
//! Left alone SQLite does this inside the commit that makes the log too long, and everybody who waits for that commit waits
//! for some thousand pages to be written. Here a connection of its own does it (`wal_checkpoint(PASSIVE)` holds up neither
//! writer nor readers), soon after something was committed and never without: an idle server folds once and is still.
//!
//! The log starts from its beginning only when all of it is folded and nobody writes or reads meanwhile. Under a load without
//! a gap that moment may never come by itself, so the writer keeps a limit of its own ([`super::sqlite::LOG_PAGES_MAX`]); by
//! then most is folded, and little is left for it to do.

use std::{pin::pin, sync::Arc};

use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::Notify;

use crate::clock::sleep_ms;

use super::{
    db::{Db, Pool},
    error::StoreResult,
};

/// From the first commit until what has gathered is folded.
const GATHER_MS: u64 = 200;
/// Times in a row. The first takes a while, in which more is written; the next finds little, and so often all of it.
const ROUNDS: u32 = 2;
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Who folds.
pub(crate) struct Checkpoints {
    connection: SqliteConnection,
    writer: SqlitePool,
    commits: Arc<Notify>,
}

impl Checkpoints {
    /// Opens the connection; none on Postgres, which does this by itself.
    pub(crate) async fn of(db: &Db) -> StoreResult<Option<Self>> {
        let Pool::Sqlite(writer) = &db.writer else { return Ok(None) };
        let connection = SqliteConnection::connect_with(&writer.connect_options()).await?;
        Ok(Some(Self { connection, writer: writer.clone(), commits: db.commits.clone() }))
    }

    /// Folds until the database is closed.
    pub(crate) async fn run(mut self) {
        let mut closed = pin!(self.writer.close_event());
        loop {
            tokio::select! {
                () = &mut closed => break,
                () = self.commits.notified() => sleep_ms(GATHER_MS).await,
            }
            for _ in 0..ROUNDS {
                if let Err(error) = sqlx::query(CHECKPOINT).execute(&mut self.connection).await {
                    // The log grows meanwhile and loses nothing.
                    tracing::warn!(%error, "the write-ahead log could not be folded; trying again after the next commit");
                }
            }
        }
        let _ = self.connection.close().await;
    }
}
