//! Asterisk's clock. What is compared with its events is on that clock; what leaves the connector is on ours.

use domain::time::{MINUTE_MS, SECOND_MS, UnixMs};

/// Clocks that differ less are the same: corrected times would differ from one connection to the next.
const SAME_MS: i64 = 2 * SECOND_MS;
/// A difference that an administrator should know.
const OFF_MS: i64 = MINUTE_MS;

/// How Asterisk's clock compares with ours.
#[derive(Debug, Default)]
pub(super) struct PbxClock {
    /// How far it is ahead, as far as known; negative if it is behind.
    ahead_ms: i64,
    /// Whether an event has shown it since [`Self::renew`].
    is_known: bool,
    latest: UnixMs,
}

impl PbxClock {
    /// An event that happened now states this time. The way here only makes a clock look late, so the largest difference counts.
    pub(super) fn observe(&mut self, stated: UnixMs, now: UnixMs) {
        let ahead_ms = stated.since_ms(now);
        self.ahead_ms = if self.is_known { self.ahead_ms.max(ahead_ms) } else { ahead_ms };
        self.is_known = true;
    }

    /// The clock may have been set: the next event shows how it compares.
    pub(super) const fn renew(&mut self) {
        self.is_known = false;
    }

    /// When an event happened, on Asterisk's clock.
    pub(super) fn time_of_event(&mut self, stated: Option<UnixMs>) -> UnixMs {
        self.latest = stated.unwrap_or(self.latest);
        self.latest
    }

    /// This time of ours on Asterisk's clock.
    pub(super) const fn theirs(&self, ours: UnixMs) -> UnixMs {
        ours.plus_ms(self.ahead_s().saturating_mul(SECOND_MS))
    }

    /// This second of Asterisk's on our clock.
    pub(super) const fn our_second(&self, theirs_s: i64) -> i64 {
        theirs_s.saturating_sub(self.ahead_s())
    }

    /// How far it is ahead, in seconds, if that is worth a warning.
    pub(super) const fn off_s(&self) -> Option<i64> {
        if self.ahead_ms.saturating_abs() >= OFF_MS { Some(self.ahead_s()) } else { None }
    }

    const fn ahead_s(&self) -> i64 {
        if self.ahead_ms.saturating_abs() < SAME_MS {
            return 0;
        }
        self.ahead_ms.saturating_add(SECOND_MS / 2).div_euclid(SECOND_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_832_696_400);

    #[test]
    fn clocks_that_differ_by_less_than_two_seconds_are_the_same() {
        for (ahead_ms, seconds) in [(1_999, 0), (-1_999, 0), (2_600, 3), (-300_400, -300), (300_400, 300)] {
            let mut clock = PbxClock::default();
            clock.observe(NOW.plus_ms(ahead_ms), NOW);
            assert_eq!(clock.our_second(1_000), 1_000 - seconds, "{ahead_ms}");
            assert_eq!(clock.theirs(NOW), NOW.plus_ms(seconds * 1_000));
            assert_eq!(clock.off_s(), (seconds.abs() == 300).then_some(seconds));
        }
    }

    #[test]
    fn a_delayed_event_does_not_make_the_clock_late() {
        let mut clock = PbxClock::default();
        clock.observe(NOW, NOW);
        clock.observe(NOW.plus_ms(-90_000), NOW);
        assert_eq!(clock.off_s(), None);
        clock.renew();
        clock.observe(NOW.plus_ms(-90_000), NOW);
        assert_eq!(clock.off_s(), Some(-90), "it was set");
    }

    #[test]
    fn an_event_without_a_time_has_that_of_the_one_before() {
        let mut clock = PbxClock::default();
        assert_eq!(clock.time_of_event(Some(NOW)), NOW);
        assert_eq!(clock.time_of_event(None), NOW);
    }
}
