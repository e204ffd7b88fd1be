//! The file of a spool, and its transactions.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{SpoolError, limit, limit::Counts, schema};
use crate::store::error::{StoreError, StoreResult};

/// How long a statement waits for another process's lock, such as a backup's, before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements that are kept prepared: all of them.
const STATEMENT_CACHE: usize = 64;

/// What a power failure may undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Nothing.
    Durable,
    /// This transaction, because a power failure ends the calls as well. A killed process loses nothing in either case.
    Relaxed,
}

/// An open file.
#[derive(Debug)]
pub(super) struct SpoolFile {
    pub connection: Connection,
    pub counts: Counts,
    durability: Option<Durability>,
}

impl SpoolFile {
    pub(super) fn open(path: &Path) -> Result<Self, SpoolError> {
        let connection = connect(path).map_err(StoreError::from)?;
        schema::prepare(&connection)?;
        let counts = limit::count(&connection)?;
        Ok(Self { connection, counts, durability: None })
    }

    /// Writes in one transaction, and keeps count of the events only if it is committed.
    pub(super) fn write(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>, &mut Counts) -> StoreResult<()>,
    ) -> StoreResult<()> {
        self.set(durability)?;
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut counts = self.counts;
        work(&tx, &mut counts)?;
        tx.commit()?;
        self.counts = counts;
        Ok(())
    }

    fn set(&mut self, durability: Durability) -> StoreResult<()> {
        if self.durability != Some(durability) {
            let synchronous = if durability == Durability::Durable { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", synchronous)?;
            self.durability = Some(durability);
        }
        Ok(())
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    Ok(connection)
}
