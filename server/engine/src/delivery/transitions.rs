//! Endpoints whose state changed because of their attempts, until their account's admins are alerted.

use std::sync::{Mutex, PoisonError};

use domain::audit::AuditAction;
use tokio::sync::Notify;

/// Most transitions that wait; the endpoint's history has all of them.
const WAITING_MAX: usize = 4_096;

/// An endpoint is failing, was disabled, or was paused by a 410.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointTransition {
    pub(crate) action: AuditAction,
    pub(crate) account: String,
    pub(crate) endpoint: String,
    pub(crate) name: String,
}

/// Committed transitions whose alerts are not sent yet.
#[derive(Debug, Default)]
pub(crate) struct Transitions {
    waiting: Mutex<Vec<EndpointTransition>>,
    added: Notify,
}

impl Transitions {
    /// Adds transitions whose transaction is committed.
    pub(crate) fn add(&self, transitions: Vec<EndpointTransition>) {
        if transitions.is_empty() {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let room = WAITING_MAX.saturating_sub(waiting.len());
        if transitions.len() > room {
            tracing::warn!(dropped = transitions.len() - room, "too many alerts wait; some are dropped");
        }
        waiting.extend(transitions.into_iter().take(room));
        drop(waiting);
        self.added.notify_one();
    }

    /// Takes all that wait.
    pub(crate) fn take(&self) -> Vec<EndpointTransition> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns when there may be transitions to take.
    pub(crate) async fn added(&self) {
        self.added.notified().await;
    }
}
