//! Time as Offhook stores it: whole milliseconds since the Unix epoch, UTC.

use serde::{Deserialize, Serialize};

/// One second in milliseconds.
pub const SECOND_MS: i64 = 1_000;
/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// The time `ms` milliseconds later (earlier if negative), saturating at the bounds.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this time; negative if `earlier` is later.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(SECOND_MS)
    }
}

/// A source of time. The server uses the system clock, tests a fake one.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> UnixMs;
}

/// Formats a time as RFC 3339 in UTC with milliseconds: `2026-11-22T13:00:00.000Z`.
#[must_use]
pub fn iso_utc(at: UnixMs) -> String {
    let Ok(moment) = jiff::Timestamp::from_millisecond(at.0) else { return String::new() };
    format!("{moment:.3}")
}

/// Parses RFC 3339, optionally without seconds and without a zone, which then is UTC (the format of `datetime-local`).
#[must_use]
pub fn parse_utc(text: &str) -> Option<UnixMs> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(UnixMs(moment.as_millisecond()));
    }
    let local: jiff::civil::DateTime = text.trim_end_matches('Z').parse().ok()?;
    let moment = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(UnixMs(moment.timestamp().as_millisecond()))
}

/// Formats a duration with a single unit: `45 s`, `26 min`, `3 hours`, `5 days`. Negative counts as zero.
#[must_use]
pub fn span(ms: i64) -> String {
    let ms = ms.max(0);
    match ms {
        0..MINUTE_MS => format!("{} s", ms.div_euclid(SECOND_MS)),
        MINUTE_MS..HOUR_MS => format!("{} min", ms / MINUTE_MS),
        HOUR_MS..DAY_MS => counted(ms / HOUR_MS, "hour"),
        _ => counted(ms / DAY_MS, "day"),
    }
}

/// Whole seconds to wait, at least one: the value of `Retry-After`.
#[must_use]
pub fn wait_s(ms: i64) -> u32 {
    u32::try_from(ms.max(1).unsigned_abs().div_ceil(SECOND_MS.unsigned_abs())).unwrap_or(u32::MAX)
}

/// Formats the duration of an attempt: `84 ms`, or `3.0 s` from one second.
#[must_use]
pub fn length(ms: u32) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1_000, ms % 1_000 / 100) }
}

/// Formats how long ago something happened: `just now`, `2 min ago`.
#[must_use]
pub fn ago(ms: i64) -> String {
    if ms < SECOND_MS { "just now".to_owned() } else { format!("{} ago", span(ms)) }
}

/// A count with its noun in singular or plural: `1 hour`, `3 hours`.
#[must_use]
pub fn counted(n: i64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up() {
        assert_eq!([-5, 0, 1, 1_000, 1_001, HOUR_MS].map(wait_s), [1, 1, 1, 1, 2, 3_600]);
    }

    #[test]
    fn durations_from_one_second_are_in_seconds() {
        assert_eq!([0, 999, 1_000, 3_001, 14_960].map(length), ["0 ms", "999 ms", "1.0 s", "3.0 s", "14.9 s"]);
    }

    #[test]
    fn a_span_has_one_unit_and_a_correct_plural() {
        let spans: Vec<String> = [-5, 999, 59_999, 60_000, HOUR_MS, 2 * HOUR_MS, DAY_MS, 5 * DAY_MS].map(span).to_vec();
        assert_eq!(spans, ["0 s", "0 s", "59 s", "1 min", "1 hour", "2 hours", "1 day", "5 days"]);
    }

    #[test]
    fn a_time_round_trips_and_defaults_to_utc() {
        let at = UnixMs(1_764_000_000_123);
        assert_eq!(parse_utc(&iso_utc(at)), Some(at));
        assert_eq!(parse_utc("2026-11-22T13:00"), parse_utc("2026-11-22T13:00:00Z"));
        assert_eq!(parse_utc("2026-11-22T13:00Z"), parse_utc("2026-11-22T14:00:00+01:00"));
        assert_eq!(parse_utc("yesterday"), None);
    }

    #[test]
    fn seconds_before_the_epoch_round_down() {
        assert_eq!(UnixMs(-1).unix_seconds(), -1);
    }
}
