//! The open database: its dialect, readers, writer, and transactions.

use std::sync::Arc;

use domain::{UnixMs, time::Clock};
use futures::future::BoxFuture;
use sqlx::{Postgres, Sqlite, SqliteConnection, Transaction};
use tokio::{
    runtime::Handle,
    sync::{Notify, OwnedSemaphorePermit},
};

use crate::{
    detached::detached,
    store::{
        direct::{Direct, DirectTx},
        error::{StoreError, StoreResult},
        open_file::OpenFile,
        turns::Turns,
    },
};

/// Not the start of the transaction, as `now()`.
const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Embedded, one node.
    Sqlite,
    /// For several nodes.
    Postgres,
}

/// A pool of connections to one of the databases.
#[derive(Debug, Clone)]
pub enum Pool {
    /// SQLite.
    Sqlite(sqlx::SqlitePool),
    /// Postgres.
    Postgres(sqlx::PgPool),
}

/// The database. Reads use the readers; each write is a transaction on the writer.
#[derive(Clone)]
pub struct Db {
    /// For read-only statements.
    pub readers: Pool,
    /// For transactions. On SQLite a single connection, so writers queue instead of failing as busy.
    pub writer: Pool,
    /// Which one it is.
    pub dialect: Dialect,
    /// Notified of each commit on SQLite.
    pub(super) commits: Arc<Notify>,
    /// How to connect to PostgreSQL to listen to other nodes.
    pub(super) listen: Option<Arc<sqlx::postgres::PgConnectOptions>>,
    /// Replaces the database's clock in tests.
    pub(super) clock: Option<Arc<dyn Clock>>,
    /// The file that is open; none for PostgreSQL.
    pub(super) file: Option<Arc<OpenFile>>,
    /// The turns to write on SQLite.
    pub(super) turns: Turns,
    /// The connection that writes without a thread in between; only for a file of SQLite.
    pub(super) direct: Option<Arc<Direct>>,
}

/// The connections of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// `readers` or `writer`.
    pub name: &'static str,
    /// Open ones.
    pub open: u32,
    /// Those of them that nothing uses.
    pub idle: u32,
    /// The most that may be open.
    pub max: u32,
}

/// A transaction that may write. Rolled back if dropped without [`Tx::commit`].
pub enum Tx {
    /// SQLite.
    Sqlite(SqliteTx),
    /// SQLite, called on the thread of the caller. Only for statements that [`Sql`](crate::store::sql::Sql) executes.
    Direct(DirectTx),
    /// Postgres.
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction of the driver on SQLite. The driver rolls back in the background, and the turn lasts until it has.
pub struct SqliteTx {
    /// None once it has ended.
    transaction: Option<Transaction<'static, Sqlite>>,
    /// None for one that only reads.
    turn: Option<OwnedSemaphorePermit>,
}

impl SqliteTx {
    const fn new(transaction: Transaction<'static, Sqlite>, turn: Option<OwnedSemaphorePermit>) -> Self {
        Self { transaction: Some(transaction), turn }
    }

    /// The connection.
    ///
    /// # Errors
    /// When the transaction has ended.
    pub(in crate::store) fn connection(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.transaction.as_deref_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    async fn commit(mut self) -> Result<(), sqlx::Error> {
        match self.transaction.take() {
            Some(transaction) => transaction.commit().await,
            None => Ok(()),
        }
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        if let (Some(transaction), Some(turn), Ok(runtime)) =
            (self.transaction.take(), self.turn.take(), Handle::try_current())
        {
            runtime.spawn(async move {
                let _ = transaction.rollback().await;
                drop(turn);
            });
        }
    }
}

/// Evaluates one expression for whichever database is open. `$c` is the executor: a pool, or a transaction's connection.
macro_rules! on {
    ($pool:expr, $c:ident => $body:expr) => {
        match $pool {
            $crate::store::db::Pool::Sqlite($c) => $body,
            $crate::store::db::Pool::Postgres($c) => $body,
        }
    };
}

/// Like [`on!`], inside a transaction. `$db` names the database's type, for queries that need it.
macro_rules! within {
    ($tx:expr, $c:ident: $db:ident => $body:expr) => {
        match $tx {
            $crate::store::db::Tx::Sqlite(tx) => {
                type $db = sqlx::Sqlite;
                let $c = tx.connection()?;
                $body
            }
            $crate::store::db::Tx::Direct(_) => return Err($crate::store::error::StoreError::NotDirect),
            $crate::store::db::Tx::Postgres(tx) => {
                type $db = sqlx::Postgres;
                let $c = &mut **tx;
                $body
            }
        }
    };
    ($tx:expr, $c:ident => $body:expr) => {
        match $tx {
            $crate::store::db::Tx::Sqlite(tx) => {
                let $c = tx.connection()?;
                $body
            }
            $crate::store::db::Tx::Direct(_) => return Err($crate::store::error::StoreError::NotDirect),
            $crate::store::db::Tx::Postgres(tx) => {
                let $c = &mut **tx;
                $body
            }
        }
    };
}

pub(crate) use {on, within};

impl Db {
    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// When the database is unavailable, stays locked, or its file was deleted or replaced.
    pub async fn begin(&self) -> StoreResult<Tx> {
        self.check_file()?;
        Ok(match &self.writer {
            Pool::Sqlite(pool) => {
                let turn = self.turns.some().await?;
                Tx::Sqlite(SqliteTx::new(pool.begin_with("BEGIN IMMEDIATE").await?, Some(turn)))
            }
            Pool::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// As [`Self::begin`], for the hot path: on a file of SQLite, every statement blocks the thread of the caller instead of
    /// waiting for another thread.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub async fn begin_direct(&self) -> StoreResult<Tx> {
        let Some(direct) = &self.direct else { return self.begin().await };
        self.check_file()?;
        Ok(Tx::Direct(DirectTx::begin(direct, self.turns.next().await?)?))
    }

    /// Runs `work` in a transaction of [`Self::begin_direct`]. Should it need a statement that cannot be executed directly, which
    /// is a mistake of ours and must not hold up everything, it runs again in one of [`Self::begin`].
    ///
    /// # Errors
    /// As [`Self::begin`], and as `work`.
    pub async fn directly<'a, T>(&self, work: impl Fn(Tx) -> BoxFuture<'a, StoreResult<T>>) -> StoreResult<T> {
        match work(self.begin_direct().await?).await {
            Err(StoreError::NotDirect) => {
                tracing::error!("a statement of the hot path cannot be executed directly");
                work(self.begin().await?).await
            }
            done => done,
        }
    }

    /// Changes settings of the connection behind [`Self::begin_direct`], as tests do that limit or count what it may do.
    ///
    /// # Errors
    /// When there is none, and as `set`.
    pub async fn set_direct<T>(
        &self,
        set: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        let _turn = self.turns.some().await?;
        let direct = self.direct.as_ref().ok_or(StoreError::NotDirect)?;
        Ok(direct.set(set)?)
    }

    /// The time of the database's clock, which all nodes share. None for SQLite, whose clock is the process's.
    ///
    /// # Errors
    /// Database errors.
    pub async fn now(&self, tx: &mut Tx) -> StoreResult<Option<UnixMs>> {
        match (&self.clock, tx) {
            (Some(clock), _) => Ok(Some(clock.now())),
            (None, Tx::Sqlite(..) | Tx::Direct(_)) => Ok(None),
            (None, Tx::Postgres(tx)) => {
                let ms: i64 = sqlx::query_scalar(NOW).fetch_one(&mut **tx).await?;
                Ok(Some(UnixMs(ms)))
            }
        }
    }

    /// Begins a transaction that only reads.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn begin_read(&self) -> StoreResult<Tx> {
        Ok(match &self.readers {
            Pool::Sqlite(pool) => Tx::Sqlite(SqliteTx::new(pool.begin().await?, None)),
            Pool::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Whether the open file is still the one at its path. What is written to a deleted file is lost.
    ///
    /// # Errors
    /// When it was deleted or replaced.
    pub fn check_file(&self) -> StoreResult<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.check())
    }

    /// How the connections are used now.
    #[must_use]
    pub fn pools(&self) -> [PoolUse; 2] {
        [("readers", &self.readers), ("writer", &self.writer)].map(|(name, pool)| {
            on!(pool, p => PoolUse {
                name,
                open: p.size(),
                idle: u32::try_from(p.num_idle()).unwrap_or(u32::MAX),
                max: p.options().get_max_connections(),
            })
        })
    }

    /// Closes all connections. Whoever writes now comes to its end, and nobody begins.
    pub async fn close(&self) {
        let last = self.turns.some().await;
        self.turns.close();
        drop(last);
        for pool in [&self.readers, &self.writer] {
            on!(pool, p => p.close().await);
        }
        if let Some(direct) = &self.direct {
            direct.close();
        }
    }
}

impl Tx {
    /// Which database it runs on.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(..) | Self::Direct(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Commits.
    ///
    /// # Errors
    /// When the database fails; then nothing has been written.
    pub async fn commit(self) -> StoreResult<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Direct(tx) => tx.commit()?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Commits, then does what must follow. Neither is cancelled when the caller goes away.
    ///
    /// # Errors
    /// As [`Self::commit`]; `after` is not started then.
    pub async fn commit_then<T: Send + 'static>(
        self,
        after: impl Future<Output = T> + Send + 'static,
    ) -> StoreResult<T> {
        detached(async move {
            self.commit().await?;
            Ok(after.await)
        })
        .await
    }
}
