//! What came of a delivery in hand, and what follows from it.

use std::sync::Arc;

use domain::{
    UnixMs,
    cause::{Cause, CauseFacts, Failure},
    id::{AttemptId, Ids},
    retry::{self, EndReason, Next, Rhythm, Tried},
    rotation::Credential,
};

use crate::{
    outbound::Answer,
    store::{
        jobs::OrderingKey,
        outcomes::{AttemptRow, Finish},
    },
};

use super::{lane::Job, target::Target};

/// What came of a delivery in hand.
#[derive(Debug)]
pub enum Outcome {
    /// It was sent, well or badly.
    Tried(Box<Sent>),
    /// It was no longer worth sending.
    TooLate(Job),
    /// Its endpoint does not receive just now, or could not be read: back into the database.
    NotNow(Job),
    /// It cannot be sent: its payload is gone, or its credentials do not open.
    OurFault(Job),
}

/// An attempt that was made.
#[derive(Debug)]
pub struct Sent {
    /// The delivery as it was before.
    pub job: Job,
    /// Where it went.
    pub target: Arc<Target>,
    /// When it began.
    pub started_at: UnixMs,
    /// The signature header.
    pub signature: String,
    /// What came back.
    pub answer: Answer,
    /// What a success proves: the credential, and when its rotation began.
    pub proves: Option<(Credential, UnixMs)>,
}

impl Outcome {
    /// The delivery.
    pub fn job(&self) -> &Job {
        match self {
            Self::Tried(sent) => &sent.job,
            Self::TooLate(job) | Self::NotNow(job) | Self::OurFault(job) => job,
        }
    }

    /// What the endpoint's pace learns: success, failure, or nothing.
    pub fn pace(&self) -> Option<bool> {
        match self {
            Self::Tried(sent) => Some(sent.answer.failure.is_none()),
            _ => None,
        }
    }

    /// The call and endpoint it belongs to.
    pub fn lane(&self) -> OrderingKey {
        let job = self.job();
        OrderingKey { endpoint_id: job.endpoint_id.to_string(), call_id: job.call_id.clone() }
    }

    /// Whether what follows depends on the end of the call: news that failed.
    pub fn asks_for_call_end(&self) -> bool {
        matches!(self, Self::Tried(sent) if sent.answer.failure.is_some() && sent.rhythm() == Rhythm::News)
    }

    /// Where the delivery stands from now on; none when it only goes back into the database.
    pub fn finish(&self, call_ended: bool, now: UnixMs, jitter: f64) -> Option<Finish> {
        match self {
            Self::Tried(sent) => Some(sent.finish(call_ended, now, jitter)),
            Self::TooLate(job) => Some(ended(job, "expired", Some(EndReason::TooLate), now)),
            Self::OurFault(job) => Some(our_fault(job, now)),
            Self::NotNow(_) => None,
        }
    }
}

fn ended(job: &Job, state: &'static str, reason: Option<EndReason>, now: UnixMs) -> Finish {
    Finish {
        id: job.id.clone(),
        state,
        end_reason: reason.map(EndReason::as_str),
        cause: None,
        failure: None,
        status_code: None,
        duration_ms: None,
        attempts: i64::from(job.attempts),
        due_ms: None,
        finished_ms: Some(now.0),
    }
}

fn our_fault(job: &Job, now: UnixMs) -> Finish {
    let failure = Failure { cause: Cause::OurFault, facts: CauseFacts::default() };
    Finish {
        cause: Some(failure.cause.code()),
        failure: stored(&failure),
        ..ended(job, "failed", Some(EndReason::Exhausted), now)
    }
}

/// A failure as it is stored.
fn stored(failure: &Failure) -> Option<String> {
    serde_json::to_string(failure).ok()
}

impl Sent {
    fn rhythm(&self) -> Rhythm {
        Rhythm::of(self.job.kind, self.target.terms.deliver_late)
    }

    fn finish(&self, call_ended: bool, now: UnixMs, jitter: f64) -> Finish {
        let (state, reason, due) = match &self.answer.failure {
            None => ("delivered", None, None),
            Some(failure) => match retry::after_failure(self.tried(failure, call_ended), now, jitter) {
                Next::RetryAt(at) => ("retrying", None, Some(at)),
                Next::Failed(reason) => ("failed", Some(reason), None),
                Next::Expired(reason) => ("expired", Some(reason), None),
            },
        };
        Finish {
            cause: self.answer.failure.as_ref().map(|failure| failure.cause.code()),
            failure: self.answer.failure.as_ref().and_then(stored),
            status_code: self.answer.status.map(i64::from),
            duration_ms: Some(i64::from(self.answer.duration_ms)),
            attempts: i64::from(self.job.attempts) + 1,
            due_ms: due.map(|at| at.0),
            finished_ms: if due.is_none() { Some(now.0) } else { None },
            ..ended(&self.job, state, reason, now)
        }
    }

    fn tried(&self, failure: &Failure, call_ended: bool) -> Tried {
        Tried {
            rhythm: self.rhythm(),
            attempts: (self.job.attempts + 1).saturating_sub(self.job.attempts_before),
            cause: failure.cause,
            retry_after_s: failure.facts.retry_after_s,
            fresh_from: self.job.fresh_from,
            call_ended,
        }
    }

    /// The attempt as it is kept.
    pub fn attempt_row(&self, ids: &dyn Ids) -> AttemptRow {
        let (at, entropy) = ids.next();
        AttemptRow {
            delivery_id: self.job.id.clone(),
            number: i64::from(self.job.attempts) + 1,
            id: AttemptId::new(at, entropy).into(),
            account_id: self.job.account_id.clone(),
            started_ms: self.started_at.0,
            duration_ms: i64::from(self.answer.duration_ms),
            timing: serde_json::to_string(&self.answer.timing).unwrap_or_else(|_| "{}".to_owned()),
            url: self.target.to.as_str().to_owned(),
            signature: self.signature.clone(),
            status_code: self.answer.status.map(i64::from),
            failure: self.answer.failure.as_ref().and_then(stored),
            response_head: self.answer.head.clone(),
            response_body: self.answer.body.clone(),
            response_cut: i64::from(self.answer.cut),
        }
    }
}
