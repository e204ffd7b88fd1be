//! What is known of writes to the database, from those that happen anyway.

use std::sync::{Mutex, PoisonError};

use domain::{UnixMs, time::SECOND_MS};

use crate::store::error::StoreResult;

/// How long a successful write shows that the database can be written, in milliseconds.
const WRITABLE_MS: i64 = 10 * SECOND_MS;
/// How long a failed write shows the opposite, in milliseconds.
const UNWRITABLE_MS: i64 = SECOND_MS;

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
    pub(crate) probing: tokio::sync::Mutex<()>,
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

    /// Why the latest write failed, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        self.latest().and_then(|latest| latest.failure)
    }

    fn latest(&self) -> Option<LatestWrite> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the latest write is recent enough to judge by.
    pub(crate) fn is_known(&self, now: UnixMs) -> bool {
        self.latest().is_some_and(|LatestWrite { at, failure }| {
            let known_ms = if failure.is_some() { UNWRITABLE_MS } else { WRITABLE_MS };
            now.since_ms(at).abs() < known_ms
        })
    }
}
