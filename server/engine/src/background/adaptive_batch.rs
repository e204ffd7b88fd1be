//! How many rows a worker writes at a time, so that the writer is never held for long.

use std::time::Duration;

use crate::clock;

/// Rest between two steps, so that events and outcomes come first, in milliseconds.
const STEP_PAUSE_MS: u64 = 50;

/// Whether a round rests between its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// It rests, beside a running server.
    Spaced,
    /// It does not, for tests and tools.
    Immediate,
}

impl Pacing {
    pub(super) async fn rest(self) {
        if self == Self::Spaced {
            clock::sleep_ms(STEP_PAUSE_MS).await;
        }
    }
}

/// Bounds of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct AdaptiveBatch {
    /// Fewest and most rows of one transaction.
    pub rows: (u32, u32),
    /// How long a transaction may hold the writer.
    pub limit: Duration,
}

impl AdaptiveBatch {
    /// Rows of the next step: half as many after one that came near the limit, a quarter more after one that stayed far from
    /// it. A step that found fewer rows than it asked for says nothing about how long a full one takes.
    pub(super) fn next(&self, rows: u32, found: usize, took: Duration) -> u32 {
        let full = found >= rows as usize;
        let next = match took {
            took if took > self.limit / 2 => rows / 2,
            took if full && took < self.limit / 4 => rows + rows.div_ceil(4),
            _ => rows,
        };
        next.clamp(self.rows.0, self.rows.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: AdaptiveBatch = AdaptiveBatch { rows: (8, 200), limit: Duration::from_millis(20) };

    fn next(rows: u32, found: usize, took_ms: u64) -> u32 {
        BATCH.next(rows, found, Duration::from_millis(took_ms))
    }

    #[test]
    fn a_slow_step_is_followed_by_a_smaller_one() {
        assert_eq!((next(200, 200, 11), next(200, 3, 11)), (100, 100));
        assert_eq!(next(100, 100, 7), 100);
        assert_eq!(next(8, 8, 1_000), 8);
    }

    #[test]
    fn steps_grow_slowly_and_only_after_full_ones() {
        assert_eq!((next(100, 100, 2), next(8, 8, 0), next(190, 190, 0)), (125, 10, 200));
        assert_eq!(next(100, 99, 0), 100, "the last step of a round is short because little was left");
    }
}
