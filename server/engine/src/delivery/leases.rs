//! Whether this node's leases are valid, and whether it knows all of them.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use domain::UnixMs;

use crate::store::nodes;

/// When a node's leases were last renewed. Two clocks: one may be set, the other stands still while the machine sleeps.
#[derive(Debug, Clone, Copy)]
pub struct LeaseStart {
    /// By the clock.
    pub at: UnixMs,
    /// By the stopwatch.
    pub since: tokio::time::Instant,
}

/// What this node knows of its leases.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    /// When this node last reported that it lives.
    heartbeat: Mutex<Option<LeaseStart>>,
    uncertain: AtomicBool,
}

impl Leases {
    /// A commit failed whose leases may exist all the same.
    pub(crate) fn mark_uncertain(&self) {
        self.uncertain.store(true, Ordering::Release);
    }

    /// The leases are about to be compared with memory.
    pub(crate) fn set_certain(&self) {
        self.uncertain.store(false, Ordering::Release);
    }

    /// Whether this node may have leases that it does not know of.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.uncertain.load(Ordering::Acquire)
    }

    pub(super) fn heartbeat(&self, start: LeaseStart) {
        *self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner) = Some(start);
    }

    pub(super) fn valid_at(&self, now: UnixMs) -> bool {
        let start = *self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner);
        start.is_some_and(|start| {
            let by_stopwatch = i64::try_from(start.since.elapsed().as_millis()).unwrap_or(i64::MAX);
            now.since_ms(start.at).max(by_stopwatch) < nodes::NODE_TIMEOUT_MS
        })
    }
}
