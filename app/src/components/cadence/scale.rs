//! Positions in the cadence strip: logarithmic in the time since the event, so that seconds and days fit into one
//! strip and each longer wait shows as a wider gap.

use domain::{
    UnixMs,
    delivery::{AttemptMark, DeliveryRow, Status},
    retry::RetryPolicy,
    time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS},
};

/// Width of the strip for ephemeral events, which are retried for a minute.
const EPHEMERAL_SPAN_MS: i64 = MINUTE_MS;
/// Width of the strip for durable events, which are retried for about three days.
const DURABLE_SPAN_MS: i64 = 3 * DAY_MS + 3 * HOUR_MS;
/// Duration at which a bar reaches its full height: the default timeout.
const FULL_HEIGHT_MS: f64 = 15_000.0;
/// Height of the lowest bar, as a fraction of the full height.
const LOWEST: f64 = 0.3;

/// One bar of the strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Left edge, from 0 to 1 of the width.
    pub x: f64,
    /// Height, from 0 to 1.
    pub height: f64,
    /// Whether the response was a 2xx.
    pub ok: bool,
}

/// The layout of a strip.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// One bar per attempt, oldest first.
    pub bars: Vec<Bar>,
    /// Left edge of the next attempt.
    pub next: Option<f64>,
    /// The time that the whole width represents, in milliseconds.
    pub span_ms: i64,
}

impl Strip {
    /// The strip of a delivery. `apart` is the minimum distance between two bars as a fraction of the width.
    #[must_use]
    pub fn of(row: &DeliveryRow, apart: f64) -> Self {
        let next = row.next_attempt_at.filter(|_| row.status == Status::Retrying);
        let since = |at: UnixMs| at.since_ms(row.created_at).max(0);
        let latest = row.beats.iter().map(|beat| beat.started_at).chain(next).map(since).max();
        let span_ms = usual_span_ms(row.policy).max(latest.unwrap_or(0));
        let times = row.beats.iter().map(|beat| beat.started_at).chain(next);
        let mut positions = spread(times.map(|at| position(since(at), span_ms)).collect(), apart);
        let next = next.and_then(|_| positions.pop());
        let bars = positions.into_iter().zip(&row.beats).map(|(x, beat)| bar(x, beat)).collect();
        Self { bars, next, span_ms }
    }

    /// The ticks of the time axis within the strip.
    #[must_use]
    pub fn ticks(&self) -> Vec<Tick> {
        let all = TICKS.iter().filter(|(ms, ..)| *ms <= self.span_ms);
        all.map(|(ms, label, narrow)| Tick { x: position(*ms, self.span_ms), label, narrow: *narrow }).collect()
    }
}

/// A tick of the time axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tick {
    /// Position, from 0 to 1 of the width.
    pub x: f64,
    /// The time since the event.
    pub label: &'static str,
    /// Whether its label is shown on a phone.
    pub narrow: bool,
}

/// All ticks: milliseconds since the event, label, and whether the label is shown on a phone.
const TICKS: &[(i64, &str, bool)] = &[
    (0, "event", true),
    (SECOND_MS, "1 s", false),
    (10 * SECOND_MS, "10 s", true),
    (MINUTE_MS, "1 min", false),
    (10 * MINUTE_MS, "10 min", true),
    (HOUR_MS, "1 h", false),
    (6 * HOUR_MS, "6 h", false),
    (DAY_MS, "1 day", false),
    (3 * DAY_MS, "3 days", true),
];

const fn usual_span_ms(policy: RetryPolicy) -> i64 {
    match policy {
        RetryPolicy::Ephemeral => EPHEMERAL_SPAN_MS,
        RetryPolicy::Durable => DURABLE_SPAN_MS,
    }
}

/// The position of a time `ms` after the event, from 0 to 1. One second is the unit of the logarithm: shorter waits do
/// not occur.
#[expect(clippy::cast_precision_loss, reason = "spans of days in milliseconds are far below 2^53")]
fn position(ms: i64, span_ms: i64) -> f64 {
    let log = |ms: i64| (1.0 + ms.max(0) as f64 / 1_000.0).ln();
    (log(ms) / log(span_ms.max(1))).clamp(0.0, 1.0)
}

/// Keeps neighbours `apart`: pushes them right, then from the end back into the strip.
fn spread(mut positions: Vec<f64>, apart: f64) -> Vec<f64> {
    for index in 1..positions.len() {
        positions[index] = positions[index].max(positions[index - 1] + apart);
    }
    let mut limit = 1.0;
    for position in positions.iter_mut().rev() {
        *position = position.min(limit).max(0.0);
        limit = *position - apart;
    }
    positions
}

fn bar(x: f64, beat: &AttemptMark) -> Bar {
    let fraction = (1.0 + f64::from(beat.duration_ms)).ln() / (1.0 + FULL_HEIGHT_MS).ln();
    Bar { x, height: fraction.clamp(LOWEST, 1.0), ok: beat.ok }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::sample;

    fn strip(starts_ms: &[i64], next: Option<i64>) -> Strip {
        let beat = |ms: &i64| AttemptMark { started_at: UnixMs(*ms), duration_ms: 80, ok: false };
        let beats = starts_ms.iter().map(beat).collect();
        Strip::of(&DeliveryRow { beats, next_attempt_at: next.map(UnixMs), ..sample::row(Status::Retrying) }, 0.04)
    }

    #[test]
    fn every_wait_of_the_retry_policy_fits_into_the_strip() {
        let mut at = 0;
        let waits = RetryPolicy::Durable.waits_ms();
        let starts: Vec<i64> = std::iter::once(0)
            .chain(waits.iter().map(|wait| {
                at += wait;
                at
            }))
            .collect();
        let bars = strip(&starts, None).bars;
        assert_eq!(bars.len(), 12);
        assert!(bars.windows(2).all(|pair| pair[1].x - pair[0].x >= 0.04 - 1e-9));
        assert!(bars[0].x == 0.0 && bars[11].x <= 1.0);
    }

    #[test]
    fn late_attempts_are_pushed_back_into_the_strip() {
        let bars = strip(&[0, 1, 2, DAY_MS * 9, DAY_MS * 9 + 1, DAY_MS * 9 + 2], None).bars;
        assert!(bars.iter().all(|bar| (0.0..=1.0).contains(&bar.x)));
        assert!(bars.windows(2).all(|pair| pair[1].x > pair[0].x));
    }

    #[test]
    fn the_next_attempt_is_shown_after_the_last_and_only_while_retrying() {
        let open = strip(&[0, 5_000], Some(35_000));
        assert!(open.next.is_some_and(|next| next > open.bars[1].x));
        let row = DeliveryRow { next_attempt_at: Some(UnixMs(1)), ..sample::row(Status::Failed) };
        assert_eq!(Strip::of(&row, 0.04).next, None);
    }

    #[test]
    fn a_slow_attempt_has_a_taller_bar_than_a_fast_one() {
        let height = |duration_ms| bar(0.0, &AttemptMark { started_at: UnixMs(0), duration_ms, ok: true }).height;
        assert!(height(12_000) > height(80) && height(80) > height(1));
        assert!(height(60_000) <= 1.0);
    }

    #[test]
    fn the_axis_of_an_ephemeral_event_ends_at_one_minute() {
        let row = DeliveryRow { policy: RetryPolicy::Ephemeral, ..sample::row(Status::Delivered) };
        let labels: Vec<_> = Strip::of(&row, 0.04).ticks().into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, ["event", "1 s", "10 s", "1 min"]);
    }
}
