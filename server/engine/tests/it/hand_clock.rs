//! A clock for tests.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::{UnixMs, time::Clock};

/// A clock that tests advance. It can be made to panic, once, for whoever reads it: every task reads it.
#[derive(Clone)]
pub(crate) struct HandClock {
    now: Arc<AtomicI64>,
    panics_at: Arc<AtomicI64>,
    /// Milliseconds by which each reading advances it.
    step_ms: Arc<AtomicI64>,
}

/// Where that clock starts.
pub(crate) const START: UnixMs = UnixMs(1_790_000_000_000);

impl HandClock {
    pub(crate) fn new() -> Self {
        Self { now: Arc::new(AtomicI64::new(START.0)), panics_at: Arc::default(), step_ms: Arc::default() }
    }

    pub(crate) fn step_ms(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }

    /// From now on no two readings are the same.
    pub(crate) fn run(&self) {
        self.step_ms.store(1, Ordering::SeqCst);
    }

    /// The `n`th reading from now on panics.
    pub(crate) fn panic_at(&self, n: i64) {
        self.panics_at.store(n, Ordering::SeqCst);
    }

    /// Whether that has happened.
    pub(crate) fn has_panicked(&self) -> bool {
        self.panics_at.load(Ordering::SeqCst) <= 0
    }
}

impl Clock for HandClock {
    fn now(&self) -> UnixMs {
        let panics_at = self.panics_at.fetch_sub(1, Ordering::SeqCst);
        assert!(panics_at != 1, "the clock was made to panic");
        UnixMs(self.now.fetch_add(self.step_ms.load(Ordering::SeqCst), Ordering::SeqCst))
    }
}
