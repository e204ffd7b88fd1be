//! When to claim next: the earliest time reported since the last claim.

use std::sync::{Mutex, PoisonError};

use domain::UnixMs;
use tokio::sync::{Notify, futures::Notified};

/// When to claim next.
#[derive(Debug, Default)]
pub(super) struct ClaimSchedule {
    at: Mutex<Option<UnixMs>>,
    sooner: Notify,
}

impl ClaimSchedule {
    /// Something may be due at `at`.
    pub(super) fn wake_at(&self, at: UnixMs) {
        let mut next = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_none_or(|next| at < next) {
            *next = Some(at);
            self.sooner.notify_one();
        }
    }

    pub(super) fn next(&self) -> Option<UnixMs> {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reset(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns when an earlier time is reported.
    pub(super) fn sooner(&self) -> Notified<'_> {
        self.sooner.notified()
    }
}
