//! The health of an endpoint, and when it counts as failing or is disabled.

use serde::{Deserialize, Serialize};

use crate::time::{MINUTE_MS, UnixMs};

/// Consecutive failed attempts after which an endpoint counts as failing.
pub const FAILING_AFTER_ATTEMPTS: u32 = 10;
/// Time without a success after which an endpoint counts as failing, however few attempts there were.
pub const FAILING_AFTER_MS: i64 = 60 * MINUTE_MS;
/// How long an endpoint has been failing when the customer gets the second and the last warning.
pub const WARNED_AFTER_MS: [i64; 2] = [24 * 60 * MINUTE_MS, 4 * 24 * 60 * MINUTE_MS];
/// How long an endpoint has been failing when it is disabled.
pub const DISABLED_AFTER_MS: i64 = 5 * 24 * 60 * MINUTE_MS;

/// A summary of an endpoint's latest attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Consecutive failed attempts; 0 after a success.
    pub failures_in_row: u32,
    /// When the first of the consecutive failures happened.
    pub failing_since: Option<UnixMs>,
    /// When the latest 2xx response arrived.
    pub last_success_at: Option<UnixMs>,
    /// When the latest attempt was made, whatever its result.
    pub last_attempt_at: Option<UnixMs>,
}

impl Health {
    /// Whether the endpoint counts as failing now.
    #[must_use]
    pub fn is_failing(&self, now: UnixMs) -> bool {
        self.failures_in_row >= FAILING_AFTER_ATTEMPTS
            || self.failing_since.is_some_and(|since| now.since_ms(since) >= FAILING_AFTER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_failing_after_ten_attempts_or_an_hour() {
        let health = Health { failures_in_row: 9, failing_since: Some(UnixMs(0)), ..Health::default() };
        assert!(!health.is_failing(UnixMs(FAILING_AFTER_MS - 1)));
        assert!(health.is_failing(UnixMs(FAILING_AFTER_MS)));
        assert!(Health { failures_in_row: 10, ..health }.is_failing(UnixMs(0)));
        assert!(!Health::default().is_failing(UnixMs(i64::MAX)));
    }
}
