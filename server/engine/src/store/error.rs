//! Store errors, and what callers learn of them.

use std::path::PathBuf;

use domain::Error;
use rusqlite::ffi;

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed, or is unavailable.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// SQLite failed, called directly.
    #[error("database: {0}")]
    Direct(#[from] rusqlite::Error),
    /// A row that was read directly cannot be converted.
    #[error("database: {0}")]
    DirectRow(#[from] serde_rusqlite::Error),
    /// A statement that only the driver executes, in a transaction that calls SQLite directly.
    #[error("this statement cannot be executed directly")]
    NotDirect,
    /// A migration failed.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The code around a statement panicked.
    #[error("panicked: {0}")]
    Panicked(String),
    /// A pooler shares connections between transactions.
    #[error(
        "the database URL leads to a connection pooler in transaction mode (PgBouncer: pool_mode = transaction), which \
         loses prepared statements, notifications and locks. Set pool_mode = session, or connect to PostgreSQL directly"
    )]
    TransactionPooling,
    /// The database file is no longer the one that was opened.
    #[error("the database file {} was deleted or replaced while the server was running", .0.display())]
    FileReplaced(PathBuf),
    /// A stored value cannot be converted to its type.
    #[error("invalid value in {table}.{column}, row {row}")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Id of the row.
        row: String,
    },
}

impl StoreError {
    /// Whether a retry may help: the disk is full, the database is locked, or it is unavailable.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                // Postgres classes: 08 connection, 25P03 idle in a transaction, 53 out of resources, 57 operator
                // intervention, 58 system, 40 conflict.
                (code.len() != 5 && code.parse().is_ok_and(is_transient_on_sqlite))
                    || (code.len() == 5
                        && ["08", "25P03", "53", "57", "58", "40"].iter().any(|class| code.starts_with(class)))
            }
            // A connection that is cut in the middle of a message or of a transaction breaks the driver's protocol.
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::BeginFailed
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
                    | sqlx::Error::Tls(_)
            ),
            Self::Direct(error) => {
                error.sqlite_error().is_some_and(|error| is_transient_on_sqlite(error.extended_code))
            }
            Self::FileReplaced(_) => true,
            _ => false,
        }
    }

    /// Whether the rows or the code are at fault, and not the connection or the disk: the same again fails again, and others
    /// may go well.
    #[must_use]
    pub fn blames_item(&self) -> bool {
        match self {
            Self::Database(error) => {
                let definite = matches!(
                    error,
                    sqlx::Error::Database(_)
                        | sqlx::Error::ColumnDecode { .. }
                        | sqlx::Error::Decode(_)
                        | sqlx::Error::Encode(_)
                );
                definite && !self.is_transient()
            }
            Self::Direct(error) => error.sqlite_error().is_some() && !self.is_transient(),
            Self::DirectRow(_) | Self::Corrupt { .. } | Self::Panicked(_) => true,
            Self::NotDirect | Self::Migration(_) | Self::TransactionPooling | Self::FileReplaced(_) => false,
        }
    }

    /// Whether there is no space left for a write.
    fn is_disk_full(&self) -> bool {
        // SQLite and PostgreSQL.
        match self {
            Self::Database(sqlx::Error::Database(error)) => matches!(error.code().as_deref(), Some("13" | "53100")),
            Self::Direct(error) => error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            _ => false,
        }
    }

    /// Whether it collided with another transaction: the same id, or the same rows in another order. A retry sees what that
    /// transaction wrote.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        // Postgres class 40: a deadlock, or a conflict between snapshots.
        let rolled_back = matches!(self, Self::Database(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| code.len() == 5 && code.starts_with("40")));
        rolled_back || self.is_unique_violation()
    }

    /// Whether a unique value exists already.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.is_unique_violation(),
            Self::Direct(error) => error.sqlite_error().is_some_and(|error| {
                matches!(error.extended_code, ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE)
            }),
            _ => false,
        }
    }
}

/// A row that cannot be bound.
pub(super) fn encode_error(error: serde_json::Error) -> StoreError {
    StoreError::Database(sqlx::Error::Encode(error.into()))
}

/// Whether an error of SQLite may pass. Extended codes have more in their high bytes.
fn is_transient_on_sqlite(code: i32) -> bool {
    use ffi::{SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR, SQLITE_LOCKED, SQLITE_READONLY};
    [SQLITE_BUSY, SQLITE_LOCKED, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN].contains(&(code & 0xff))
}

/// Seconds after which callers should retry while the database is unavailable.
const RETRY_AFTER_S: u32 = 5;

impl From<StoreError> for Error {
    /// Logs the inner detail once, and returns what the caller can act on.
    fn from(error: StoreError) -> Self {
        if error.is_transient() {
            tracing::warn!(%error, "the database is unavailable");
            let detail = if error.is_disk_full() {
                "The disk of the database is full. Nothing was changed. Try again when there is space."
            } else {
                "The database is unavailable. Nothing was changed. Try again shortly."
            };
            return Self::Unavailable { detail: detail.to_owned(), retry_after_s: RETRY_AFTER_S };
        }
        tracing::error!(%error, "the database failed");
        Self::Internal
    }
}

/// Result inside the store.
pub type StoreResult<T> = Result<T, StoreError>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_connection_is_transient_however_the_driver_reports_it() {
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let protocol = sqlx::Error::Protocol("received more ReadyForQuery messages than expected".into());
        for error in [broken.into(), protocol, sqlx::Error::BeginFailed, sqlx::Error::PoolClosed] {
            assert!(StoreError::from(error).is_transient());
        }
        assert!(!StoreError::from(sqlx::Error::RowNotFound).is_transient());
    }
}
