//! How many attempts an endpoint gets at once: one more after each success, half as many after a failure.

use domain::UnixMs;

use super::{limits::IN_FLIGHT_MAX, throttle::Throttle};

/// A second in microseconds.
const SECOND_US: i64 = 1_000_000;

/// Attempts at once that an unknown endpoint gets.
pub const AT_ONCE_START: usize = 8;
/// Most attempts at once that one endpoint gets.
pub const AT_ONCE_MAX: usize = 64;
/// Most attempts of one endpoint that are not recorded yet, whether its server has responded or not: a quarter of all. While
/// half of all are in flight, no more than [`AT_ONCE_MAX`], so that a few fast endpoints leave room for the others.
pub const UNRECORDED_MAX: usize = IN_FLIGHT_MAX / 4;
const _: () = assert!(AT_ONCE_MAX <= UNRECORDED_MAX);

/// Most attempts of one endpoint that are not recorded yet, while this many of all endpoints are not.
pub const fn unrecorded_max(in_flight: usize) -> usize {
    if in_flight < IN_FLIGHT_MAX / 2 { UNRECORDED_MAX } else { AT_ONCE_MAX }
}

/// A limit in events per second.
#[derive(Debug, Clone, Copy, Default)]
pub struct RateLimit {
    per_s: Option<u32>,
    /// In microseconds: at 700 a second, attempts are 1.4 ms apart.
    not_before_us: i64,
}

impl RateLimit {
    /// Sets the limit.
    pub const fn set(&mut self, per_s: Option<u32>) {
        self.per_s = per_s;
    }

    /// When the next attempt may start.
    pub const fn not_before(&self) -> UnixMs {
        UnixMs(self.not_before_us / 1_000)
    }

    /// An attempt starts.
    pub fn used(&mut self, now: UnixMs) {
        if let Some(rate) = self.per_s.filter(|rate| *rate > 0) {
            self.not_before_us = self.not_before_us.max(now.0.saturating_mul(1_000)) + SECOND_US / i64::from(rate);
        }
    }

    fn clock_set_back(&mut self, now: UnixMs) {
        self.not_before_us = self.not_before_us.min(now.0.saturating_mul(1_000));
    }
}

/// Limits the attempts of one endpoint.
#[derive(Debug, Clone)]
pub struct ConcurrencyLimiter {
    at_once: usize,
    in_flight: usize,
    /// Attempts that have ended, and are not recorded yet.
    unrecorded: usize,
    /// The endpoint's own limit.
    pub rate: RateLimit,
    /// The limit for deliveries that were held until the endpoint was resumed.
    pub drain: RateLimit,
    throttle: Throttle,
}

impl Default for ConcurrencyLimiter {
    fn default() -> Self {
        Self {
            at_once: AT_ONCE_START,
            in_flight: 0,
            unrecorded: 0,
            rate: RateLimit::default(),
            drain: RateLimit::default(),
            throttle: Throttle::default(),
        }
    }
}

impl ConcurrencyLimiter {
    /// Whether another attempt may start, judging by those in flight. After a success, the next one need not wait until that
    /// is recorded: commits take longer than a fast response.
    pub const fn has_capacity(&self, unrecorded_max: usize) -> bool {
        self.in_flight < self.at_once && self.in_flight + self.unrecorded < unrecorded_max
    }

    /// Forgets waits computed before the clock was set back.
    pub fn clock_set_back(&mut self, now: UnixMs) {
        self.rate.clock_set_back(now);
        self.drain.clock_set_back(now);
        self.throttle.clock_set_back(now);
    }

    /// When the next attempt may start, judging by the rate and by the pause that the server requested.
    pub fn not_before(&self) -> UnixMs {
        self.rate.not_before().max(self.throttle.not_before())
    }

    /// Whether the server requested a pause.
    pub fn is_throttled(&self, now: UnixMs) -> bool {
        self.throttle.is_active(now)
    }

    /// The server requested a pause: one probe afterwards. Returns until when.
    pub fn throttle(&mut self, asked_s: Option<u32>, now: UnixMs, jitter: f64) -> UnixMs {
        self.at_once = 1;
        self.throttle.begin(asked_s, now, jitter)
    }

    /// The same, when another node was asked.
    pub fn learn_throttle(&mut self, until: UnixMs, now: UnixMs) {
        if self.throttle.learn(until, now) {
            self.at_once = 1;
        }
    }

    /// Forgets the pause that the server requested: the endpoint was changed or resumed.
    pub fn reset_throttle(&mut self) {
        self.throttle = Throttle::default();
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

    /// An ended attempt is recorded.
    pub const fn recorded(&mut self) {
        self.unrecorded = self.unrecorded.saturating_sub(1);
    }

    /// An attempt ended: with success, with failure, or without having been made. It still has to be recorded.
    pub fn ended(&mut self, ok: Option<bool>, now: UnixMs) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.unrecorded += 1;
        if ok == Some(true) {
            self.throttle.succeeded(now);
        }
        match ok {
            // One that was in flight when the pause began proves nothing about what follows it.
            Some(true) if self.is_throttled(now) => {}
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
    fn a_failing_endpoint_gets_one_probe_and_recovers_step_by_step() {
        let mut limiter = ConcurrencyLimiter::default();
        for _ in 0..10 {
            limiter.started(UnixMs(0));
            limiter.ended(Some(false), UnixMs(0));
            limiter.recorded();
        }
        limiter.started(UnixMs(0));
        assert!(!limiter.has_capacity(UNRECORDED_MAX), "one probe at a time");
        limiter.ended(Some(true), UnixMs(0));
        limiter.started(UnixMs(0));
        assert!(limiter.has_capacity(UNRECORDED_MAX));
        for _ in 0..200 {
            limiter.ended(Some(true), UnixMs(0));
            limiter.recorded();
        }
        (0..AT_ONCE_MAX).for_each(|_| limiter.started(UnixMs(0)));
        assert!(!limiter.has_capacity(UNRECORDED_MAX));
    }

    #[test]
    fn attempts_that_are_not_recorded_yet_are_limited_too() {
        let mut limiter = ConcurrencyLimiter::default();
        for _ in 0..UNRECORDED_MAX {
            assert!(limiter.has_capacity(UNRECORDED_MAX));
            limiter.started(UnixMs(0));
            limiter.ended(Some(true), UnixMs(0));
        }
        assert!(!limiter.has_capacity(UNRECORDED_MAX), "a quarter of all waits to be recorded");
        assert!(!limiter.has_capacity(unrecorded_max(IN_FLIGHT_MAX / 2)) && unrecorded_max(0) == UNRECORDED_MAX);
        limiter.recorded();
        assert!(limiter.has_capacity(UNRECORDED_MAX));
    }

    #[test]
    fn a_rate_limit_spaces_attempts() {
        let mut limiter = ConcurrencyLimiter::default();
        limiter.rate.set(Some(4));
        limiter.started(UnixMs(1_000));
        assert_eq!(limiter.rate.not_before(), UnixMs(1_250));
        limiter.started(UnixMs(1_100));
        assert_eq!(limiter.rate.not_before(), UnixMs(1_500));
    }

    #[test]
    fn a_throttled_endpoint_is_probed_once_and_then_grows() {
        let mut limiter = ConcurrencyLimiter::default();
        (0..3).for_each(|_| limiter.started(UnixMs(0)));
        assert_eq!(limiter.throttle(Some(2), UnixMs(0), 0.0), UnixMs(2_000));
        assert_eq!(limiter.throttle(Some(1), UnixMs(10), 0.0), UnixMs(2_000), "the others in flight belong to it");
        limiter.ended(Some(false), UnixMs(10));
        limiter.ended(Some(false), UnixMs(10));
        limiter.ended(Some(true), UnixMs(20));
        assert_eq!((limiter.not_before(), limiter.is_throttled(UnixMs(1_999))), (UnixMs(2_000), true));
        limiter.started(UnixMs(2_000));
        assert!(!limiter.has_capacity(UNRECORDED_MAX), "a late success changes nothing: one probe");
        assert_eq!(limiter.throttle(None, UnixMs(2_000), 0.0), UnixMs(4_000), "twice as long");
        limiter.ended(Some(false), UnixMs(2_000));
        limiter.started(UnixMs(4_000));
        limiter.ended(Some(true), UnixMs(4_000));
        limiter.started(UnixMs(4_000));
        assert!(limiter.has_capacity(UNRECORDED_MAX), "it grows");
        assert_eq!(limiter.throttle(None, UnixMs(5_000), 0.0), UnixMs(6_000), "and begins anew");
    }

    #[test]
    fn a_pause_is_learned_once_and_only_if_it_can_be_true() {
        let mut limiter = ConcurrencyLimiter::default();
        limiter.learn_throttle(UnixMs(5_000), UnixMs(5_000));
        limiter.learn_throttle(UnixMs(10 * domain::time::HOUR_MS), UnixMs(0));
        assert!(!limiter.is_throttled(UnixMs(0)), "it is over, or from a clock that was set back");
        limiter.learn_throttle(UnixMs(5_000), UnixMs(0));
        assert_eq!(limiter.not_before(), UnixMs(5_000));
        limiter.clock_set_back(UnixMs(100));
        assert!(!limiter.is_throttled(UnixMs(100)));
    }
}
