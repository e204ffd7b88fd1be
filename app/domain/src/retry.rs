//! Retry policies: when a failed delivery is retried, and when it ends.

use serde::{Deserialize, Serialize};

use crate::{
    cause::Cause,
    event_kind::EventKind,
    time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UnixMs},
};

/// How long an ephemeral event is worth sending after its acceptance, in milliseconds.
pub const EPHEMERAL_FRESH_MS: i64 = 60 * SECOND_MS;
/// Maximum wait honoured from `Retry-After`, in milliseconds.
pub const RETRY_AFTER_MAX_MS: i64 = HOUR_MS;
/// How long a durable event is attempted, in milliseconds, if its endpoint keeps asking us to wait: those attempts don't count.
pub const DURABLE_MAX_MS: i64 = 3 * DAY_MS;
/// Longest pause of a throttled endpoint, in milliseconds, jitter included.
pub const THROTTLED_MAX_MS: i64 = RETRY_AFTER_MAX_MS + RETRY_AFTER_MAX_MS * JITTER_PERCENT / 100;
/// Longest pause that was not requested, in milliseconds: pauses grow while each probe is throttled again.
const THROTTLED_GROWN_MAX_MS: i64 = 5 * MINUTE_MS;
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
    /// Number of attempts that count since the delivery was queued or resent, including this one.
    pub attempts: u32,
    /// Why it failed.
    pub cause: Cause,
    /// When the endpoint may be attempted again, if its server requested a pause. The attempt doesn't count then.
    pub throttled_until: Option<UnixMs>,
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
    let Some(at) = attempt.throttled_until.or_else(|| scheduled(attempt, now, jitter)) else {
        return NextStep::Failed(EndReason::Exhausted);
    };
    if attempt.throttled_until.is_some() && at.since_ms(attempt.fresh_from) > DURABLE_MAX_MS {
        return NextStep::Failed(EndReason::Exhausted);
    }
    if is_late(attempt.policy, attempt.fresh_from, at) {
        return NextStep::Expired(EndReason::TooLate);
    }
    NextStep::RetryAt(at)
}

/// The next attempt on the schedule; none after the last one.
fn scheduled(attempt: FailedAttempt, now: UnixMs, jitter: f64) -> Option<UnixMs> {
    let made = usize::try_from(attempt.attempts).unwrap_or(usize::MAX);
    let wait_ms = attempt.policy.waits_ms().get(made.saturating_sub(1))?;
    Some(now.plus_ms(jittered(*wait_ms, jitter)))
}

/// Whether a failed attempt means that the endpoint wants a pause: it is rate limited, or says how long to wait.
#[must_use]
pub fn is_throttled(cause: Cause, retry_after_s: Option<u32>) -> bool {
    cause != Cause::Http410 && (cause == Cause::Http429 || retry_after_s.is_some())
}

/// When an endpoint that wants a pause may be probed: after the seconds it requested, never earlier. `pauses` counts the pauses
/// in a row, this one included: each is at least twice as long as the one before. `jitter` is a random number between −1 and 1.
#[must_use]
pub fn throttled_until(asked_s: Option<u32>, pauses: u32, now: UnixMs, jitter: f64) -> UnixMs {
    let grown_ms = (SECOND_MS << pauses.saturating_sub(1).min(16)).min(THROTTLED_GROWN_MAX_MS);
    let asked_ms = asked_s.map_or(0, |s| i64::from(s) * SECOND_MS).min(RETRY_AFTER_MAX_MS);
    now.plus_ms(jittered(asked_ms.max(grown_ms), jitter.abs()))
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
            throttled_until: None,
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
    fn gone_ends_immediately() {
        let gone = FailedAttempt { cause: Cause::Http410, ..failed(RetryPolicy::Durable, 1) };
        assert_eq!(after_failure(gone, UnixMs(0), 0.0), NextStep::Failed(EndReason::Gone));
    }

    #[test]
    fn a_pause_is_as_long_as_asked_up_to_an_hour_and_grows_while_probes_fail() {
        let pause_ms = |asked_s, pauses, jitter| throttled_until(asked_s, pauses, UnixMs(0), jitter).0;
        assert_eq!(pause_ms(Some(120), 1, 0.0), 120_000);
        assert_eq!(pause_ms(Some(86_400), 1, 0.0), RETRY_AFTER_MAX_MS);
        assert_eq!(pause_ms(Some(u32::MAX), u32::MAX, 1.0), THROTTLED_MAX_MS);
        assert_eq!([1, 2, 3, 40].map(|pauses| pause_ms(Some(0), pauses, 0.0)), [1_000, 2_000, 4_000, 300_000]);
        assert_eq!(pause_ms(None, 1, 0.0), 1_000);
        assert_eq!([-1.0, 1.0].map(|jitter| pause_ms(Some(10), 1, jitter)), [11_000, 11_000], "never earlier");
    }

    #[test]
    fn what_was_throttled_does_not_count_and_still_ends() {
        let throttled = |policy, attempts, at| {
            let attempt = FailedAttempt { throttled_until: Some(UnixMs(at)), ..failed(policy, attempts) };
            after_failure(attempt, UnixMs(0), 0.0)
        };
        assert_eq!(throttled(RetryPolicy::Durable, 12, HOUR_MS), NextStep::RetryAt(UnixMs(HOUR_MS)));
        let late = throttled(RetryPolicy::Durable, 1, DURABLE_MAX_MS + 1);
        assert_eq!(late, NextStep::Failed(EndReason::Exhausted));
        assert_eq!(throttled(RetryPolicy::Ephemeral, 5, 60_000), NextStep::RetryAt(UnixMs(60_000)));
        assert_eq!(throttled(RetryPolicy::Ephemeral, 1, 60_001), NextStep::Expired(EndReason::TooLate));
    }

    #[test]
    fn a_wait_is_honoured_on_any_failing_status() {
        assert!(is_throttled(Cause::Http429, None) && is_throttled(Cause::Redirected, Some(1)));
        assert!(is_throttled(Cause::Http5xx, Some(0)) && !is_throttled(Cause::Http5xx, None));
        assert!(!is_throttled(Cause::Http410, Some(60)), "410 pauses the endpoint for good");
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
