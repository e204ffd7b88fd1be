//! What became of a leased delivery, and what follows from it.

use std::sync::Arc;

use domain::{
    UnixMs,
    cause::{Cause, CauseFacts, Failure},
    id::{AttemptId, Ids},
    order::{ORDER_PATIENCE_MS, is_rejection},
    retry::{self, EndReason, FailedAttempt, NextStep, RetryPolicy},
    rotation::Credential,
};

use crate::{
    outbound::Response,
    store::deliveries::{
        order::Failed,
        ordering_keys::OrderingKey,
        outcomes::{AttemptRow, Finish},
    },
};

use super::{leased::LeasedDelivery, target::Target};

/// What became of a leased delivery.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// An attempt was made, successful or not.
    Attempted(Box<Attempt>),
    /// The code around an attempt panicked.
    Panicked(Box<Panicked>),
    /// It was no longer worth sending.
    TooLate(LeasedDelivery),
    /// Its endpoint does not receive now, or could not be read: it waits in the database.
    NotNow(LeasedDelivery),
    /// It cannot be sent: its payload is gone, or its credentials cannot be decrypted.
    OurFault(LeasedDelivery),
}

/// An attempt that was made.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The delivery as it was before.
    pub delivery: LeasedDelivery,
    /// Where it was sent.
    pub target: Arc<Target>,
    /// When it began.
    pub started_at: UnixMs,
    /// The signature header.
    pub signature: String,
    /// The response.
    pub response: Response,
    /// When the endpoint may be attempted again, if its server requested a pause.
    pub throttled_until: Option<UnixMs>,
    /// What a success proves: the credential, and when its rotation began.
    pub proves: Option<(Credential, UnixMs)>,
}

/// An attempt that a panic ended: whether the request was sent is unknown.
#[derive(Debug)]
pub(crate) struct Panicked {
    /// The delivery as it was before.
    pub delivery: LeasedDelivery,
    /// The URL of its endpoint, if it was known.
    pub url: String,
    /// Whether its endpoint accepts late call events.
    pub deliver_late: bool,
}

impl Outcome {
    /// The delivery.
    pub(crate) fn delivery(&self) -> &LeasedDelivery {
        match self {
            Self::Attempted(attempt) => &attempt.delivery,
            Self::Panicked(panicked) => &panicked.delivery,
            Self::TooLate(delivery) | Self::NotNow(delivery) | Self::OurFault(delivery) => delivery,
        }
    }

    /// Its attempt, if one was made.
    pub(crate) fn attempt(&self) -> Option<&Attempt> {
        if let Self::Attempted(attempt) = self { Some(attempt) } else { None }
    }

    /// The attempt as it is stored, if one was made.
    pub(crate) fn row(&self, ids: &dyn Ids) -> Option<AttemptRow> {
        match self {
            Self::Attempted(attempt) => Some(attempt.row(ids)),
            Self::Panicked(panicked) => Some(panicked.row(ids)),
            _ => None,
        }
    }

    /// The end of a delivery whose outcome the database refuses, however it went.
    pub(crate) fn unrecordable(&self, now: UnixMs) -> Finish {
        our_fault(self.delivery(), now)
    }

    /// Whether the attempt succeeded; none when none was made.
    pub(crate) fn succeeded(&self) -> Option<bool> {
        self.attempt().map(|attempt| attempt.response.failure.is_none())
    }

    /// The call and endpoint it belongs to.
    pub(crate) fn ordering_key(&self) -> OrderingKey {
        let delivery = self.delivery();
        OrderingKey { endpoint_id: delivery.endpoint_id.to_string(), call_id: delivery.call_id.clone() }
    }

    /// Whether what follows depends on the end of the call: a call event that failed.
    pub(crate) fn depends_on_call_end(&self) -> bool {
        self.succeeded() == Some(false)
            && self.attempt().is_some_and(|attempt| attempt.policy() == RetryPolicy::Ephemeral)
    }

    /// What its order depends on, if it failed.
    pub(crate) fn failed(&self) -> Option<Failed> {
        let attempt = self.attempt().filter(|attempt| attempt.response.failure.is_some())?;
        Some(Failed {
            id: attempt.delivery.id.clone(),
            rejected: i64::from(attempt.response.status.is_some_and(is_rejection)),
            until_ms: attempt.started_at.plus_ms(ORDER_PATIENCE_MS).0,
        })
    }

    /// The delivery's next state; none when it only returns to the database.
    pub(crate) fn finish(&self, call_ended: bool, now: UnixMs, jitter: f64) -> Option<Finish> {
        match self {
            Self::Attempted(attempt) => Some(attempt.finish(call_ended, now, jitter)),
            Self::Panicked(panicked) => Some(panicked.finish(now, jitter)),
            Self::TooLate(delivery) => Some(ended(delivery, "expired", Some(EndReason::TooLate), now)),
            Self::OurFault(delivery) => Some(our_fault(delivery, now)),
            Self::NotNow(_) => None,
        }
    }
}

/// The next state after a failed attempt.
fn after_failure(delivery: &LeasedDelivery, tried: FailedAttempt, now: UnixMs, jitter: f64) -> Finish {
    let (state, reason, due) = match retry::after_failure(tried, now, jitter) {
        NextStep::RetryAt(at) => ("retrying", None, Some(at)),
        NextStep::Failed(reason) => ("failed", Some(reason), None),
        NextStep::Expired(reason) => ("expired", Some(reason), None),
    };
    Finish {
        attempts: i64::from(delivery.attempts) + 1,
        due_ms: due.map(|at| at.0),
        finished_ms: if due.is_none() { Some(now.0) } else { None },
        ..ended(delivery, state, reason, now)
    }
}

fn ended(delivery: &LeasedDelivery, state: &'static str, reason: Option<EndReason>, now: UnixMs) -> Finish {
    Finish {
        id: delivery.id.clone(),
        state,
        end_reason: reason.map(EndReason::as_str),
        cause: None,
        failure: None,
        status_code: None,
        duration_ms: None,
        attempts: i64::from(delivery.attempts),
        attempts_before: i64::from(delivery.attempts_before),
        due_ms: None,
        finished_ms: Some(now.0),
    }
}

fn our_fault(delivery: &LeasedDelivery, now: UnixMs) -> Finish {
    by_us(ended(delivery, "failed", Some(EndReason::Exhausted), now))
}

/// The same state, with us as its cause.
fn by_us(finish: Finish) -> Finish {
    Finish {
        cause: Some(Cause::OurFault.code()),
        failure: stored(&Failure { cause: Cause::OurFault, facts: CauseFacts::default() }),
        ..finish
    }
}

/// A failure as it is stored.
fn stored(failure: &Failure) -> Option<String> {
    serde_json::to_string(failure).ok()
}

impl Attempt {
    fn policy(&self) -> RetryPolicy {
        RetryPolicy::of(self.delivery.kind, self.target.settings.deliver_late)
    }

    fn finish(&self, call_ended: bool, now: UnixMs, jitter: f64) -> Finish {
        let next = match &self.response.failure {
            None => Finish {
                attempts: i64::from(self.delivery.attempts) + 1,
                ..ended(&self.delivery, "delivered", None, now)
            },
            Some(failure) => after_failure(&self.delivery, self.tried(failure, call_ended), now, jitter),
        };
        Finish {
            cause: self.response.failure.as_ref().map(|failure| failure.cause.code()),
            failure: self.response.failure.as_ref().and_then(stored),
            status_code: self.response.status.map(i64::from),
            duration_ms: Some(i64::from(self.response.duration_ms)),
            attempts_before: i64::from(self.delivery.attempts_before) + i64::from(self.throttled_until.is_some()),
            ..next
        }
    }

    fn tried(&self, failure: &Failure, call_ended: bool) -> FailedAttempt {
        FailedAttempt {
            policy: self.policy(),
            attempts: (self.delivery.attempts + 1).saturating_sub(self.delivery.attempts_before),
            cause: failure.cause,
            throttled_until: self.throttled_until,
            fresh_from: self.delivery.fresh_from,
            call_ended,
        }
    }

    /// The attempt as it is stored.
    pub(crate) fn row(&self, ids: &dyn Ids) -> AttemptRow {
        let (at, entropy) = ids.next();
        AttemptRow {
            delivery_id: self.delivery.id.clone(),
            number: i64::from(self.delivery.attempts) + 1,
            id: AttemptId::new(at, entropy).into(),
            account_id: self.delivery.account_id.clone(),
            started_ms: self.started_at.0,
            duration_ms: i64::from(self.response.duration_ms),
            timing: serde_json::to_string(&self.response.timing).unwrap_or_else(|_| "{}".to_owned()),
            url: self.target.to.as_str().to_owned(),
            signature: self.signature.clone(),
            status_code: self.response.status.map(i64::from),
            failure: self.response.failure.as_ref().and_then(stored),
            response_head: self.response.head.clone(),
            response_body: self.response.body.clone(),
            response_cut: i64::from(self.response.cut),
        }
    }
}

impl Panicked {
    fn finish(&self, now: UnixMs, jitter: f64) -> Finish {
        let tried = FailedAttempt {
            policy: RetryPolicy::of(self.delivery.kind, self.deliver_late),
            attempts: (self.delivery.attempts + 1).saturating_sub(self.delivery.attempts_before),
            cause: Cause::OurFault,
            throttled_until: None,
            fresh_from: self.delivery.fresh_from,
            call_ended: false,
        };
        by_us(after_failure(&self.delivery, tried, now, jitter))
    }

    fn row(&self, ids: &dyn Ids) -> AttemptRow {
        let (at, entropy) = ids.next();
        AttemptRow {
            delivery_id: self.delivery.id.clone(),
            number: i64::from(self.delivery.attempts) + 1,
            id: AttemptId::new(at, entropy).into(),
            account_id: self.delivery.account_id.clone(),
            started_ms: at.0,
            duration_ms: 0,
            timing: "{}".to_owned(),
            url: self.url.clone(),
            signature: String::new(),
            status_code: None,
            failure: stored(&Failure { cause: Cause::OurFault, facts: CauseFacts::default() }),
            response_head: String::new(),
            response_body: String::new(),
            response_cut: 0,
        }
    }
}
