//! The spool of a connector beside a phone system: a SQLite file of its own with the events that Offhook has not accepted yet,
//! and with the open calls, written in one transaction. A connector that is killed continues from it.
//!
//! It has no link to the server's database and no migrations: the file is created by the version that reads it, and refused
//! by others ([`schema`]). Where a size limit is reached, the starts of calls are dropped before their ends ([`limit`]).

mod calls;
mod events;
mod gaps;
mod limit;
mod schema;

use std::{fs::File, path::Path, time::Duration};

use domain::{UnixMs, connector::Gap};
use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode},
};
use tokio::sync::{Mutex, MutexGuard};

use self::limit::Counts;
pub use self::{
    events::{Refused, SpooledEvent},
    limit::SpoolLimits,
};
use crate::store::{
    error::{StoreError, StoreResult},
    sqlite,
};

/// How long a statement waits for another process's lock, such as a backup's, before it fails.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Everything that a power failure must not undo.
const DURABLE: &str = "PRAGMA synchronous = FULL";
/// What a power failure may undo, because it ends the calls as well. A killed process loses nothing in either case.
const RELAXED: &str = "PRAGMA synchronous = NORMAL";

/// A spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another connector has it open.
    #[error("another connector is using it; give each its own --name or --data")]
    InUse,
    /// It was created by another version.
    #[error(
        "it was created by another version of Offhook (format {0}); run that version until it is empty, then delete it"
    )]
    OtherVersion(i64),
    /// The lock file cannot be written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Whether an event loses its value when it comes late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The start of a call: of no use once the call has ended.
    Start,
    /// The end of a call: the record of it.
    End,
}

/// An event to post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its ID. An event whose ID waits already is not added again.
    pub id: String,
    /// The call whose events are posted one after the other.
    pub call_id: String,
    /// Which is dropped first.
    pub urgency: Urgency,
    /// What to post, as the connector writes it.
    pub body: String,
}

/// What a connector saves in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpoolChanges {
    /// Events to post, in order.
    pub events: Vec<NewEvent>,
    /// Open calls that began or changed: key and state.
    pub open: Vec<(String, String)>,
    /// Keys of calls that ended.
    pub ended: Vec<String>,
    /// Facts to remember, each under its name.
    pub facts: Vec<(&'static str, String)>,
    /// Gaps to report.
    pub gaps: Vec<Gap>,
}

impl SpoolChanges {
    /// Whether there is nothing to save.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How full a spool is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events that wait.
    pub events: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// An open spool.
#[derive(Debug)]
pub struct Spool {
    file: Mutex<SpoolFile>,
    limits: SpoolLimits,
    _lock: Option<File>,
}

#[derive(Debug)]
struct SpoolFile {
    connection: SqliteConnection,
    counts: Counts,
}

impl Spool {
    /// Opens the file, creating it if it is missing.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn open(path: &Path, limits: SpoolLimits) -> Result<Self, SpoolError> {
        let lock = match sqlite::lock(&format!("sqlite://{}", path.display())) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Err(SpoolError::InUse),
            lock => lock?,
        };
        // Private to its owner from the first byte. Usually it exists; if it cannot be created, connecting reports why.
        let _ = sqlite::copies::create(path);
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))
            .connect()
            .await
            .map_err(StoreError::from)?;
        schema::prepare(&mut connection).await?;
        let counts = limit::count(&mut connection).await?;
        Ok(Self { file: Mutex::new(SpoolFile { connection, counts }), limits, _lock: lock })
    }

    /// Saves events and open calls in one transaction. Events are on disk afterwards, whatever happens.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was saved.
    pub async fn save(&self, changes: &SpoolChanges, now: UnixMs) -> StoreResult<()> {
        let mut file = self.file(changes.events.is_empty()).await?;
        let SpoolFile { connection, counts } = &mut *file;
        let mut tx = connection.begin().await?;
        let mut after = *counts;
        after.add(events::insert(&mut tx, &changes.events, now).await?);
        calls::save(&mut tx, &changes.open, &changes.ended).await?;
        schema::set_facts(&mut tx, &changes.facts).await?;
        gaps::add(&mut tx, &changes.gaps).await?;
        limit::enforce(&mut tx, &mut after, self.limits, now).await?;
        tx.commit().await?;
        *counts = after;
        Ok(())
    }

    /// The state of all open calls.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_calls(&self) -> StoreResult<Vec<String>> {
        calls::open(&mut self.file.lock().await.connection).await
    }

    /// Keys of the calls that ended most recently, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finished(&self) -> StoreResult<Vec<String>> {
        calls::finished(&mut self.file.lock().await.connection).await
    }

    /// A fact that was saved.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fact(&self, name: &str) -> StoreResult<Option<String>> {
        schema::fact(&mut self.file.lock().await.connection, name).await
    }

    /// The oldest event of each call that has some, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next(&self, limit: u32) -> StoreResult<Vec<SpooledEvent>> {
        events::next(&mut self.file.lock().await.connection, limit).await
    }

    /// These events were accepted.
    ///
    /// # Errors
    /// [`StoreError`]; then they are posted again, which has no effect.
    pub async fn accepted(&self, numbers: &[i64], now: UnixMs) -> StoreResult<()> {
        let mut file = self.file(true).await?;
        let SpoolFile { connection, counts } = &mut *file;
        let mut tx = connection.begin().await?;
        let mut after = *counts;
        after.subtract(events::remove(&mut tx, numbers).await?);
        limit::close_gap(&mut tx, after, self.limits, now).await?;
        tx.commit().await?;
        *counts = after;
        Ok(())
    }

    /// This event is not accepted, and never will be.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refused(&self, event: &SpooledEvent, reason: &str, now: UnixMs) -> StoreResult<()> {
        let mut file = self.file(false).await?;
        let SpoolFile { connection, counts } = &mut *file;
        let mut tx = connection.begin().await?;
        events::record_refusal(&mut tx, event, reason, now).await?;
        let removed = events::remove(&mut tx, &[event.number]).await?;
        tx.commit().await?;
        counts.subtract(removed);
        Ok(())
    }

    /// The events that were refused most recently, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refusals(&self) -> StoreResult<Vec<Refused>> {
        events::refusals(&mut self.file.lock().await.connection).await
    }

    /// Gaps that were not reported since they last changed, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unreported_gaps(&self) -> StoreResult<Vec<Gap>> {
        gaps::unreported(&mut self.file.lock().await.connection).await
    }

    /// This gap was reported as it is here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gap_reported(&self, gap: &Gap) -> StoreResult<()> {
        gaps::reported(&mut self.file(true).await?.connection, gap).await
    }

    /// How full it is.
    pub async fn backlog(&self) -> Backlog {
        let counts = self.file.lock().await.counts;
        Backlog { events: counts.rows(), bytes: counts.bytes() }
    }

    /// Whether events were dropped because it was full, and it still is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_full(&self) -> StoreResult<bool> {
        gaps::is_full(&mut self.file.lock().await.connection).await
    }

    async fn file(&self, may_be_undone: bool) -> StoreResult<MutexGuard<'_, SpoolFile>> {
        let mut file = self.file.lock().await;
        let durability = if may_be_undone { RELAXED } else { DURABLE };
        sqlx::query(durability).execute(&mut file.connection).await?;
        Ok(file)
    }
}
