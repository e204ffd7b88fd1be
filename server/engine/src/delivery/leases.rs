//! Whether this node's leases are valid, and whether it knows all of them.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use domain::UnixMs;

use crate::store::nodes;

/// What this node knows of its leases.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    /// When this node last reported that it lives.
    heartbeat_at: AtomicI64,
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

    pub(super) fn heartbeat(&self, at: UnixMs) {
        self.heartbeat_at.store(at.0, Ordering::Release);
    }

    pub(super) fn valid_at(&self, now: UnixMs) -> bool {
        now.since_ms(UnixMs(self.heartbeat_at.load(Ordering::Acquire))) < nodes::NODE_TIMEOUT_MS
    }
}
