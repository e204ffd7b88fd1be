//! Hourly counts of an endpoint's deliveries, with a small histogram of attempt durations.

use serde::{Deserialize, Serialize};

use crate::{time::HOUR_MS, time::UnixMs};

/// Upper bounds of the histogram's buckets in milliseconds; the last bucket has none.
const BOUNDS_MS: [u32; 11] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
/// Number of buckets of the histogram.
pub const BUCKETS: usize = BOUNDS_MS.len() + 1;

/// A histogram of attempt durations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram(pub [u64; BUCKETS]);

impl Histogram {
    /// Counts an attempt of this duration.
    pub fn add(&mut self, duration_ms: u32) {
        self.0[BOUNDS_MS.partition_point(|bound| *bound < duration_ms)] += 1;
    }

    /// Adds another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// The percentile of the duration in milliseconds, rounded up to a bucket's bound;
    /// `None` if nothing was counted, and the largest bound for anything beyond it.
    #[must_use]
    pub fn percentile_ms(&self, percent: u64) -> Option<u32> {
        let all: u64 = self.0.iter().sum();
        let wanted = (all * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let cell = self.0.iter().position(|n| {
            seen += n;
            seen >= wanted
        })?;
        Some(BOUNDS_MS[cell.min(BOUNDS_MS.len() - 1)])
    }
}

/// Counts of one hour, or the sum of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Attempts with a 2xx response.
    pub delivered: u64,
    /// Failed attempts that will be retried.
    pub retrying: u64,
    /// Deliveries that ended as failed.
    pub failed: u64,
    /// Deliveries that ended as expired.
    pub expired: u64,
    /// Durations of the attempts.
    pub durations: Histogram,
}

impl Tally {
    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.retrying += other.retrying;
        self.failed += other.failed;
        self.expired += other.expired;
        self.durations.merge(&other.durations);
    }
}

/// The start of the hour that contains a time.
#[must_use]
pub const fn hour_of(at: UnixMs) -> UnixMs {
    UnixMs(at.0.div_euclid(HOUR_MS) * HOUR_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_bound_of_its_bucket() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile_ms(50), None);
        (0..90).for_each(|_| histogram.add(8));
        (0..10).for_each(|_| histogram.add(700));
        assert_eq!((histogram.percentile_ms(50), histogram.percentile_ms(95)), (Some(10), Some(1_000)));
        histogram.add(60_000);
        assert_eq!(histogram.percentile_ms(100), Some(10_000));
    }

    #[test]
    fn a_duration_on_a_bound_belongs_to_the_lower_bucket() {
        let mut histogram = Histogram::default();
        histogram.add(5);
        histogram.add(6);
        assert_eq!(&histogram.0[..2], &[1, 1]);
    }

    #[test]
    fn hours_start_on_the_hour() {
        assert_eq!(hour_of(UnixMs(HOUR_MS + 1)), UnixMs(HOUR_MS));
        assert_eq!(hour_of(UnixMs(-1)), UnixMs(-HOUR_MS));
    }
}
