//! What can go wrong in the store, and what of it a caller hears.

use domain::Error;

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no, or is away.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored value does not fit its type: table, column and the value's row say where.
    #[error("{table}.{column} of {row} holds what it must not")]
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
    /// Whether waiting may help: the disk is full, the database is locked, or it is away.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                // SQLite: busy 5, locked 6, read-only 8, I/O 10, full 13, cannot open 14 (extended codes in the high
                // bytes). Postgres classes: 53 out of resources, 57 operator intervention, 58 system, 40 conflict.
                let primary = code.parse::<u32>().map(|n| n & 0xff).unwrap_or_default();
                (code.len() != 5 && matches!(primary, 5 | 6 | 8 | 10 | 13 | 14))
                    || (code.len() == 5 && ["53", "57", "58", "40"].iter().any(|class| code.starts_with(class)))
            }
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed | sqlx::Error::Tls(_)
            ),
            _ => false,
        }
    }

    /// Whether another transaction was quicker, with the same id or with the same rows in another order. The same once more
    /// sees what that one has written.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        // Postgres class 40: a deadlock, or a conflict between snapshots.
        let rolled_back = matches!(self, Self::Database(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| code.len() == 5 && code.starts_with("40")));
        rolled_back || self.is_unique_violation()
    }

    /// Whether a unique value was already there.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

/// Seconds that a caller is asked to wait while the database is away.
const RETRY_AFTER_S: u32 = 5;

impl From<StoreError> for Error {
    /// Logs the inner detail here, once, and tells the caller what they can act on.
    fn from(error: StoreError) -> Self {
        if error.is_transient() {
            tracing::warn!(%error, "the store cannot be used just now");
            return Self::Unavailable {
                detail: "Nothing can be stored just now. Nothing was changed; try again shortly.".to_owned(),
                retry_after_s: RETRY_AFTER_S,
            };
        }
        tracing::error!(%error, "the store failed");
        Self::Internal
    }
}

/// Result inside the store.
pub type StoreResult<T> = Result<T, StoreError>;
