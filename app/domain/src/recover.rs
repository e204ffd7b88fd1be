//! Recovering: many events sent to one endpoint again, after its server has been away.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    actor::Actor,
    error::{Error, FieldError, Result},
    event::EventKind,
    id::{EndpointId, JobId},
    time::{HOUR_MS, MINUTE_MS, SECOND_MS, UnixMs, counted, parse_utc},
};

/// Most events of one job.
pub const RECOVER_MAX: u32 = 1_000_000;
/// Events per second when nothing else is asked for.
pub const RATE_PER_S: u32 = 50;
/// Most events per second.
pub const RATE_MAX_PER_S: u32 = 500;

/// Which events are sent again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Those that failed, or were given up as too late.
    #[default]
    Failed,
    /// These, and events that were never sent here: the endpoint did not exist yet, or did not listen.
    AlsoNeverSent,
}

impl Which {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Failed, Self::AlsoNeverSent];

    /// The name on the wire and in URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::AlsoNeverSent => "also_never_sent",
        }
    }

    /// What of that name is meant.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.as_str() == name)
    }

    /// So many of them, in words: `1 failed event`.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Failed => "failed event",
            Self::AlsoNeverSent => "failed or never sent event",
        }
    }
}

/// What is to be recovered, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecoverForm {
    /// Accepted at this time or later.
    pub from: String,
    /// Accepted before this time; now when empty.
    pub to: String,
    /// Kinds of events; those that the endpoint listens for when empty.
    pub events: Vec<String>,
    /// Name of a [`Which`]; failed ones when empty.
    pub which: String,
    /// Events per second; [`RATE_PER_S`] when empty.
    pub rate_per_s: String,
}

/// What is to be recovered, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Accepted at this moment or later.
    pub from: UnixMs,
    /// Accepted before this moment.
    pub to: UnixMs,
    /// Kinds of events.
    pub kinds: Vec<EventKind>,
    /// Which of them.
    pub which: Which,
    /// Most events per second.
    pub rate_per_s: u32,
}

impl RecoverForm {
    /// Checks the form. `listens` are the kinds that the endpoint listens for.
    ///
    /// # Errors
    /// `Invalid` naming every field that breaks a rule.
    pub fn check(&self, listens: &[EventKind], now: UnixMs) -> Result<Wanted> {
        let mut wrong = Vec::new();
        let from = moment(&mut wrong, "from", &self.from, None);
        let to = moment(&mut wrong, "to", &self.to, Some(now)).min(now);
        if wrong.is_empty() && from >= to {
            wrong.push(FieldError::new("from", "The beginning must lie before the end, and in the past."));
        }
        let kinds = if self.events.is_empty() { listens.to_vec() } else { self.kinds(&mut wrong) };
        let which = named(&mut wrong, &self.which);
        let rate_per_s = rate(&mut wrong, &self.rate_per_s);
        if wrong.is_empty() { Ok(Wanted { from, to, kinds, which, rate_per_s }) } else { Err(Error::Invalid(wrong)) }
    }

    fn kinds(&self, wrong: &mut Vec<FieldError>) -> Vec<EventKind> {
        let kinds: Vec<_> = self.events.iter().filter_map(|name| EventKind::parse(name)).collect();
        if kinds.len() < self.events.len() {
            wrong.push(FieldError::new("events", "Events are IncomingCall, OutgoingCall and CallProcessed."));
        }
        EventKind::ALL.into_iter().filter(|kind| kinds.contains(kind)).collect()
    }
}

fn moment(wrong: &mut Vec<FieldError>, field: &str, typed: &str, or: Option<UnixMs>) -> UnixMs {
    let typed = typed.trim();
    let read = if typed.is_empty() { or } else { parse_utc(typed) };
    read.unwrap_or_else(|| {
        wrong.push(FieldError::new(field, "Give a time such as 2026-11-22T13:00Z; without a zone it is UTC."));
        UnixMs(0)
    })
}

fn named(wrong: &mut Vec<FieldError>, typed: &str) -> Which {
    if typed.is_empty() {
        return Which::default();
    }
    Which::parse(typed).unwrap_or_else(|| {
        wrong.push(FieldError::new("which", "Say failed, or also_never_sent."));
        Which::default()
    })
}

fn rate(wrong: &mut Vec<FieldError>, typed: &str) -> u32 {
    let typed = typed.trim();
    let read = if typed.is_empty() { Some(RATE_PER_S) } else { typed.parse().ok() };
    read.filter(|rate| (1..=RATE_MAX_PER_S).contains(rate)).unwrap_or_else(|| {
        wrong.push(FieldError::new("rate_per_s", "A rate is 1 to 500 events per second."));
        RATE_PER_S
    })
}

/// What would happen: exact, before anything does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What is recovered, at the rate that the endpoint allows.
    pub wanted: Wanted,
    /// How many events that is.
    pub count: u32,
    /// The job that works for this endpoint already; another has to wait for its end.
    pub running: Option<JobId>,
}

impl Plan {
    /// How long it takes at the rate, in milliseconds.
    #[must_use]
    pub fn estimated_ms(&self) -> i64 {
        estimate_ms(self.count, self.wanted.rate_per_s)
    }
}

/// How long so many events take at a rate, in milliseconds, rounded up.
#[must_use]
pub fn estimate_ms(count: u32, rate_per_s: u32) -> i64 {
    (i64::from(count) * SECOND_MS + i64::from(rate_per_s.max(1)) - 1) / i64::from(rate_per_s.max(1))
}

/// An estimated length of time in words: `about 4 minutes`.
#[must_use]
pub fn about(ms: i64) -> String {
    let rounded = |unit_ms: i64| (ms + unit_ms / 2) / unit_ms;
    let words = match ms {
        ..MINUTE_MS => counted(rounded(SECOND_MS).max(1), "second"),
        MINUTE_MS..HOUR_MS => counted(rounded(MINUTE_MS), "minute"),
        _ => counted(rounded(HOUR_MS), "hour"),
    };
    format!("about {words}")
}

/// Where a job stands. `docs/states.md` draws the ways between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Nothing has been done yet.
    Queued,
    /// Under way.
    Running,
    /// Halted by a person.
    Paused,
    /// All was put back into the queue.
    Done,
    /// Ended by a person, or with its endpoint.
    Cancelled,
}

impl JobState {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Paused, Self::Done, Self::Cancelled];

    /// The name on the wire and in the database.
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

    /// The word that people read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Paused => "Paused",
            Self::Done => "Done",
            Self::Cancelled => "Cancelled",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more happens.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// Many events on their way to one endpoint again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Id.
    pub id: JobId,
    /// Where they go.
    pub endpoint_id: EndpointId,
    /// The endpoint's name.
    pub endpoint_name: String,
    /// What is recovered.
    pub wanted: Wanted,
    /// Where it stands.
    pub state: JobState,
    /// How many events there were when it began.
    pub total: u32,
    /// How many were put back into the queue.
    pub done: u32,
    /// How many of those have ended without success once more.
    pub failed: u32,
    /// Who began it.
    pub who: Option<String>,
    /// When it began.
    pub created_at: UnixMs,
    /// When it ended.
    pub finished_at: Option<UnixMs>,
}

impl Job {
    /// How many are still to be put back. None are once it has ended.
    #[must_use]
    pub const fn left(&self) -> u32 {
        if self.state.is_final() { 0 } else { self.total.saturating_sub(self.done) }
    }
}

/// Recovering: the part of the port that plans it, starts it and shows how far it is.
#[async_trait]
pub trait Recovery {
    /// What a recovery would do. Nothing happens yet.
    ///
    /// # Errors
    /// `Invalid` for a form that breaks a rule or finds more than [`RECOVER_MAX`]; `NotFound`; `Conflict` for a
    /// deleted endpoint.
    async fn plan_recovery(&self, actor: &Actor, endpoint: &EndpointId, form: &RecoverForm) -> Result<Plan>;
    /// Starts it.
    ///
    /// # Errors
    /// As [`Self::plan_recovery`]; `Invalid` when there is nothing to recover, `Conflict` naming the job that works
    /// for this endpoint already.
    async fn start_recovery(&self, actor: &Actor, endpoint: &EndpointId, form: &RecoverForm) -> Result<Job>;
    /// One job.
    ///
    /// # Errors
    /// `NotFound` also for another account's job.
    async fn job(&self, actor: &Actor, id: &JobId) -> Result<Job>;
    /// The account's latest jobs, newest first; only this endpoint's when one is given.
    ///
    /// # Errors
    /// `Forbidden` without the right to read.
    async fn jobs(&self, actor: &Actor, endpoint: Option<&EndpointId>) -> Result<Vec<Job>>;
    /// Halts a job. What it has put back already goes out.
    ///
    /// # Errors
    /// `Conflict` when it has ended.
    async fn pause_job(&self, actor: &Actor, id: &JobId) -> Result<Job>;
    /// Lets a halted job go on where it stood.
    ///
    /// # Errors
    /// `Conflict` when it has ended.
    async fn resume_job(&self, actor: &Actor, id: &JobId) -> Result<Job>;
    /// Ends a job. What it has put back already goes out.
    ///
    /// # Errors
    /// `Conflict` when it has ended.
    async fn cancel_job(&self, actor: &Actor, id: &JobId) -> Result<Job>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_000_000_000);

    fn form(from: &str, to: &str) -> RecoverForm {
        RecoverForm { from: from.into(), to: to.into(), ..RecoverForm::default() }
    }

    #[test]
    fn an_empty_form_but_for_the_beginning_means_what_failed_until_now() {
        let wanted = form("2026-11-01T00:00Z", "").check(&[EventKind::IncomingCall], NOW);
        let wanted = wanted.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((wanted.to, wanted.which, wanted.rate_per_s), (NOW, Which::Failed, RATE_PER_S));
        assert_eq!(wanted.kinds, [EventKind::IncomingCall]);
    }

    #[test]
    fn the_future_is_cut_off_and_a_span_has_a_beginning_before_its_end() {
        let late = form("2026-11-01T00:00Z", "2030-01-01T00:00Z").check(&EventKind::ALL, NOW);
        assert_eq!(late.map(|wanted| wanted.to), Ok(NOW));
        for (from, to) in [("2029-01-01T00:00Z", ""), ("2026-11-02T00:00Z", "2026-11-01T00:00Z")] {
            let refused = form(from, to).check(&EventKind::ALL, NOW);
            assert_eq!(refused.err().map(|e| e.fields()[0].field.clone()).as_deref(), Some("from"), "{from} {to}");
        }
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let wrong = RecoverForm {
            from: "yesterday".into(),
            to: "later".into(),
            events: vec!["Ring".into()],
            which: "some".into(),
            rate_per_s: "501".into(),
        };
        let fields: Vec<_> = match wrong.check(&EventKind::ALL, NOW) {
            Err(error) => error.fields().iter().map(|e| e.field.clone()).collect(),
            Ok(_) => Vec::new(),
        };
        assert_eq!(fields, ["from", "to", "events", "which", "rate_per_s"]);
    }

    #[test]
    fn the_time_it_takes_is_said_in_one_unit() {
        assert_eq!(estimate_ms(1_204, 5), 240_800);
        assert_eq!(about(estimate_ms(1_204, 5)), "about 4 minutes");
        assert_eq!(about(estimate_ms(3, 50)), "about 1 second");
        assert_eq!(about(estimate_ms(1_000_000, 50)), "about 6 hours");
    }
}
