//! An endpoint whose server requested a pause: its queue pauses, is probed with one attempt, and grows again.

use domain::{
    UnixMs,
    retry::{self, THROTTLED_MAX_MS},
};

/// A pause up to this long is waited for in memory. For a longer one, deliveries return to the database.
pub(super) const IN_MEMORY_MS: i64 = 5_000;

/// The pause of an endpoint's queue.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Throttle {
    until: UnixMs,
    /// Pauses in a row, without a success between them.
    pauses: u32,
}

impl Throttle {
    /// When the next attempt may start.
    pub(super) const fn not_before(&self) -> UnixMs {
        self.until
    }

    /// Whether the queue pauses now.
    pub(super) fn is_active(&self, now: UnixMs) -> bool {
        now < self.until
    }

    /// The server requested a pause. The responses to attempts that were in flight when a pause began belong to it.
    pub(super) fn begin(&mut self, asked_s: Option<u32>, now: UnixMs, jitter: f64) -> UnixMs {
        if !self.is_active(now) {
            self.pauses = self.pauses.saturating_add(1);
        }
        self.until = self.until.max(retry::throttled_until(asked_s, self.pauses, now, jitter));
        self.until
    }

    /// Another node, or this one before a restart, began a pause. True if it was unknown. A time that is further away than any
    /// pause came from a clock that has been set back since.
    pub(super) fn learn(&mut self, until: UnixMs, now: UnixMs) -> bool {
        let is_new = until > self.until && until > now && until.since_ms(now) <= THROTTLED_MAX_MS;
        if is_new {
            self.until = until;
        }
        is_new
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&mut self, now: UnixMs) {
        if !self.is_active(now) {
            self.pauses = 0;
        }
    }

    /// Forgets a pause that began before the clock was set back.
    pub(super) fn clock_set_back(&mut self, now: UnixMs) {
        self.until = self.until.min(now);
    }
}
