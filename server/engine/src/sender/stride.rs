//! How many rows a background task writes at a time, so that nobody waits long for the writer.

use std::time::Duration;

/// Bounds of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stride {
    /// Fewest and most rows of one transaction.
    pub rows: (u32, u32),
    /// How long one may hold the writer.
    pub limit: Duration,
}

impl Stride {
    /// Rows of the next step: half as many after one that came near the limit, a quarter more after one that stayed far from
    /// it. A step that found fewer rows than it would have taken says nothing about how long a whole one takes.
    pub fn next(&self, rows: u32, found: usize, took: Duration) -> u32 {
        let whole = found >= rows as usize;
        let next = match took {
            took if took > self.limit / 2 => rows / 2,
            took if whole && took < self.limit / 4 => rows + rows.div_ceil(4),
            _ => rows,
        };
        next.clamp(self.rows.0, self.rows.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRIDE: Stride = Stride { rows: (8, 200), limit: Duration::from_millis(20) };

    fn next(rows: u32, found: usize, took_ms: u64) -> u32 {
        STRIDE.next(rows, found, Duration::from_millis(took_ms))
    }

    #[test]
    fn a_step_that_took_long_is_followed_by_a_smaller_one() {
        assert_eq!((next(200, 200, 11), next(200, 3, 11)), (100, 100));
        assert_eq!(next(100, 100, 7), 100);
        assert_eq!(next(8, 8, 1_000), 8);
    }

    #[test]
    fn steps_grow_slowly_and_only_by_what_whole_ones_took() {
        assert_eq!((next(100, 100, 2), next(8, 8, 0), next(190, 190, 0)), (125, 10, 200));
        assert_eq!(next(100, 99, 0), 100, "the last of a round is short because little was left");
    }
}
