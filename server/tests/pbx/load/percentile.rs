//! Percentiles of times.

use std::{collections::HashMap, fmt, time::Duration};

use tokio::time::Instant;

/// Times, in order.
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(super) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        assert!(!times.is_empty());
        Self(times)
    }

    /// From each cause to its effect: the first effect of a number belongs to its first cause, and so forth.
    pub(super) fn between(causes: &HashMap<String, Vec<Instant>>, effects: &HashMap<String, Vec<Instant>>) -> Self {
        let pairs = causes.iter().flat_map(|(number, causes)| causes.iter().zip(&effects[number]));
        Self::of(pairs.map(|(cause, effect)| effect.saturating_duration_since(*cause)).collect())
    }

    pub(super) fn p99_ms(&self) -> u128 {
        self.percentile(99).as_millis()
    }

    pub(super) fn median_ms(&self) -> u128 {
        self.percentile(50).as_millis()
    }

    fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, p99, most] = [50, 99, 100].map(|percent| self.percentile(percent));
        write!(f, "p50 {median:.1?}, p99 {p99:.1?}, max {most:.1?} of {}", self.0.len())
    }
}
