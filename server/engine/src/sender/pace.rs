//! How many attempts an endpoint gets at once: more as it succeeds, half as many after a failure.

use domain::UnixMs;

use super::IN_FLIGHT_MAX;

/// A second in microseconds.
const SECOND_US: i64 = 1_000_000;

/// Attempts at once that an unknown endpoint gets.
pub const AT_ONCE_START: usize = 8;
/// Most attempts at once that one endpoint gets. Far below a quarter of all ([`super::IN_FLIGHT_MAX`]).
pub const AT_ONCE_MAX: usize = 64;
const _: () = assert!(AT_ONCE_MAX <= IN_FLIGHT_MAX / 4);

/// A limit in events per second.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rate {
    per_s: Option<u32>,
    /// In microseconds: at 700 a second they stand 1.4 ms apart.
    not_before_us: i64,
}

impl Rate {
    /// Sets the limit.
    pub const fn set(&mut self, per_s: Option<u32>) {
        self.per_s = per_s;
    }

    /// When the next may start.
    pub const fn not_before(&self) -> UnixMs {
        UnixMs(self.not_before_us / 1_000)
    }

    /// One starts.
    pub fn used(&mut self, now: UnixMs) {
        if let Some(rate) = self.per_s.filter(|rate| *rate > 0) {
            self.not_before_us = self.not_before_us.max(now.0.saturating_mul(1_000)) + SECOND_US / i64::from(rate);
        }
    }

    fn set_back(&mut self, now: UnixMs) {
        self.not_before_us = self.not_before_us.min(now.0.saturating_mul(1_000));
    }
}

/// The pace of one endpoint.
#[derive(Debug, Clone)]
pub struct Pace {
    at_once: usize,
    in_flight: usize,
    /// The endpoint's own limit.
    pub rate: Rate,
    /// The limit for what was held until it was resumed.
    pub drain: Rate,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_once: AT_ONCE_START, in_flight: 0, rate: Rate::default(), drain: Rate::default() }
    }
}

impl Pace {
    /// Whether another attempt may start as far as attempts in flight go.
    pub const fn has_room(&self) -> bool {
        self.in_flight < self.at_once
    }

    /// Forgets a wait that was reckoned by a clock that has been set back since.
    pub fn set_back(&mut self, now: UnixMs) {
        self.rate.set_back(now);
        self.drain.set_back(now);
    }

    /// Attempts in flight.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// An attempt starts.
    pub fn started(&mut self, now: UnixMs) {
        self.in_flight += 1;
        self.rate.used(now);
    }

    /// An attempt ended: well, badly, or without having been made.
    pub fn ended(&mut self, ok: Option<bool>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match ok {
            Some(true) => self.at_once = (self.at_once + 1).min(AT_ONCE_MAX),
            Some(false) => self.at_once = (self.at_once / 2).max(1),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_endpoint_is_probed_by_one_and_recovers_step_by_step() {
        let mut pace = Pace::default();
        for _ in 0..10 {
            pace.started(UnixMs(0));
            pace.ended(Some(false));
        }
        pace.started(UnixMs(0));
        assert!(!pace.has_room(), "one probe at a time");
        pace.ended(Some(true));
        pace.started(UnixMs(0));
        assert!(pace.has_room());
        for _ in 0..200 {
            pace.ended(Some(true));
        }
        (0..AT_ONCE_MAX).for_each(|_| pace.started(UnixMs(0)));
        assert!(!pace.has_room());
    }

    #[test]
    fn a_rate_limit_spaces_attempts() {
        let mut pace = Pace::default();
        pace.rate.set(Some(4));
        pace.started(UnixMs(1_000));
        assert_eq!(pace.rate.not_before(), UnixMs(1_250));
        pace.started(UnixMs(1_100));
        assert_eq!(pace.rate.not_before(), UnixMs(1_500));
    }
}
