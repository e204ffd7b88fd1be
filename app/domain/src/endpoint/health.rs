//! The health of an endpoint, and when it counts as failing or is disabled.

use serde::{Deserialize, Serialize};

use crate::time::{DAY_MS, HOUR_MS, UnixMs};

/// What consecutive failures must amount to before something follows from them. Silence is no failure: besides the time
/// since the first one, attempts and the days on which they failed are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Time since the first failure, in milliseconds.
    pub failing_for_ms: i64,
    /// Failed attempts.
    pub attempts: u32,
    /// Days on which attempts failed, counted from the time of the first failure.
    pub days: u32,
}

impl Evidence {
    /// When the first failure happened at the latest. An attempt may end after `now` was read: without a time, any will do.
    #[must_use]
    pub fn latest_start(self, now: UnixMs) -> UnixMs {
        if self.failing_for_ms == 0 { UnixMs(i64::MAX) } else { now.plus_ms(-self.failing_for_ms) }
    }
}

/// With either of these an endpoint counts as failing, and the customer gets the first warning.
pub const FAILING: [Evidence; 2] =
    [Evidence { failing_for_ms: 0, attempts: 10, days: 1 }, Evidence { failing_for_ms: HOUR_MS, attempts: 3, days: 1 }];
/// The second warning.
pub const FAILING_ONE_DAY: Evidence = Evidence { failing_for_ms: DAY_MS, attempts: 3, days: 2 };
/// The last warning.
pub const FAILING_FOUR_DAYS: Evidence = Evidence { failing_for_ms: 4 * DAY_MS, attempts: 10, days: 3 };
/// The endpoint is disabled, provided that [`LAST_WARNING_MS`] have passed since the last warning.
pub const DISABLED: Evidence = Evidence { failing_for_ms: 5 * DAY_MS, ..FAILING_FOUR_DAYS };
/// Minimum time between the last warning and the disabling, in milliseconds.
pub const LAST_WARNING_MS: i64 = DAY_MS;

/// A summary of an endpoint's latest attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Consecutive failed attempts; 0 after a success.
    pub failures_in_row: u32,
    /// When the first of the consecutive failures happened.
    pub failing_since: Option<UnixMs>,
    /// Days on which these failures happened, counted from the time of the first.
    pub failing_days: u32,
    /// When the last warning before the disabling was given.
    pub last_warning_at: Option<UnixMs>,
    /// When the latest 2xx response arrived.
    pub last_success_at: Option<UnixMs>,
    /// When the latest attempt was made, whatever its result.
    pub last_attempt_at: Option<UnixMs>,
    /// Whether an attempt has succeeded since the endpoint was resumed or its URL changed.
    pub proven: bool,
}

impl Health {
    /// Whether the endpoint counts as failing now.
    #[must_use]
    pub fn is_failing(&self, now: UnixMs) -> bool {
        FAILING.iter().any(|evidence| self.shows(*evidence, now))
    }

    fn shows(&self, evidence: Evidence, now: UnixMs) -> bool {
        self.failures_in_row >= evidence.attempts
            && self.failing_days >= evidence.days
            && self.failing_since.is_some_and(|since| since <= evidence.latest_start(now))
    }

    /// The earliest time at which the endpoint can be disabled if its attempts keep failing.
    #[must_use]
    pub fn disabled_from(&self, now: UnixMs) -> Option<UnixMs> {
        let since = self.failing_since?;
        let warned = self.last_warning_at.unwrap_or_else(|| now.max(since.plus_ms(FAILING_FOUR_DAYS.failing_for_ms)));
        Some(since.plus_ms(DISABLED.failing_for_ms).max(warned.plus_ms(LAST_WARNING_MS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_failing_after_ten_attempts_or_three_in_an_hour() {
        let nine = Health { failures_in_row: 9, failing_since: Some(UnixMs(0)), failing_days: 1, ..Health::default() };
        assert!(!nine.is_failing(UnixMs(HOUR_MS - 1)));
        assert!(nine.is_failing(UnixMs(HOUR_MS)));
        assert!(Health { failures_in_row: 3, ..nine }.is_failing(UnixMs(HOUR_MS)));
        assert!(!Health { failures_in_row: 2, ..nine }.is_failing(UnixMs(i64::MAX)));
        assert!(Health { failures_in_row: 10, ..nine }.is_failing(UnixMs(0)));
        assert!(!Health::default().is_failing(UnixMs(i64::MAX)));
    }

    #[test]
    fn an_endpoint_is_disabled_after_five_days_and_a_day_after_the_last_warning() {
        let health = Health { failing_since: Some(UnixMs(0)), ..Health::default() };
        assert_eq!(health.disabled_from(UnixMs(DAY_MS)), Some(UnixMs(5 * DAY_MS)));
        assert_eq!(health.disabled_from(UnixMs(9 * DAY_MS)), Some(UnixMs(10 * DAY_MS)), "no warning was given yet");
        let warned = Health { last_warning_at: Some(UnixMs(6 * DAY_MS)), ..health };
        assert_eq!(warned.disabled_from(UnixMs(9 * DAY_MS)), Some(UnixMs(7 * DAY_MS)));
        assert_eq!(Health::default().disabled_from(UnixMs(0)), None);
    }
}
