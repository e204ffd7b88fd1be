//! The spool of a connector beside a phone system: a SQLite file of its own with the events that Offhook has not accepted yet,
//! and with the open calls, written in one transaction. A connector that is killed continues from it.
//!
//! It has no link to the server's database and no migrations: the file is created by the version that reads it, and refused
//! by others ([`schema`]). Where a size limit is reached, the starts of calls are dropped before their ends ([`limit`]).

mod calls;
mod events;
mod file;
mod gaps;
mod limit;
mod schema;

use std::{fs::File, path::Path, sync::Arc};

use domain::{UnixMs, connector::Gap};
use tokio::sync::Mutex;

use self::file::{Durability, SpoolFile};
pub use self::{
    events::{Refused, SpooledEvent},
    limit::SpoolLimits,
};
use crate::store::{
    error::{StoreError, StoreResult},
    sqlite,
};

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
///
/// SQLite is called directly, in a thread for blocking work: a transaction costs one switch between threads instead of two for
/// each statement, which on a busy machine is most of what it takes.
#[derive(Debug)]
pub struct Spool {
    file: Arc<Mutex<SpoolFile>>,
    limits: SpoolLimits,
    _lock: Option<File>,
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
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || SpoolFile::open(&path)).await;
        let file = opened.map_err(panicked)??;
        Ok(Self { file: Arc::new(Mutex::new(file)), limits, _lock: lock })
    }

    /// Saves events and open calls in one transaction. Events are on disk afterwards, whatever happens.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was saved.
    pub async fn save(&self, changes: SpoolChanges, now: UnixMs) -> StoreResult<()> {
        let limits = self.limits;
        let durability = if changes.events.is_empty() { Durability::Relaxed } else { Durability::Durable };
        let write = move |file: &mut SpoolFile| {
            file.write(durability, |tx, counts| {
                counts.add(events::insert(tx, &changes.events, now)?);
                calls::save(tx, &changes.open, &changes.ended)?;
                schema::set_facts(tx, &changes.facts)?;
                gaps::add(tx, &changes.gaps)?;
                limit::enforce(tx, counts, limits, now)
            })
        };
        self.call(write).await
    }

    /// The state of all open calls.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_calls(&self) -> StoreResult<Vec<String>> {
        self.call(|file| calls::open(&file.connection)).await
    }

    /// Keys of the calls that ended most recently, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finished(&self) -> StoreResult<Vec<String>> {
        self.call(|file| calls::finished(&file.connection)).await
    }

    /// A fact that was saved.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fact(&self, name: &'static str) -> StoreResult<Option<String>> {
        self.call(|file| schema::fact(&file.connection, name)).await
    }

    /// Removes events that were accepted, and returns the oldest event of each call that has some, oldest first.
    ///
    /// # Errors
    /// [`StoreError`]; then accepted events are posted again, which has no effect.
    pub async fn next(&self, accepted: Vec<i64>, limit: u32, now: UnixMs) -> StoreResult<Vec<SpooledEvent>> {
        let limits = self.limits;
        let take = move |file: &mut SpoolFile| {
            if !accepted.is_empty() {
                file.write(Durability::Relaxed, |tx, counts| {
                    counts.subtract(events::remove(tx, &accepted)?);
                    limit::close_gap(tx, *counts, limits, now)
                })?;
            }
            events::next(&file.connection, limit)
        };
        self.call(take).await
    }

    /// This event is not accepted, and never will be.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refused(&self, event: SpooledEvent, reason: String, now: UnixMs) -> StoreResult<()> {
        let write = move |file: &mut SpoolFile| {
            file.write(Durability::Durable, |tx, counts| {
                events::record_refusal(tx, &event, &reason, now)?;
                counts.subtract(events::remove(tx, &[event.number])?);
                Ok(())
            })
        };
        self.call(write).await
    }

    /// The events that were refused most recently, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refusals(&self) -> StoreResult<Vec<Refused>> {
        self.call(|file| events::refusals(&file.connection)).await
    }

    /// Gaps that were not reported since they last changed, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unreported_gaps(&self) -> StoreResult<Vec<Gap>> {
        self.call(|file| gaps::unreported(&file.connection)).await
    }

    /// This gap was reported as it is here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gap_reported(&self, gap: &Gap) -> StoreResult<()> {
        let gap = gap.clone();
        let write = move |file: &mut SpoolFile| file.write(Durability::Relaxed, |tx, _| gaps::reported(tx, &gap));
        self.call(write).await
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
        self.call(|file| gaps::is_full(&file.connection)).await
    }

    /// Works with the file where waiting for the disk blocks nothing else. The work is done even if the caller stops waiting.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SpoolFile) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let mut file = Arc::clone(&self.file).lock_owned().await;
        tokio::task::spawn_blocking(move || work(&mut file)).await.map_err(panicked)?
    }
}

fn panicked(error: tokio::task::JoinError) -> StoreError {
    StoreError::Panicked(error.to_string())
}
