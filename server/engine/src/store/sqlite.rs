//! What only SQLite needs: its file, its pragmas, and the lock that keeps a second server away.

use std::{fs::File, str::FromStr, time::Duration};

use sqlx::{
    Connection as _,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    db::{Db, Dialect, Pool},
    error::StoreResult,
};

/// Connections that read beside the one that writes.
const READERS: u32 = 4;
/// How long a statement waits for a lock of another process before it fails.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Pages of the write-ahead log after which it is folded into the file, 4 KiB each.
const CHECKPOINT_PAGES: &str = "4000";

/// Opens the file, making it where it is missing.
pub(super) async fn connect(url: &str) -> StoreResult<Db> {
    let common = SqliteConnectOptions::from_str(url)?
        .busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))
        .foreign_keys(false)
        .pragma("temp_store", "memory");
    let writes = common
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit is on the disk before it is answered (G1); WAL alone would lose the latest on power loss.
        .synchronous(SqliteSynchronous::Full)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
    let writer = pool(1)
        // After some failures, a full disk among them, SQLite rolls back by itself. The driver does not see that, and no
        // transaction would ever begin on that connection again.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .connect_with(writes)
        .await?;
    // Readers set nothing about the file: that would wait for the writer, who may be in a transaction.
    let readers = pool(READERS).connect_lazy_with(common.read_only(true));
    Ok(Db { readers: Pool::Sqlite(readers), writer: Pool::Sqlite(writer), dialect: Dialect::Sqlite })
}

/// A connection to a file does not go away while it is idle, so none is tried before it is used.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).test_before_acquire(false)
}

/// Writes a consistent copy to a new file. Nobody waits for it: it reads as it was when it began.
pub(crate) async fn copy_to(db: &Db, path: &str) -> StoreResult<()> {
    if let Pool::Sqlite(readers) = &db.readers {
        sqlx::query("VACUUM INTO $1").bind(path).execute(readers).await?;
    }
    Ok(())
}

/// The file of a SQLite URL; none for memory and for Postgres.
fn path(url: &str) -> Option<String> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let path = rest.split('?').next().unwrap_or_default();
    (!path.is_empty() && path != ":memory:").then(|| path.to_owned())
}

/// Takes the lock that only one sending server may hold on a SQLite file; it is free again when the process ends,
/// however it ends.
///
/// # Errors
/// `WouldBlock` when another server has it; other I/O errors of the lock file.
pub(crate) fn lock(url: &str) -> std::io::Result<Option<File>> {
    let Some(path) = path(url) else { return Ok(None) };
    let file = File::options().create(true).truncate(false).write(true).open(format!("{path}.lock"))?;
    file.try_lock()?;
    Ok(Some(file))
}
