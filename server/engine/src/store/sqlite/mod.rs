//! What only SQLite needs: its file, its pragmas, and the lock that keeps a second server away.

pub(crate) mod checkpoints;
pub(crate) mod copies;

use std::{
    fs::File,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Connection as _,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::Notify;

use crate::store::{
    db::{Db, Dialect, Pool},
    error::StoreResult,
};

/// Rows that a statement may be ahead of whoever reads them: those of a whole group commit, so that the two threads do not
/// take turns over each few of them.
const ROWS_AHEAD: usize = 1_024;
/// Statements that a connection keeps ready. Those with rows have a text for each power of two of them.
const STATEMENTS: usize = 512;
/// Connections that read beside the one that writes.
const READERS: u32 = 4;
/// How long a statement waits for a lock of another process before it fails.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Pages of the write-ahead log, 4 KiB each, from which on the writer itself folds what is left of it into the file. Before
/// that it is the work of [`checkpoints`].
const LOG_PAGES_MAX: &str = "16000";

/// Opens the file, making it where it is missing.
pub(super) async fn connect(url: &str) -> StoreResult<Db> {
    let common = SqliteConnectOptions::from_str(url)?
        .busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))
        .foreign_keys(false)
        .row_buffer_size(ROWS_AHEAD)
        .statement_cache_capacity(STATEMENTS)
        .pragma("temp_store", "memory");
    let writes = common
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit is on the disk before it is answered (G1); WAL alone would lose the latest on power loss.
        .synchronous(SqliteSynchronous::Full)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .pragma("wal_autocheckpoint", LOG_PAGES_MAX);
    if let Some(file) = file(url) {
        // Its owner's alone from the first byte. Mostly it is there; where it cannot be made, connecting says why.
        let _ = copies::create(&file);
    }
    let commits = Arc::new(Notify::new());
    let told = commits.clone();
    let writer = pool(1)
        // After some failures, a full disk among them, SQLite rolls back by itself. The driver does not see that, and no
        // transaction would ever begin on that connection again.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .after_connect(move |connection, _| {
            let told = told.clone();
            Box::pin(async move {
                let tell = move || {
                    told.notify_one();
                    true
                };
                connection.lock_handle().await?.set_commit_hook(tell);
                Ok(())
            })
        })
        .connect_with(writes)
        .await?;
    // Readers set nothing about the file: that would wait for the writer, who may be in a transaction.
    let readers = pool(READERS).connect_lazy_with(common.read_only(true));
    Ok(Db { readers: Pool::Sqlite(readers), writer: Pool::Sqlite(writer), dialect: Dialect::Sqlite, commits })
}

/// A connection to a file does not go away while it is idle, so none is tried before it is used.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).test_before_acquire(false)
}

/// The file of a SQLite URL; none for memory and for Postgres.
#[must_use]
pub fn file(url: &str) -> Option<PathBuf> {
    if !url.starts_with("sqlite:") || [":memory:", "mode=memory"].iter().any(|memory| url.contains(memory)) {
        return None;
    }
    Some(SqliteConnectOptions::from_str(url).ok()?.get_filename().to_owned())
}

/// A file that belongs to a database and lies beside it: its own name with this at the end.
pub(crate) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Takes the lock that only one sending server may hold on a SQLite file; it is free again when the process ends,
/// however it ends.
///
/// # Errors
/// `WouldBlock` when another server has it; other I/O errors of the lock file.
pub(crate) fn lock(url: &str) -> std::io::Result<Option<File>> {
    let Some(path) = file(url) else { return Ok(None) };
    let file = File::options().create(true).truncate(false).write(true).open(beside(&path, ".lock"))?;
    file.try_lock()?;
    Ok(Some(file))
}
