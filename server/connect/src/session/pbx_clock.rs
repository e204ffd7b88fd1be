//! The phone system's clock. Everything that is compared with its events is on that clock; what leaves the connector is on ours.

use domain::time::{MINUTE_MS, SECOND_MS, UnixMs};

/// Clocks that differ less are the same: corrected times would differ from one start of the connector to the next.
const SAME_MS: i64 = 2 * SECOND_MS;
/// A difference that an administrator should know.
const OFF_MS: i64 = MINUTE_MS;

/// How the phone system's clock compares with ours.
#[derive(Debug, Default)]
pub(crate) struct PbxClock {
    /// How far it is ahead, in whole seconds; negative if it is behind.
    ahead_s: i64,
    /// Whether events state their time (Asterisk does with `timestampevents`), once the first of them is known: both are never mixed.
    events_are_stamped: Option<bool>,
    latest: UnixMs,
}

impl PbxClock {
    /// The phone system stated its time.
    pub(crate) fn stated(&mut self, pbx: UnixMs, now: UnixMs) {
        let ahead_ms = pbx.since_ms(now);
        let rounded = (ahead_ms + SECOND_MS / 2).div_euclid(SECOND_MS);
        self.ahead_s = if ahead_ms.abs() < SAME_MS { 0 } else { rounded };
    }

    /// This time of ours on the phone system's clock.
    pub(crate) fn theirs(&self, ours: UnixMs) -> UnixMs {
        ours.plus_ms(self.ahead_s.saturating_mul(SECOND_MS))
    }

    /// This second of the phone system's on our clock.
    pub(crate) const fn our_second(&self, theirs_s: i64) -> i64 {
        theirs_s.saturating_sub(self.ahead_s)
    }

    /// When an event happened that arrived now.
    pub(crate) fn time_of_event(&mut self, stated: Option<UnixMs>, now: UnixMs) -> UnixMs {
        let is_stamped = *self.events_are_stamped.get_or_insert(stated.is_some());
        let at = if is_stamped { stated.unwrap_or(self.latest) } else { self.theirs(now) };
        self.latest = at;
        at
    }

    /// How far it is ahead, in seconds, if that is worth a warning.
    pub(crate) fn off_s(&self) -> Option<i64> {
        (self.ahead_s.saturating_mul(SECOND_MS).abs() >= OFF_MS).then_some(self.ahead_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_832_696_400);

    #[test]
    fn clocks_that_differ_by_less_than_two_seconds_are_the_same() {
        let mut clock = PbxClock::default();
        for (ahead_ms, seconds) in [(1_999, 0), (-1_999, 0), (2_600, 3), (-300_400, -300), (300_400, 300)] {
            clock.stated(NOW.plus_ms(ahead_ms), NOW);
            assert_eq!(clock.our_second(1_000), 1_000 - seconds, "{ahead_ms}");
        }
        assert_eq!(clock.theirs(NOW), NOW.plus_ms(300_000));
        assert_eq!(clock.off_s(), Some(300));
    }

    #[test]
    fn stated_times_and_times_of_arrival_are_never_mixed() {
        let mut stamped = PbxClock::default();
        assert_eq!(stamped.time_of_event(Some(UnixMs(5)), NOW), UnixMs(5));
        assert_eq!(stamped.time_of_event(None, NOW), UnixMs(5));
        let mut plain = PbxClock::default();
        assert_eq!(plain.time_of_event(None, NOW), NOW);
        assert_eq!(plain.time_of_event(Some(UnixMs(5)), NOW), NOW);
    }
}
