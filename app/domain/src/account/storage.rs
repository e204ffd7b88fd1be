//! What an account stores, and what follows from it.

use serde::{Deserialize, Serialize};

/// Bytes of a megabyte, in which storage is limited and shown.
pub const MB: u64 = 1_000_000;
/// Per cent of the limit from which the account's settings say so.
const HIGH_PERCENT: u64 = 80;
/// Per cent of the limit from which events are refused.
const FULL_PERCENT: u64 = 120;

/// How much of its limit an account stores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StorageLevel {
    /// Less than 80 %.
    #[default]
    Normal,
    /// At least 80 %.
    High,
    /// More than it may: responses are no longer kept, and the oldest payloads are deleted early.
    Over,
    /// Far more, because what it stores still waits to be sent: events from its own tokens are refused.
    Full,
}

impl StorageLevel {
    /// The level of so many bytes under a limit in megabytes.
    #[must_use]
    pub fn of(bytes: u64, most_mb: u32) -> Self {
        let percent = bytes.saturating_mul(100) / (u64::from(most_mb).max(1) * MB);
        match percent {
            0..HIGH_PERCENT => Self::Normal,
            HIGH_PERCENT..=100 => Self::High,
            101..FULL_PERCENT => Self::Over,
            _ => Self::Full,
        }
    }

    /// The notice for admins; none while all is well.
    #[must_use]
    pub const fn notice(self) -> Option<&'static str> {
        match self {
            Self::Normal => None,
            Self::High => Some(
                "This account stores more than 80 % of what it may. Above the limit, responses are no longer kept and the \
                 oldest payloads are deleted early. Shorten the payload retention, or ask your provider for a higher limit.",
            ),
            Self::Over => Some(
                "This account stores more than it may. Responses are no longer kept, and the oldest payloads are deleted \
                 early. Shorten the payload retention, or ask your provider for a higher limit.",
            ),
            Self::Full => Some(
                "This account stores far more than it may, so events from its API tokens are refused. Resume or delete \
                 endpoints whose events are waiting, or ask your provider for a higher limit.",
            ),
        }
    }
}

/// How many of these hours, newest first, may keep their bodies: as many as fit, and always the first. Each has its bytes.
#[must_use]
pub fn hours_that_fit(bytes: &[u64], most_mb: u32) -> usize {
    let (most, mut sum) = (u64::from(most_mb) * MB, 0_u64);
    let fit = bytes.iter().take_while(|hour| {
        sum = sum.saturating_add(**hour);
        sum <= most
    });
    fit.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_follows_from_the_share_of_the_limit() {
        for (bytes, level) in [
            (0, StorageLevel::Normal),
            (7_999_999, StorageLevel::Normal),
            (8_000_000, StorageLevel::High),
            (10_000_000, StorageLevel::High),
            (10_100_000, StorageLevel::Over),
            (11_999_999, StorageLevel::Over),
            (12_000_000, StorageLevel::Full),
            (u64::MAX, StorageLevel::Full),
        ] {
            assert_eq!(StorageLevel::of(bytes, 10), level, "{bytes}");
        }
        assert!(StorageLevel::Over < StorageLevel::Full && StorageLevel::Normal.notice().is_none());
    }

    #[test]
    fn the_newest_hours_that_fit_keep_their_bodies() {
        assert_eq!(hours_that_fit(&[400_000, 600_000, 1], 1), 2);
        assert_eq!(hours_that_fit(&[5_000_000, 1], 1), 1, "the newest is always kept");
        assert_eq!(hours_that_fit(&[1, 2, 3], 1), 3);
        assert_eq!(hours_that_fit(&[], 1), 1);
    }
}
