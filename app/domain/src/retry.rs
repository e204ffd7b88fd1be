//! Retry policies: when a failed delivery is retried, and when it ends.

use serde::{Deserialize, Serialize};

use crate::{
    cause::Cause,
    event_kind::EventKind,
    time::{HOUR_MS, MINUTE_MS, SECOND_MS, UnixMs},
};

/// How long an ephemeral event is worth sending after its acceptance, in milliseconds.
pub const EPHEMERAL_FRESH_MS: i64 = 60 * SECOND_MS;
/// Maximum wait honoured from `Retry-After`, in milliseconds.
pub const RETRY_AFTER_MAX_MS: i64 = HOUR_MS;
/// Each wait is randomly up to this much shorter or longer, in percent, so that retries don't synchronise.
pub const JITTER_PERCENT: i64 = 10;

const EPHEMERAL_WAITS_MS: &[i64] = &[SECOND_MS, 3 * SECOND_MS, 8 * SECOND_MS, 20 * SECOND_MS];
const DURABLE_WAITS_MS: &[i64] = &[
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

/// How a kind of event is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryPolicy {
    /// Worthless when late: a few attempts within a minute.
    Ephemeral,
    /// Must arrive: attempts over about three days.
    Durable,
}

impl RetryPolicy {
    /// The policy for a kind of event. With "deliver anyway", call-start events are durable too.
    #[must_use]
    pub const fn of(kind: EventKind, deliver_late: bool) -> Self {
        match kind {
            EventKind::CallProcessed => Self::Durable,
            _ if deliver_late => Self::Durable,
            _ => Self::Ephemeral,
        }
    }

    /// The waits between attempts in milliseconds, before jitter. The first attempt is immediate.
    #[must_use]
    pub const fn waits_ms(self) -> &'static [i64] {
        match self {
            Self::Ephemeral => EPHEMERAL_WAITS_MS,
            Self::Durable => DURABLE_WAITS_MS,
        }
    }

    /// Maximum number of attempts.
    #[must_use]
    pub const fn attempts(self) -> u32 {
        match self {
            Self::Ephemeral => 5,
            Self::Durable => 12,
        }
    }

    /// How long after acceptance the event is worth sending, in milliseconds; `None` for no limit.
    #[must_use]
    const fn fresh_ms(self) -> Option<i64> {
        match self {
            Self::Ephemeral => Some(EPHEMERAL_FRESH_MS),
            Self::Durable => None,
        }
    }
}

/// Why a delivery ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// All attempts failed.
    Exhausted,
    /// The endpoint returned 410 Gone.
    Gone,
    /// An ephemeral event that could not be delivered in time.
    TooLate,
    /// An ephemeral event superseded by the end of its call.
    Superseded,
    /// A user cancelled it.
    Cancelled,
    /// Its endpoint was deleted.
    EndpointDeleted,
}

impl EndReason {
    /// All reasons.
    pub const ALL: [Self; 6] =
        [Self::Exhausted, Self::Gone, Self::TooLate, Self::Superseded, Self::Cancelled, Self::EndpointDeleted];

    /// The name in REST and in the database.
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

    /// The reason with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// The sentence shown in the list, without a full stop.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Exhausted => "All attempts failed",
            Self::Gone => "Server returned 410 Gone",
            Self::TooLate => "Expired: call-start events aren't sent after 60 s",
            Self::Superseded => "Superseded: the call had already ended",
            Self::Cancelled => "Cancelled by a user",
            Self::EndpointDeleted => "Endpoint was deleted",
        }
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Retry at this time.
    RetryAt(UnixMs),
    /// The delivery failed.
    Failed(EndReason),
    /// The delivery expired.
    Expired(EndReason),
}

/// A failed attempt, with what decides about the next one.
#[derive(Debug, Clone, Copy)]
pub struct FailedAttempt {
    /// The retry policy that applies.
    pub policy: RetryPolicy,
    /// Number of attempts since the delivery was queued or resent, including this one.
    pub attempts: u32,
    /// Why it failed.
    pub cause: Cause,
    /// Seconds from `Retry-After`.
    pub retry_after_s: Option<u32>,
    /// When the event was accepted, or resent.
    pub fresh_from: UnixMs,
    /// Whether the end of the same call is already waiting behind this delivery.
    pub call_ended: bool,
}

/// Decides what follows a failed attempt. `jitter` is a random number between −1 and 1.
#[must_use]
pub fn after_failure(attempt: FailedAttempt, now: UnixMs, jitter: f64) -> NextStep {
    if attempt.cause == Cause::Http410 {
        return NextStep::Failed(EndReason::Gone);
    }
    if attempt.policy == RetryPolicy::Ephemeral && attempt.call_ended {
        return NextStep::Expired(EndReason::Superseded);
    }
    let made = usize::try_from(attempt.attempts).unwrap_or(usize::MAX);
    let Some(wait_ms) = attempt.policy.waits_ms().get(made.saturating_sub(1)) else {
        return NextStep::Failed(EndReason::Exhausted);
    };
    let asked_ms = attempt.retry_after_s.map_or(0, |s| (i64::from(s) * SECOND_MS).min(RETRY_AFTER_MAX_MS));
    let at = now.plus_ms(jittered(*wait_ms, jitter).max(asked_ms));
    if is_late(attempt.policy, attempt.fresh_from, at) {
        return NextStep::Expired(EndReason::TooLate);
    }
    NextStep::RetryAt(at)
}

/// Whether the event is no longer worth sending at `at`.
#[must_use]
pub fn is_late(policy: RetryPolicy, fresh_from: UnixMs, at: UnixMs) -> bool {
    policy.fresh_ms().is_some_and(|fresh_ms| at.since_ms(fresh_from) > fresh_ms)
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

    fn failed(policy: RetryPolicy, attempts: u32) -> FailedAttempt {
        FailedAttempt {
            policy,
            attempts,
            cause: Cause::Http5xx,
            retry_after_s: None,
            fresh_from: UnixMs(0),
            call_ended: false,
        }
    }

    #[test]
    fn a_durable_event_is_attempted_twelve_times_over_about_three_days() {
        let waits: i64 = RetryPolicy::Durable.waits_ms().iter().sum();
        assert!((70..76).contains(&(waits / HOUR_MS)));
        assert_eq!(after_failure(failed(RetryPolicy::Durable, 1), UnixMs(0), 0.0), NextStep::RetryAt(UnixMs(5_000)));
        assert_eq!(
            after_failure(failed(RetryPolicy::Durable, 12), UnixMs(0), 0.0),
            NextStep::Failed(EndReason::Exhausted)
        );
        assert_eq!(RetryPolicy::Durable.attempts() as usize, RetryPolicy::Durable.waits_ms().len() + 1);
        assert_eq!(RetryPolicy::Ephemeral.attempts() as usize, RetryPolicy::Ephemeral.waits_ms().len() + 1);
    }

    #[test]
    fn an_ephemeral_event_expires_when_its_next_attempt_would_be_late() {
        let late = after_failure(failed(RetryPolicy::Ephemeral, 4), UnixMs(45_000), 0.0);
        assert_eq!(late, NextStep::Expired(EndReason::TooLate));
        assert_eq!(
            after_failure(failed(RetryPolicy::Ephemeral, 4), UnixMs(30_000), 0.0),
            NextStep::RetryAt(UnixMs(50_000))
        );
    }

    #[test]
    fn the_end_of_a_call_supersedes_ephemeral_events_only() {
        let ended = |policy| after_failure(FailedAttempt { call_ended: true, ..failed(policy, 1) }, UnixMs(0), 0.0);
        assert_eq!(ended(RetryPolicy::Ephemeral), NextStep::Expired(EndReason::Superseded));
        assert_eq!(ended(RetryPolicy::Durable), NextStep::RetryAt(UnixMs(5_000)));
    }

    #[test]
    fn gone_ends_immediately_and_retry_after_is_honoured_up_to_an_hour() {
        let gone = FailedAttempt { cause: Cause::Http410, ..failed(RetryPolicy::Durable, 1) };
        assert_eq!(after_failure(gone, UnixMs(0), 0.0), NextStep::Failed(EndReason::Gone));
        let asked = |s| FailedAttempt { retry_after_s: Some(s), ..failed(RetryPolicy::Durable, 1) };
        assert_eq!(after_failure(asked(120), UnixMs(0), 0.0), NextStep::RetryAt(UnixMs(120_000)));
        assert_eq!(after_failure(asked(1), UnixMs(0), 0.0), NextStep::RetryAt(UnixMs(5_000)));
        assert_eq!(after_failure(asked(86_400), UnixMs(0), 0.0), NextStep::RetryAt(UnixMs(HOUR_MS)));
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_tenth(attempts in 1_u32..12, jitter in -1.0_f64..1.0) {
            let wait = RetryPolicy::Durable.waits_ms()[attempts as usize - 1];
            let NextStep::RetryAt(at) = after_failure(failed(RetryPolicy::Durable, attempts), UnixMs(0), jitter) else {
                return Err(TestCaseError::fail("a durable event with attempts left is retried"));
            };
            prop_assert!((at.0 - wait).abs() <= wait / 10);
        }
    }
}
