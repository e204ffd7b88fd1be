//! The open database: which one, its readers, its writer, and transactions.

use std::sync::Arc;

use sqlx::{Postgres, Sqlite, Transaction};
use tokio::sync::Notify;

use crate::store::error::StoreResult;

/// Which database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded one.
    Sqlite,
    /// The one for several nodes.
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

/// The database. Reads go to the readers, each write is a transaction of the writer.
#[derive(Debug, Clone)]
pub struct Db {
    /// For statements that change nothing.
    pub readers: Pool,
    /// For transactions. On SQLite it has a single connection, so writers queue instead of failing busy.
    pub writer: Pool,
    /// Which one it is.
    pub dialect: Dialect,
    /// Told with each commit on SQLite.
    pub(super) commits: Arc<Notify>,
}

/// A transaction that may write. Dropped without [`Tx::commit`] it leaves nothing behind.
pub enum Tx {
    /// SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// Postgres.
    Postgres(Transaction<'static, Postgres>),
}

/// Sends one expression to whichever database is open. `$c` is the executor: a pool, or a transaction's connection.
macro_rules! on {
    ($pool:expr, $c:ident => $body:expr) => {
        match $pool {
            $crate::store::db::Pool::Sqlite($c) => $body,
            $crate::store::db::Pool::Postgres($c) => $body,
        }
    };
}

/// As [`on!`], inside a transaction. `$db` names the database's type, where a query must be told.
macro_rules! within {
    ($tx:expr, $c:ident: $db:ident => $body:expr) => {
        match $tx {
            $crate::store::db::Tx::Sqlite(tx) => {
                type $db = sqlx::Sqlite;
                let $c = &mut **tx;
                $body
            }
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
                let $c = &mut **tx;
                $body
            }
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
    /// When the database is away or stays locked.
    pub async fn begin(&self) -> StoreResult<Tx> {
        Ok(match &self.writer {
            Pool::Sqlite(pool) => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Pool::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        for pool in [&self.readers, &self.writer] {
            on!(pool, p => p.close().await);
        }
    }
}

impl Tx {
    /// Which database it runs on.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Makes it last.
    ///
    /// # Errors
    /// When the database cannot; then nothing has been written.
    pub async fn commit(self) -> StoreResult<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
