//! Whether this node can do its work: `/readyz`, the health page and error pages all read it here.
//!
//! Reads are tried each time. Writes are known from those that happen anyway; only when there was none for a while, or the
//! latest failed, one is tried. So a node that is asked often does not write often.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::{
    UnixMs,
    time::{SECOND_MS, span},
};

use crate::{
    context::Context,
    store::{
        error::{StoreError, StoreResult},
        probe,
    },
};

/// How long a successful write shows that the database can be written, in milliseconds.
const WRITABLE_MS: i64 = 10 * SECOND_MS;
/// How long a failed write shows the opposite, in milliseconds.
const UNWRITABLE_MS: i64 = SECOND_MS;
/// Longest wait for the database: whoever asks needs a response.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// The latest attempt to write: when it was, and why it failed.
#[derive(Debug, Clone)]
struct LatestWrite {
    at: UnixMs,
    failure: Option<String>,
}

/// What is known of writes to the database.
#[derive(Debug, Default)]
pub(crate) struct WriteHealth {
    latest: Mutex<Option<LatestWrite>>,
    /// Held while a write is tried.
    probing: tokio::sync::Mutex<()>,
}

impl WriteHealth {
    /// Notes the result of a transaction. Errors that are not the database's fault say nothing.
    pub(crate) fn note<T>(&self, at: UnixMs, result: &StoreResult<T>) {
        let failure = match result {
            Ok(_) => None,
            Err(error) if error.is_transient() => Some(error.to_string()),
            Err(_) => return,
        };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(LatestWrite { at, failure });
    }

    fn latest(&self) -> Option<LatestWrite> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_known(&self, now: UnixMs) -> bool {
        self.latest().is_some_and(|LatestWrite { at, failure }| {
            let known_ms = if failure.is_some() { UNWRITABLE_MS } else { WRITABLE_MS };
            now.since_ms(at).abs() < known_ms
        })
    }
}

/// Whether the database can be read and written.
///
/// # Errors
/// What is wrong, as text.
pub(crate) async fn check(context: &Context) -> Result<(), String> {
    let checked = async {
        read(context).await.map_err(|error| error.to_string())?;
        write(context).await
    };
    tokio::time::timeout(CHECK_TIMEOUT, checked).await.unwrap_or_else(|_| {
        let waited = span(i64::try_from(CHECK_TIMEOUT.as_millis()).unwrap_or(i64::MAX));
        Err(format!("the database did not respond within {waited}"))
    })
}

async fn read(context: &Context) -> StoreResult<()> {
    context.db.check_file()?;
    let mut tx = context.db.begin_read().await?;
    probe::read(&mut tx, context.now()).await
}

async fn write(context: &Context) -> Result<(), String> {
    let writes = &context.writes;
    // If another request tries to write now, its result is soon known; until then the earlier one holds.
    if !writes.is_known(context.now())
        && let Ok(_probing) = writes.probing.try_lock()
    {
        let written = try_write(context).await;
        writes.note(context.now(), &written);
        written.map_err(|error| error.to_string())?;
    }
    writes.latest().and_then(|latest| latest.failure).map_or(Ok(()), Err)
}

async fn try_write(context: &Context) -> Result<(), StoreError> {
    let mut tx = context.db.begin().await?;
    probe::write(&mut tx, &context.node, context.now()).await?;
    tx.commit().await
}
