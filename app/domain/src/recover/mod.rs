//! Recovery: resending many events to one endpoint after an outage of its server.

mod input;
mod job;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use input::{RecoverForm, RecoverInput, rate_or_default};
pub use job::{
    BulkAction, BulkPlan, BulkSelection, JobAction, JobResults, JobSelection, JobState, LISTED_MAX, RecoveryJob,
};

use crate::{
    actor::Actor,
    error::Result,
    event_kind::EventKind,
    id::{EndpointId, JobId},
    time::{HOUR_MS, MINUTE_MS, SECOND_MS, UnixMs, counted, span},
};

/// Maximum number of events per job.
pub const RECOVER_MAX: u32 = 1_000_000;
/// Default rate in events per second.
pub const RATE_PER_S: u32 = 50;
/// Maximum rate in events per second.
pub const RATE_MAX_PER_S: u32 = 500;

/// Which events to recover.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryScope {
    /// Failed and expired events.
    #[default]
    Failed,
    /// Failed and expired events, and events never sent to the endpoint because it did not exist or was not subscribed.
    AlsoNeverSent,
}

impl RecoveryScope {
    /// All scopes.
    pub const ALL: [Self; 2] = [Self::Failed, Self::AlsoNeverSent];

    /// The name in REST and in URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::AlsoNeverSent => "also_never_sent",
        }
    }

    /// The scope with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.as_str() == name)
    }

    /// The singular noun for display, as in `1 failed event`.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Failed => "failed event",
            Self::AlsoNeverSent => "failed or unsent event",
        }
    }
}

/// A valid request for a recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryRequest {
    /// Accepted at or after this time.
    pub from: UnixMs,
    /// Accepted before this time.
    pub to: UnixMs,
    /// Kinds of events.
    pub kinds: Vec<EventKind>,
    /// Which of them.
    pub which: RecoveryScope,
    /// Maximum rate in events per second.
    pub rate_per_s: u32,
}

/// What a recovery would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryPlan {
    /// The request, with its rate capped to the endpoint's.
    pub wanted: RecoveryRequest,
    /// Number of events.
    pub count: u32,
    /// What these are, and what else the endpoint missed in this time.
    pub parts: RecoveryParts,
    /// The job that is already running for this endpoint, if any. Only one can run at a time.
    pub running: Option<JobId>,
}

/// Events that an endpoint missed in a time range, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryParts {
    /// Failed; resent.
    pub failed: u32,
    /// Expired because they were too late; resent.
    pub expired: u32,
    /// Never sent to the endpoint; resent if the request includes them.
    pub never_sent: u32,
    /// Expired because their call had ended; not resent.
    pub superseded: u32,
    /// Failed or expired, with a payload past its retention; not resent.
    pub no_payload: u32,
    /// The events of these that announce calls, whether the request includes them or not.
    pub rings: Rings,
}

/// Events to resend that announce calls, which have long ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rings {
    /// How many.
    pub count: u32,
    /// When the oldest was accepted.
    pub oldest: Option<UnixMs>,
}

impl Rings {
    /// `97 rings up to 12 hours old`
    #[must_use]
    pub fn words(&self, now: UnixMs) -> String {
        let age = self.oldest.map_or(0, |at| now.since_ms(at));
        format!("{} up to {} old", counted(i64::from(self.count), "ring"), span(age))
    }
}

impl RecoveryParts {
    /// How many are resent.
    #[must_use]
    pub const fn resent(&self) -> u32 {
        self.failed.saturating_add(self.expired).saturating_add(self.never_sent)
    }
}

impl RecoveryPlan {
    /// The estimated duration in milliseconds.
    #[must_use]
    pub fn estimated_ms(&self) -> i64 {
        estimate_ms(self.count, self.wanted.rate_per_s)
    }
}

/// The time that so many events take at a rate, in milliseconds, rounded up.
#[must_use]
pub fn estimate_ms(count: u32, rate_per_s: u32) -> i64 {
    (i64::from(count) * SECOND_MS + i64::from(rate_per_s.max(1)) - 1) / i64::from(rate_per_s.max(1))
}

/// An estimated duration for display: `about 4 minutes`.
#[must_use]
pub fn about(ms: i64) -> String {
    let rounded = |unit_ms: i64| (ms + unit_ms / 2) / unit_ms;
    let text = match ms {
        ..MINUTE_MS => counted(rounded(SECOND_MS).max(1), "second"),
        MINUTE_MS..HOUR_MS => counted(rounded(MINUTE_MS), "minute"),
        _ => counted(rounded(HOUR_MS), "hour"),
    };
    format!("about {text}")
}

/// Planning, starting and following recoveries.
#[async_trait]
pub trait Recovery {
    /// What a recovery would do, without starting it.
    ///
    /// # Errors
    /// `Invalid` for an invalid form or more than [`RECOVER_MAX`] events; `NotFound`; `Conflict` for a
    /// deleted endpoint.
    async fn plan_recovery(&self, actor: &Actor, endpoint: &EndpointId, input: &RecoverInput) -> Result<RecoveryPlan>;
    /// Starts a recovery.
    ///
    /// # Errors
    /// As [`Self::plan_recovery`]; `Invalid` if there is nothing to recover, `Conflict` naming the job that is already
    /// running for this endpoint.
    async fn start_recovery(&self, actor: &Actor, endpoint: &EndpointId, input: &RecoverInput) -> Result<RecoveryJob>;
    /// Sends everything that waits for an endpoint now, at this rate: in the order of acceptance, and never before an earlier
    /// event of the same call. [`RATE_PER_S`] by default, and never above the endpoint's own rate.
    ///
    /// # Errors
    /// `Invalid` for an invalid rate or if nothing waits; `NotFound`; `Conflict` if the endpoint is not active, or naming
    /// the job that already does this.
    async fn retry_endpoint(
        &self,
        actor: &Actor,
        endpoint: &EndpointId,
        rate_per_s: Option<u32>,
    ) -> Result<RecoveryJob>;
    /// How many deliveries a bulk action would change, without starting it.
    ///
    /// # Errors
    /// `Invalid` for too many deliveries.
    async fn plan_bulk(&self, actor: &Actor, action: BulkAction, selection: &BulkSelection) -> Result<BulkPlan>;
    /// Retries or resends the selected deliveries as a job, at this rate; [`RATE_PER_S`] by default. Deliveries that the
    /// action does not apply to are left alone.
    ///
    /// # Errors
    /// As [`Self::plan_bulk`]; `Invalid` for an invalid rate or if there is nothing to do; `LimitReached` if too many such
    /// jobs are running.
    async fn start_bulk(
        &self,
        actor: &Actor,
        action: BulkAction,
        selection: &BulkSelection,
        rate_per_s: Option<u32>,
    ) -> Result<RecoveryJob>;
    /// One job.
    ///
    /// # Errors
    /// `NotFound`, also for another account's job.
    async fn job(&self, actor: &Actor, id: &JobId) -> Result<RecoveryJob>;
    /// The account's latest jobs, newest first, optionally only those of one endpoint.
    ///
    /// # Errors
    /// `Forbidden` without permission to read.
    async fn jobs(&self, actor: &Actor, endpoint: Option<&EndpointId>) -> Result<Vec<RecoveryJob>>;
    /// Pauses a job. Events it has already queued are sent.
    ///
    /// # Errors
    /// `Conflict` if it has ended.
    async fn pause_job(&self, actor: &Actor, id: &JobId) -> Result<RecoveryJob>;
    /// Resumes a paused job.
    ///
    /// # Errors
    /// `Conflict` if it has ended.
    async fn resume_job(&self, actor: &Actor, id: &JobId) -> Result<RecoveryJob>;
    /// Cancels a job. Events it has already queued are sent.
    ///
    /// # Errors
    /// `Conflict` if it has ended.
    async fn cancel_job(&self, actor: &Actor, id: &JobId) -> Result<RecoveryJob>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_000_000_000);

    fn form(from: &str, to: &str) -> RecoverForm {
        RecoverForm { from: from.into(), to: to.into(), ..RecoverForm::default() }
    }

    #[test]
    fn with_only_a_start_the_form_means_everything_failed_since_then() {
        let wanted = form("2026-11-01T00:00Z", "").input().unwrap().check(&[EventKind::IncomingCall], NOW);
        let wanted = wanted.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((wanted.to, wanted.which, wanted.rate_per_s), (NOW, RecoveryScope::Failed, RATE_PER_S));
        assert_eq!(wanted.kinds, [EventKind::IncomingCall]);
    }

    #[test]
    fn the_end_is_capped_to_now_and_must_follow_the_start() {
        let late = form("2026-11-01T00:00Z", "2030-01-01T00:00Z").input().unwrap().check(&EventKind::ALL, NOW);
        assert_eq!(late.map(|wanted| wanted.to), Ok(NOW));
        for (from, to) in [("2029-01-01T00:00Z", ""), ("2026-11-02T00:00Z", "2026-11-01T00:00Z")] {
            let refused = form(from, to).input().unwrap().check(&EventKind::ALL, NOW);
            assert_eq!(refused.err().map(|e| e.fields()[0].field.clone()).as_deref(), Some("from"), "{from} {to}");
        }
    }

    #[test]
    fn every_invalid_field_is_reported_at_once() {
        let wrong = RecoverForm {
            from: "yesterday".into(),
            to: "later".into(),
            events: vec!["Ring".into()],
            which: "some".into(),
            rate_per_s: "501".into(),
        };
        let fields: Vec<_> = match wrong.input() {
            Err(error) => error.fields().iter().map(|e| e.field.clone()).collect(),
            Ok(_) => Vec::new(),
        };
        assert_eq!(fields, ["from", "to", "events", "which", "rate_per_s"]);
    }

    #[test]
    fn an_estimate_has_a_single_unit() {
        assert_eq!(estimate_ms(1_204, 5), 240_800);
        assert_eq!(about(estimate_ms(1_204, 5)), "about 4 minutes");
        assert_eq!(about(estimate_ms(3, 50)), "about 1 second");
        assert_eq!(about(estimate_ms(1_000_000, 50)), "about 6 hours");
    }
}
