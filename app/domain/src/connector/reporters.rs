//! Who reports a connector: each run of a program beside a phone system has a name of its own, so that two of them are noticed.

use serde::{Deserialize, Serialize};

use crate::time::{MINUTE_MS, UnixMs};

/// Longest name of a run, in characters.
pub(super) const RUN_MAX_CHARS: usize = 40;

/// How long a run is taken to be alive after a report, in milliseconds.
const ALIVE_MS: i64 = 2 * MINUTE_MS;

/// The latest runs that reported a connector while they were connected to its phone system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reporters {
    /// The latest.
    current: Option<String>,
    /// The one before.
    before: Option<String>,
    /// When the latest took over.
    turned_at: Option<UnixMs>,
    /// Until when two are taken to be alive.
    two_until: Option<UnixMs>,
}

impl Reporters {
    /// After a report of this run. One that comes back after another had taken over is alive beside it; after a restart, the one
    /// before never does.
    #[must_use]
    pub fn after(&self, run: &str, now: UnixMs) -> Self {
        if self.current.as_deref() == Some(run) {
            return self.clone();
        }
        let lately = self.turned_at.is_some_and(|at| now.since_ms(at) < ALIVE_MS);
        let is_back = lately && self.before.as_deref() == Some(run);
        Self {
            current: Some(run.to_owned()),
            before: self.current.clone(),
            turned_at: Some(now),
            two_until: if is_back { Some(now.plus_ms(ALIVE_MS)) } else { self.two_until },
        }
    }

    /// Whether two report.
    #[must_use]
    pub fn are_two(&self, now: UnixMs) -> bool {
        self.two_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(runs: &[(&str, i64)]) -> Reporters {
        runs.iter().fold(Reporters::default(), |reporters, (run, at)| reporters.after(run, UnixMs(*at)))
    }

    #[test]
    fn two_that_take_turns_are_two_until_one_is_silent() {
        let turns = after(&[("a", 0), ("b", 10_000), ("a", 30_000)]);
        assert!(turns.are_two(UnixMs(30_000)) && turns.are_two(UnixMs(30_000 + ALIVE_MS - 1)));
        assert!(!turns.are_two(UnixMs(30_000 + ALIVE_MS)));
        assert!(turns.after("b", UnixMs(40_000)).are_two(UnixMs(30_000 + ALIVE_MS)));
    }

    #[test]
    fn a_run_after_another_is_a_restart() {
        let restarts = after(&[("a", 0), ("a", 30_000), ("b", 31_000), ("b", 60_000), ("c", 61_000), ("d", 62_000)]);
        assert!(!restarts.are_two(UnixMs(62_000)));
        let late = after(&[("a", 0), ("b", 10_000), ("a", 10_000 + ALIVE_MS)]);
        assert!(!late.are_two(UnixMs(10_000 + ALIVE_MS)), "moved there and back");
    }
}
