//! Where the bars of the cadence strip stand: logarithmic in time since the event, so that seconds and days fit
//! into one strip and each longer wait is seen as a wider gap.

use domain::{
    UnixMs,
    delivery::{Beat, DeliveryRow, Status},
    retry::Rhythm,
    time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS},
};

/// The strip of a news ends here: they are tried for a minute.
const NEWS_SPAN_MS: i64 = MINUTE_MS;
/// The strip of a record ends here: they are tried for about three days.
const RECORD_SPAN_MS: i64 = 3 * DAY_MS + 3 * HOUR_MS;
/// The duration at which a bar reaches its full height: the time limit of an attempt.
const FULL_HEIGHT_MS: f64 = 15_000.0;
/// The lowest bar, as a part of the full height.
const LOWEST: f64 = 0.3;

/// One bar of the strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Its left edge, from 0 to 1 of the width.
    pub x: f64,
    /// Its height, from 0 to 1.
    pub height: f64,
    /// Whether a 2xx came back.
    pub ok: bool,
}

/// A strip as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// One bar per attempt, oldest first.
    pub bars: Vec<Bar>,
    /// Left edge of the attempt that comes next.
    pub next: Option<f64>,
    /// The time that the whole width stands for, in milliseconds.
    pub span_ms: i64,
}

impl Strip {
    /// The strip of a delivery. `apart` is the least distance of two bars as a part of the width.
    #[must_use]
    pub fn of(row: &DeliveryRow, apart: f64) -> Self {
        let next = row.next_attempt_at.filter(|_| row.status == Status::Retrying);
        let since = |at: UnixMs| at.since_ms(row.created_at).max(0);
        let latest = row.beats.iter().map(|beat| beat.started_at).chain(next).map(since).max();
        let span_ms = usual_span_ms(row.rhythm).max(latest.unwrap_or(0));
        let times = row.beats.iter().map(|beat| beat.started_at).chain(next);
        let mut places = spread(times.map(|at| place(since(at), span_ms)).collect(), apart);
        let next = next.and_then(|_| places.pop());
        let bars = places.into_iter().zip(&row.beats).map(|(x, beat)| bar(x, beat)).collect();
        Self { bars, next, span_ms }
    }

    /// The marks of the time axis that fall into the strip.
    #[must_use]
    pub fn ticks(&self) -> Vec<Tick> {
        let all = TICKS.iter().filter(|(ms, ..)| *ms <= self.span_ms);
        all.map(|(ms, words, narrow)| Tick { x: place(*ms, self.span_ms), words, narrow: *narrow }).collect()
    }
}

/// A mark of the time axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tick {
    /// Its place, from 0 to 1 of the width.
    pub x: f64,
    /// The time since the event.
    pub words: &'static str,
    /// Whether there is room for its words on a phone.
    pub narrow: bool,
}

/// The marks there may be: milliseconds since the event, their words, and whether a phone has room for them.
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

const fn usual_span_ms(rhythm: Rhythm) -> i64 {
    match rhythm {
        Rhythm::News => NEWS_SPAN_MS,
        Rhythm::Record => RECORD_SPAN_MS,
    }
}

/// The place of a moment `ms` after the event, from 0 to 1. One second is the unit of the logarithm: shorter
/// waits than that do not occur.
#[expect(clippy::cast_precision_loss, reason = "spans of days in milliseconds are far below 2^53")]
fn place(ms: i64, span_ms: i64) -> f64 {
    let log = |ms: i64| (1.0 + ms.max(0) as f64 / 1_000.0).ln();
    (log(ms) / log(span_ms.max(1))).clamp(0.0, 1.0)
}

/// Keeps neighbours `apart`, first to the right and then, from the end, back into the strip.
fn spread(mut places: Vec<f64>, apart: f64) -> Vec<f64> {
    for at in 1..places.len() {
        places[at] = places[at].max(places[at - 1] + apart);
    }
    let mut limit = 1.0;
    for place in places.iter_mut().rev() {
        *place = place.min(limit).max(0.0);
        limit = *place - apart;
    }
    places
}

fn bar(x: f64, beat: &Beat) -> Bar {
    let part = (1.0 + f64::from(beat.duration_ms)).ln() / (1.0 + FULL_HEIGHT_MS).ln();
    Bar { x, height: part.clamp(LOWEST, 1.0), ok: beat.ok }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::sample;

    fn strip(starts_ms: &[i64], next: Option<i64>) -> Strip {
        let beat = |ms: &i64| Beat { started_at: UnixMs(*ms), duration_ms: 80, ok: false };
        let beats = starts_ms.iter().map(beat).collect();
        Strip::of(&DeliveryRow { beats, next_attempt_at: next.map(UnixMs), ..sample::row(Status::Retrying) }, 0.04)
    }

    #[test]
    fn each_wait_of_the_rhythm_is_seen_and_stays_within_the_strip() {
        let mut at = 0;
        let waits = Rhythm::Record.waits_ms();
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
    fn many_attempts_are_pushed_back_into_the_strip() {
        let bars = strip(&[0, 1, 2, DAY_MS * 9, DAY_MS * 9 + 1, DAY_MS * 9 + 2], None).bars;
        assert!(bars.iter().all(|bar| (0.0..=1.0).contains(&bar.x)));
        assert!(bars.windows(2).all(|pair| pair[1].x > pair[0].x));
    }

    #[test]
    fn the_next_attempt_stands_behind_the_last_and_only_while_retrying() {
        let open = strip(&[0, 5_000], Some(35_000));
        assert!(open.next.is_some_and(|next| next > open.bars[1].x));
        let row = DeliveryRow { next_attempt_at: Some(UnixMs(1)), ..sample::row(Status::Failed) };
        assert_eq!(Strip::of(&row, 0.04).next, None);
    }

    #[test]
    fn a_slow_answer_stands_higher_than_a_quick_one() {
        let height = |duration_ms| bar(0.0, &Beat { started_at: UnixMs(0), duration_ms, ok: true }).height;
        assert!(height(12_000) > height(80) && height(80) > height(1));
        assert!(height(60_000) <= 1.0);
    }

    #[test]
    fn the_axis_of_a_news_ends_at_its_minute() {
        let row = DeliveryRow { rhythm: Rhythm::News, ..sample::row(Status::Delivered) };
        let words: Vec<_> = Strip::of(&row, 0.04).ticks().into_iter().map(|tick| tick.words).collect();
        assert_eq!(words, ["event", "1 s", "10 s", "1 min"]);
    }
}
