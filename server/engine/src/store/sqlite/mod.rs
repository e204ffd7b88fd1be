//! SQLite only: its file, its pragmas, and the lock that prevents a second server.

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
    direct::{BUSY_TIMEOUT_MS, Direct, LOG_PAGES_MAX, STATEMENT_CACHE},
    error::StoreResult,
    open_file::OpenFile,
    turns::Turns,
};

/// Rows that a statement may buffer ahead of its reader: a whole group commit, so the two threads do not alternate.
const ROW_BUFFER: usize = 1_024;
/// Read connections, besides the one that writes.
const READERS: u32 = 4;

/// Opens the file, creating it if it is missing.
pub(super) async fn connect(url: &str) -> StoreResult<Db> {
    let common = SqliteConnectOptions::from_str(url)?
        .busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))
        .foreign_keys(false)
        .row_buffer_size(ROW_BUFFER)
        .statement_cache_capacity(STATEMENT_CACHE)
        .pragma("temp_store", "memory");
    let writes = common
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit is on disk before it is acknowledged (G1); WAL alone could lose the latest on power loss.
        .synchronous(SqliteSynchronous::Full)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .pragma("wal_autocheckpoint", LOG_PAGES_MAX.to_string());
    if let Some(file) = file(url) {
        // Private to its owner from the first byte. Usually it exists; if it cannot be created, connecting reports why.
        let _ = copies::create(&file);
    }
    let commits = Arc::new(Notify::new());
    let hook = commits.clone();
    let writer = pool(1)
        // After some failures, such as a full disk, SQLite rolls back on its own. The driver does not notice, and the
        // connection could never begin a transaction again.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .after_connect(move |connection, _| {
            let commits = hook.clone();
            Box::pin(async move {
                let notify = move || {
                    commits.notify_one();
                    true
                };
                connection.lock_handle().await?.set_commit_hook(notify);
                Ok(())
            })
        })
        .connect_with(writes)
        .await?;
    // Readers set no pragmas of the file: that would wait for the writer, which may be in a transaction.
    let readers = pool(READERS).connect_lazy_with(common.read_only(true));
    let (readers, writer) = (Pool::Sqlite(readers), Pool::Sqlite(writer));
    let opened = |path: PathBuf| OpenFile::new(path.clone(), beside(&path, "-wal"));
    let direct = file(url).map(|path| Arc::new(Direct::new(path, commits.clone())));
    let file = file(url).map(opened).transpose()?.map(Arc::new);
    Ok(Db {
        readers,
        writer,
        dialect: Dialect::Sqlite,
        commits,
        clock: None,
        listen: None,
        file,
        turns: Turns::new(),
        direct,
    })
}

/// Connections to a file never drop while idle, so they are not tested before use, and none is closed for its age: SQLite
/// deletes the write-ahead log with the last one ([`OpenFile`]).
fn pool(connections: u32) -> SqlitePoolOptions {
    let options = SqlitePoolOptions::new().max_connections(connections).test_before_acquire(false);
    options.idle_timeout(None).max_lifetime(None)
}

/// The file of a SQLite URL. `None` for in-memory databases and for PostgreSQL.
#[must_use]
pub fn file(url: &str) -> Option<PathBuf> {
    if !url.starts_with("sqlite:") || [":memory:", "mode=memory"].iter().any(|memory| url.contains(memory)) {
        return None;
    }
    Some(SqliteConnectOptions::from_str(url).ok()?.get_filename().to_owned())
}

/// The path of a database's companion file: its own name with this suffix.
pub(crate) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Takes the lock that only one sending server may hold on a SQLite file. It is released when the process ends,
/// however it ends.
///
/// # Errors
/// `WouldBlock` if another server holds it; other I/O errors of the lock file.
pub(crate) fn lock(url: &str) -> std::io::Result<Option<File>> {
    let Some(path) = file(url) else { return Ok(None) };
    let file = File::options().create(true).truncate(false).write(true).open(beside(&path, ".lock"))?;
    file.try_lock()?;
    Ok(Some(file))
}
