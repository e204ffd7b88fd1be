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
    columns::{Param, PutCells, not_padding, put_row},
    error::StoreResult,
    sql::{Layout, encode_error},
};

use super::{BUSY_TIMEOUT_MS, LOG_PAGES_MAX, STATEMENT_CACHE};

/// Pages that the connection keeps in memory, in KiB. Random ids touch many.
const CACHE_KIB: i64 = 16 * 1_024;

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
    /// How many rows the text has room for; those that are missing stay null.
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

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use crate::store::{
        db::{Db, Tx, within},
        sql::Sql,
        sqlite,
    };

    use super::*;

    static CREATE: Sql = Sql::new("CREATE TABLE calls (id TEXT PRIMARY KEY, due_ms INTEGER)");
    static ADD: Sql = Sql::new("INSERT INTO calls SELECT r.id, r.due_ms FROM {rows r: id text, due_ms bigint}");
    static IDS: Sql = Sql::new("SELECT id FROM calls ORDER BY id");
    /// A parameter before the rows, one on both sides of them, and one after them.
    static MIXED: Sql = Sql::new(
        "SELECT r.id, $2 || $3 AS text, COALESCE(r.due_ms, $1) AS due_ms FROM {rows r: id text, due_ms bigint} \
         WHERE r.id <> $3 AND r.id IN {list $4} ORDER BY r.id",
    );

    #[derive(Serialize)]
    struct Row {
        id: &'static str,
        due_ms: Option<i64>,
    }

    async fn opened() -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().unwrap();
        let db = sqlite::connect(&format!("sqlite:{}", folder.path().join("test.db").display())).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        CREATE.execute(&mut tx, &[]).await.unwrap();
        tx.commit().await.unwrap();
        (folder, db)
    }

    async fn ids(db: &Db) -> Vec<String> {
        let mut tx = db.begin_direct().await.unwrap();
        let ids: Vec<(String,)> = IDS.fetch(&mut tx, &[]).await.unwrap();
        ids.into_iter().map(|(id,)| id).collect()
    }

    #[tokio::test]
    async fn a_statement_finds_the_same_on_either_connection() {
        let (_folder, db) = opened().await;
        let rows = [("a", Some(7)), ("b", None), ("c", Some(9))].map(|(id, due_ms)| Row { id, due_ms });
        let params = [5.into(), "x".into(), "c".into(), r#"["a","b","c"]"#.into()];
        let mut all: Vec<Vec<(String, String, i64)>> = Vec::new();
        for mut tx in [db.begin_direct().await.unwrap(), db.begin_read().await.unwrap()] {
            all.push(MIXED.read(&mut tx, &rows, &params).await.unwrap());
        }
        let expected = vec![("a".to_owned(), "xc".to_owned(), 7), ("b".to_owned(), "xc".to_owned(), 5)];
        assert_eq!(all, [expected.clone(), expected]);
    }

    #[tokio::test]
    async fn what_is_not_committed_is_rolled_back() {
        let (_folder, db) = opened().await;
        let add = async |id, commit| {
            let mut tx = db.begin_direct().await.unwrap();
            assert_eq!(ADD.write(&mut tx, &[Row { id, due_ms: None }], &[]).await.unwrap(), 1);
            if commit {
                tx.commit().await.unwrap();
            }
        };
        add("dropped", false).await;
        add("committed", true).await;
        let panicking = async {
            let _tx = db.begin_direct().await.unwrap();
            panic!("in a transaction");
        };
        assert!(std::panic::AssertUnwindSafe(panicking).catch_unwind().await.is_err());
        let mut tx = db.begin_direct().await.unwrap();
        let twice = ADD.write(&mut tx, &[Row { id: "committed", due_ms: None }], &[]).await;
        let error = twice.unwrap_err();
        assert!(error.is_unique_violation() && error.blames_item() && !error.is_transient(), "{error}");
        drop(tx);
        assert_eq!(ids(&db).await, ["committed"]);
    }

    #[tokio::test]
    async fn only_one_connection_writes_at_a_time() {
        let (_folder, db) = opened().await;
        let first = db.begin().await.unwrap();
        assert!(db.begin_direct().now_or_never().is_none(), "it waits instead of failing as busy");
        first.commit().await.unwrap();
        let direct = db.begin_direct().await.unwrap();
        assert!(matches!(direct, Tx::Direct(_)));
        assert!(db.begin().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_statement_of_the_driver_is_refused() {
        let (_folder, db) = opened().await;
        let mut tx = db.begin_direct().await.unwrap();
        let refused: StoreResult<i64> =
            async { Ok(within!(&mut tx, c => sqlx::query_scalar("SELECT 1").fetch_one(c).await?)) }.await;
        assert!(refused.is_err_and(|error| !error.blames_item()));
    }
}
