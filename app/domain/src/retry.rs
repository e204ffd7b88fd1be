//! The rhythm: when a failed delivery is tried again, and when it ends.

use serde::{Deserialize, Serialize};

use crate::{
    cause::Cause,
    event::EventKind,
    time::{HOUR_MS, MINUTE_MS, SECOND_MS, UnixMs},
};

/// How long news stay fresh after they were accepted.
pub const NEWS_FRESH_MS: i64 = 60 * SECOND_MS;
/// Longest wait that a `Retry-After` may ask for.
pub const RETRY_AFTER_MAX_MS: i64 = HOUR_MS;
/// Each wait is this much shorter or longer at random, in percent, so that retries do not come in step.
pub const JITTER_PERCENT: i64 = 10;

const NEWS_WAITS_MS: &[i64] = &[SECOND_MS, 3 * SECOND_MS, 8 * SECOND_MS, 20 * SECOND_MS];
const RECORD_WAITS_MS: &[i64] = &[
    5 * SECOND_MS,
    30 * SECOND_MS,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
    24 * HOUR_MS,
    24 * HOUR_MS,
];

/// How a kind of event is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rhythm {
    /// Worthless when late: a few tries within a minute.
    News,
    /// Must arrive: about three days of tries.
    Record,
}

impl Rhythm {
    /// The rhythm of a kind at an endpoint. With "deliver anyway" calls are tried like records.
    #[must_use]
    pub const fn of(kind: EventKind, deliver_late: bool) -> Self {
        match kind {
            EventKind::CallProcessed => Self::Record,
            _ if deliver_late => Self::Record,
            _ => Self::News,
        }
    }

    /// The waits between attempts in milliseconds, before jitter. The first attempt is made at once.
    #[must_use]
    pub const fn waits_ms(self) -> &'static [i64] {
        match self {
            Self::News => NEWS_WAITS_MS,
            Self::Record => RECORD_WAITS_MS,
        }
    }

    /// How many attempts there are at the most.
    #[must_use]
    pub const fn attempts(self) -> u32 {
        match self {
            Self::News => 5,
            Self::Record => 12,
        }
    }

    /// How long after acceptance the event is still worth sending; none when always.
    #[must_use]
    pub const fn fresh_ms(self) -> Option<i64> {
        match self {
            Self::News => Some(NEWS_FRESH_MS),
            Self::Record => None,
        }
    }
}

/// Why a delivery ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// All tries were used.
    Exhausted,
    /// The endpoint said 410 Gone.
    Gone,
    /// News that could not be sent while they were fresh.
    TooLate,
    /// News overtaken by the end of their own call.
    Superseded,
    /// A person cancelled it.
    Cancelled,
    /// Its endpoint was deleted.
    EndpointDeleted,
}

impl EndReason {
    /// All reasons.
    pub const ALL: [Self; 6] =
        [Self::Exhausted, Self::Gone, Self::TooLate, Self::Superseded, Self::Cancelled, Self::EndpointDeleted];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Gone => "gone",
            Self::TooLate => "too_late",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
            Self::EndpointDeleted => "endpoint_deleted",
        }
    }

    /// The reason of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// What the list says about it, without a full stop.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Exhausted => "All tries were used",
            Self::Gone => "Server said Gone (410)",
            Self::TooLate => "Too late: a call that rings is not announced after 60 s",
            Self::Superseded => "Overtaken: the call had already ended",
            Self::Cancelled => "Cancelled by a person",
            Self::EndpointDeleted => "Its endpoint was deleted",
        }
    }
}

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again then.
    RetryAt(UnixMs),
    /// Ended as failed.
    Failed(EndReason),
    /// Ended as expired.
    Expired(EndReason),
}

/// What is known when an attempt has failed.
#[derive(Debug, Clone, Copy)]
pub struct Tried {
    /// The rhythm that applies.
    pub rhythm: Rhythm,
    /// How many attempts have been made in this round of tries, this one included.
    pub attempts: u32,
    /// Why it failed.
    pub cause: Cause,
    /// Seconds that the server asked us to wait (429 and 503).
    pub retry_after_s: Option<u32>,
    /// When the event was accepted, or resent.
    pub fresh_from: UnixMs,
    /// Whether the end of the same call is already waiting behind this one.
    pub call_ended: bool,
}

/// Decides what follows a failed attempt. `jitter` is a random number from −1 to 1.
#[must_use]
pub fn after_failure(tried: Tried, now: UnixMs, jitter: f64) -> Next {
    if tried.cause == Cause::Http410 {
        return Next::Failed(EndReason::Gone);
    }
    if tried.rhythm == Rhythm::News && tried.call_ended {
        return Next::Expired(EndReason::Superseded);
    }
    let made = usize::try_from(tried.attempts).unwrap_or(usize::MAX);
    let Some(wait_ms) = tried.rhythm.waits_ms().get(made.saturating_sub(1)) else {
        return Next::Failed(EndReason::Exhausted);
    };
    let asked_ms = tried.retry_after_s.map_or(0, |s| (i64::from(s) * SECOND_MS).min(RETRY_AFTER_MAX_MS));
    let at = now.plus_ms(jittered(*wait_ms, jitter).max(asked_ms));
    if is_late(tried.rhythm, tried.fresh_from, at) {
        return Next::Expired(EndReason::TooLate);
    }
    Next::RetryAt(at)
}

/// Whether the event is no longer worth sending at `at`.
#[must_use]
pub fn is_late(rhythm: Rhythm, fresh_from: UnixMs, at: UnixMs) -> bool {
    rhythm.fresh_ms().is_some_and(|fresh_ms| at.since_ms(fresh_from) > fresh_ms)
}

#[expect(clippy::cast_possible_truncation, reason = "a tenth of a day in milliseconds fits")]
#[expect(clippy::cast_precision_loss, reason = "as above")]
fn jittered(wait_ms: i64, jitter: f64) -> i64 {
    wait_ms + ((wait_ms * JITTER_PERCENT) as f64 / 100.0 * jitter.clamp(-1.0, 1.0)) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tried(rhythm: Rhythm, attempts: u32) -> Tried {
        Tried { rhythm, attempts, cause: Cause::Http5xx, retry_after_s: None, fresh_from: UnixMs(0), call_ended: false }
    }

    #[test]
    fn a_record_is_tried_twelve_times_over_about_three_days() {
        let waits: i64 = Rhythm::Record.waits_ms().iter().sum();
        assert!((70..76).contains(&(waits / HOUR_MS)));
        assert_eq!(after_failure(tried(Rhythm::Record, 1), UnixMs(0), 0.0), Next::RetryAt(UnixMs(5_000)));
        assert_eq!(after_failure(tried(Rhythm::Record, 12), UnixMs(0), 0.0), Next::Failed(EndReason::Exhausted));
        assert_eq!(Rhythm::Record.attempts() as usize, Rhythm::Record.waits_ms().len() + 1);
        assert_eq!(Rhythm::News.attempts() as usize, Rhythm::News.waits_ms().len() + 1);
    }

    #[test]
    fn news_expire_when_the_next_try_would_be_late() {
        let late = after_failure(tried(Rhythm::News, 4), UnixMs(45_000), 0.0);
        assert_eq!(late, Next::Expired(EndReason::TooLate));
        assert_eq!(after_failure(tried(Rhythm::News, 4), UnixMs(30_000), 0.0), Next::RetryAt(UnixMs(50_000)));
    }

    #[test]
    fn news_are_superseded_by_the_end_of_their_call_and_records_are_not() {
        let ended = |rhythm| after_failure(Tried { call_ended: true, ..tried(rhythm, 1) }, UnixMs(0), 0.0);
        assert_eq!(ended(Rhythm::News), Next::Expired(EndReason::Superseded));
        assert_eq!(ended(Rhythm::Record), Next::RetryAt(UnixMs(5_000)));
    }

    #[test]
    fn gone_ends_at_once_and_retry_after_is_honoured_up_to_an_hour() {
        let gone = Tried { cause: Cause::Http410, ..tried(Rhythm::Record, 1) };
        assert_eq!(after_failure(gone, UnixMs(0), 0.0), Next::Failed(EndReason::Gone));
        let asked = |s| Tried { retry_after_s: Some(s), ..tried(Rhythm::Record, 1) };
        assert_eq!(after_failure(asked(120), UnixMs(0), 0.0), Next::RetryAt(UnixMs(120_000)));
        assert_eq!(after_failure(asked(1), UnixMs(0), 0.0), Next::RetryAt(UnixMs(5_000)));
        assert_eq!(after_failure(asked(86_400), UnixMs(0), 0.0), Next::RetryAt(UnixMs(HOUR_MS)));
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_tenth(attempts in 1_u32..12, jitter in -1.0_f64..1.0) {
            let wait = Rhythm::Record.waits_ms()[attempts as usize - 1];
            let Next::RetryAt(at) = after_failure(tried(Rhythm::Record, attempts), UnixMs(0), jitter) else {
                return Err(TestCaseError::fail("a record with tries left is retried"));
            };
            prop_assert!((at.0 - wait).abs() <= wait / 10);
        }
    }
}
