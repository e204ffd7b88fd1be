//! Transactions that call SQLite on the thread of the caller.
//!
//! The driver of all other transactions has a thread of its own for SQLite, so each statement costs two switches between
//! threads. The hot path has about a dozen statements in each transaction; here they cost a function call each. It is a
//! second connection to the same file: whoever writes has the turn ([`Db::begin`](crate::store::db::Db::begin)).

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{CachedStatement, Connection, OpenFlags};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{Notify, OwnedSemaphorePermit};

use crate::store::{
    columns::{Layout, not_padding},
    error::{StoreResult, encode_error},
    row_values::{Param, PutCells, put_row},
};

/// Prepared statements cached per connection. A bulk statement has one text for each power of two of rows.
pub(super) const STATEMENT_CACHE: usize = 512;
/// How long a statement waits for another process's lock before it fails.
pub(super) const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Pages of the write-ahead log, 4 KiB each, above which whoever writes runs a checkpoint. Below that it is left to
/// [`checkpoints`](crate::store::sqlite::checkpoints).
pub(super) const LOG_PAGES_MAX: u32 = 16_000;
/// Pages that the connection keeps in memory, in KiB: as many as SQLite does by default. Each commit of another connection
/// empties them, and memory under attack is limited.
const CACHE_KIB: i64 = 2 * 1_024;

/// The connection, opened when it is needed first.
pub(crate) struct Direct {
    path: PathBuf,
    /// Notified of each commit.
    commits: Arc<Notify>,
    connection: Mutex<Option<Connection>>,
}

impl Direct {
    pub(super) const fn new(path: PathBuf, commits: Arc<Notify>) -> Self {
        Self { path, commits, connection: Mutex::new(None) }
    }

    fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes settings of the connection, which no transaction may be using.
    pub(in crate::store) fn set<T>(&self, set: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut kept = self.connection();
        let connection = match kept.take() {
            Some(connection) => connection,
            None => self.open()?,
        };
        set(kept.insert(connection))
    }

    /// Closes the connection, if it is open.
    pub(crate) fn close(&self) {
        *self.connection() = None;
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        connection.pragma_update(None, "foreign_keys", false)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        // As the other connection that writes: a commit is on disk before it is acknowledged.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        Ok(connection)
    }
}

/// A statement with what is bound to it.
pub(in crate::store) struct Bound<'a, T> {
    pub(in crate::store) sql: &'static str,
    pub(in crate::store) layout: &'a Layout,
    pub(in crate::store) rows: &'a [T],
    /// How many rows the text has room for; missing ones stay null.
    pub(in crate::store) size: usize,
    pub(in crate::store) params: &'a [Param<'a>],
}

/// A transaction. Rolled back if dropped without [`DirectTx::commit`].
pub struct DirectTx {
    /// None once it is given back.
    connection: Option<Connection>,
    home: Arc<Direct>,
    _turn: OwnedSemaphorePermit,
}

impl DirectTx {
    /// Begins a transaction that may write.
    pub(in crate::store) fn begin(home: &Arc<Direct>, turn: OwnedSemaphorePermit) -> StoreResult<Self> {
        let kept = home.connection().take();
        let connection = kept.map_or_else(|| home.open(), Ok)?;
        let tx = Self { connection: Some(connection), home: Arc::clone(home), _turn: turn };
        tx.prepared("BEGIN IMMEDIATE")?.raw_execute()?;
        Ok(tx)
    }

    /// Commits.
    ///
    /// # Errors
    /// When the database fails; then nothing has been written.
    pub(in crate::store) fn commit(self) -> StoreResult<()> {
        self.prepared("COMMIT")?.raw_execute()?;
        self.home.commits.notify_one();
        Ok(())
    }

    fn prepared(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        // Given back only when it is dropped.
        self.connection.as_ref().ok_or(rusqlite::Error::InvalidQuery)?.prepare_cached(sql)
    }

    fn bind<T: Serialize>(&self, bound: &Bound<'_, T>) -> StoreResult<CachedStatement<'_>> {
        let Bound { sql, layout, rows, size, params } = bound;
        let mut cells = BindCells { statement: self.prepared(sql)?, first: layout.before + 1 };
        for row in *rows {
            put_row(&layout.specs, row, &mut cells).map_err(encode_error)?;
            cells.first += layout.specs.len();
        }
        let (mut statement, width) = (cells.statement, size * layout.specs.len());
        for (at, number) in layout.params.iter().enumerate() {
            let index = 1 + if at < layout.before { at } else { at + width };
            bind(&mut statement, index, params[number - 1])?;
        }
        Ok(statement)
    }

    /// Executes a statement. Returns the number of rows affected.
    pub(in crate::store) fn execute<T: Serialize>(&self, bound: Bound<'_, T>) -> StoreResult<u64> {
        Ok(self.bind(&bound)?.raw_execute()? as u64)
    }

    /// Adds what a statement returns.
    pub(in crate::store) fn fetch<T: Serialize, O: DeserializeOwned>(
        &self,
        bound: Bound<'_, T>,
        found: &mut Vec<O>,
    ) -> StoreResult<()> {
        let mut statement = self.bind(&bound)?;
        let columns = serde_rusqlite::columns_from_statement(&statement);
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            found.push(serde_rusqlite::from_row_with_columns(row, &columns)?);
        }
        Ok(())
    }
}

impl Drop for DirectTx {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // SQLite may have rolled back on its own. A connection that cannot is closed, which rolls back as well.
        if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
            *self.home.connection() = Some(connection);
        }
    }
}

struct BindCells<'a> {
    statement: CachedStatement<'a>,
    /// The parameter of the current row's first column.
    first: usize,
}

impl PutCells for BindCells<'_> {
    fn put(&mut self, column: usize, value: Param<'_>) -> Result<(), serde_json::Error> {
        not_padding(column, value)?;
        bind(&mut self.statement, self.first + column, value).map_err(serde::ser::Error::custom)
    }
}

fn bind(statement: &mut CachedStatement<'_>, index: usize, value: Param<'_>) -> rusqlite::Result<()> {
    match value {
        Param::Null | Param::NoNumber => statement.raw_bind_parameter(index, rusqlite::types::Null),
        Param::Text(text) => statement.raw_bind_parameter(index, text),
        Param::Number(number) => statement.raw_bind_parameter(index, number),
    }
}
