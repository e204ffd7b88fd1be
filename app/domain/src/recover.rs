//! Recovery: resending many events to one endpoint after an outage of its server.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    actor::Actor,
    error::{Error, FieldError, Result, noted, whole},
    event_kind::EventKind,
    id::{EndpointId, JobId},
    time::{HOUR_MS, MINUTE_MS, SECOND_MS, UnixMs, counted, parse_utc},
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

/// The form for a recovery, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecoverForm {
    /// Accepted at or after this time.
    pub from: String,
    /// Accepted before this time; empty for now.
    pub to: String,
    /// Kinds of events; empty for those the endpoint is subscribed to.
    pub events: Vec<String>,
    /// Name of a [`RecoveryScope`]; empty for failed events.
    pub which: String,
    /// Events per second; empty for [`RATE_PER_S`].
    pub rate_per_s: String,
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

/// The events to recover, before any rule is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverInput {
    /// Accepted at or after this time.
    pub from: UnixMs,
    /// Accepted before this time; now by default.
    pub to: Option<UnixMs>,
    /// Kinds of events; those the endpoint is subscribed to if empty.
    pub kinds: Vec<EventKind>,
    /// Which of them.
    pub which: RecoveryScope,
    /// Maximum rate in events per second; [`RATE_PER_S`] by default.
    pub rate_per_s: Option<u32>,
}

const RATE_MESSAGE: &str = "Enter a rate of 1 to 500 events per second.";

impl RecoverForm {
    /// Reads the form.
    ///
    /// # Errors
    /// As [`RecoverInput::read`].
    pub fn input(&self) -> Result<RecoverInput> {
        let rate = whole(&self.rate_per_s, "rate_per_s", RATE_MESSAGE);
        RecoverInput::read(&self.from, &self.to, &self.events, &self.which, rate)
    }
}

impl RecoverInput {
    /// Reads the texts of a form or a REST call. An empty one means the default, except for `from`.
    ///
    /// # Errors
    /// `Invalid` naming every invalid field.
    pub fn read(
        from: &str,
        to: &str,
        events: &[String],
        which: &str,
        rate_per_s: std::result::Result<Option<u32>, FieldError>,
    ) -> Result<Self> {
        let mut wrong = Vec::new();
        let from = noted(&mut wrong, moment("from", from));
        let to = if to.trim().is_empty() { None } else { noted(&mut wrong, moment("to", to)) };
        let kinds: Vec<_> = events.iter().filter_map(|name| EventKind::parse(name)).collect();
        if kinds.len() < events.len() {
            wrong.push(FieldError::new("events", "Choose from IncomingCall, OutgoingCall and CallProcessed."));
        }
        let which = if which.is_empty() { Some(RecoveryScope::default()) } else { RecoveryScope::parse(which) };
        if which.is_none() {
            wrong.push(FieldError::new("which", "Use failed or also_never_sent."));
        }
        let rate_per_s = noted(&mut wrong, rate_per_s.and_then(within_bounds)).flatten();
        match (from, which) {
            (Some(from), Some(which)) if wrong.is_empty() => Ok(Self { from, to, kinds, which, rate_per_s }),
            _ => Err(Error::Invalid(wrong)),
        }
    }

    /// Applies the defaults of an endpoint that is subscribed to these kinds.
    ///
    /// # Errors
    /// `Invalid`
    pub fn check(&self, subscribed: &[EventKind], now: UnixMs) -> Result<RecoveryRequest> {
        let mut wrong = Vec::new();
        let to = self.to.unwrap_or(now).min(now);
        if self.from >= to {
            wrong.push(FieldError::new("from", "The start must be before the end, and in the past."));
        }
        let rate_per_s = noted(&mut wrong, within_bounds(self.rate_per_s)).flatten().unwrap_or(RATE_PER_S);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let wanted = if self.kinds.is_empty() { subscribed } else { &self.kinds };
        let kinds = EventKind::ALL.into_iter().filter(|kind| wanted.contains(kind)).collect();
        Ok(RecoveryRequest { from: self.from, to, kinds, which: self.which, rate_per_s })
    }
}

fn moment(field: &str, typed: &str) -> std::result::Result<UnixMs, FieldError> {
    let message = "Enter a time such as 2026-11-22T13:00Z. Without a zone it is read as UTC.";
    parse_utc(typed.trim()).ok_or_else(|| FieldError::new(field, message))
}

fn within_bounds(rate: Option<u32>) -> std::result::Result<Option<u32>, FieldError> {
    let wrong = rate.is_some_and(|rate| !(1..=RATE_MAX_PER_S).contains(&rate));
    if wrong { Err(FieldError::new("rate_per_s", RATE_MESSAGE)) } else { Ok(rate) }
}

/// What a recovery would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryPlan {
    /// The request, with its rate capped to the endpoint's.
    pub wanted: RecoveryRequest,
    /// Number of events.
    pub count: u32,
    /// The job that is already running for this endpoint, if any. Only one can run at a time.
    pub running: Option<JobId>,
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

/// The state of a recovery job. `docs/states.md` draws the transitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Not started yet.
    Queued,
    /// In progress.
    Running,
    /// Paused by a user.
    Paused,
    /// All events have been queued.
    Done,
    /// Cancelled by a user, or because its endpoint was deleted.
    Cancelled,
}

impl JobState {
    /// All states, in order.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Paused, Self::Done, Self::Cancelled];

    /// The name in REST and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// The label for display.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Paused => "Paused",
            Self::Done => "Done",
            Self::Cancelled => "Cancelled",
        }
    }

    /// The state with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether the state is final.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// A recovery job: resends many events to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryJob {
    /// Id.
    pub id: JobId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The endpoint's name.
    pub endpoint_name: String,
    /// What it recovers.
    pub wanted: RecoveryRequest,
    /// Its state.
    pub state: JobState,
    /// Number of events when it started.
    pub total: u32,
    /// Number of events queued so far.
    pub done: u32,
    /// How many of those have failed again.
    pub failed: u32,
    /// Who started it.
    pub who: Option<String>,
    /// When it was created.
    pub created_at: UnixMs,
    /// When it finished.
    pub finished_at: Option<UnixMs>,
}

impl RecoveryJob {
    /// Number of events still to be queued; 0 once the job has ended.
    #[must_use]
    pub const fn left(&self) -> u32 {
        if self.state.is_final() { 0 } else { self.total.saturating_sub(self.done) }
    }
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
