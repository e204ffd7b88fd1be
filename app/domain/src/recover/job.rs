//! Jobs: what they do, to what, how far they are, and what became of it.

use serde::{Deserialize, Serialize};

use super::RecoveryRequest;
use crate::{
    filter::DeliveryFilter,
    id::{DeliveryId, EndpointId, JobId},
    time::UnixMs,
};

/// Most deliveries that can be selected one by one: as many as a page of a list has.
pub const LISTED_MAX: usize = 250;

/// What a job does to each delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobAction {
    /// Resends what an endpoint missed.
    Recover,
    /// Sends what is waiting now instead of at its next retry.
    Retry,
    /// Sends what has ended again.
    Resend,
}

impl JobAction {
    /// All actions.
    pub const ALL: [Self; 3] = [Self::Recover, Self::Retry, Self::Resend];

    /// The name in REST and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recover => "recover",
            Self::Retry => "retry",
            Self::Resend => "resend",
        }
    }

    /// The action with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

/// What can be done to many deliveries at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BulkAction {
    /// Sends waiting deliveries now.
    Retry,
    /// Sends those that have ended again. Delivered ones only if the filter names that status, or they are selected.
    Resend,
}

impl BulkAction {
    /// The action of the job that does it.
    #[must_use]
    pub const fn job(self) -> JobAction {
        match self {
            Self::Retry => JobAction::Retry,
            Self::Resend => JobAction::Resend,
        }
    }
}

/// Deliveries to act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkSelection {
    /// These, at most [`LISTED_MAX`].
    Listed(Vec<DeliveryId>),
    /// All that match; paging is ignored.
    Matching(DeliveryFilter),
}

/// What a bulk action would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkPlan {
    /// Number of deliveries that it changes.
    pub count: u32,
}

/// What a job works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobSelection {
    /// Events that its endpoint missed.
    Missed(RecoveryRequest),
    /// Everything that waited for its endpoint when it started.
    Waiting,
    /// The deliveries that match the filter with this query string.
    Matching(String),
    /// These deliveries.
    Listed(Vec<DeliveryId>),
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

/// What became of the deliveries that a job has queued, and that no later job has queued again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobResults {
    /// Delivered.
    pub delivered: u32,
    /// Ended without success again: failed or expired.
    pub failed: u32,
    /// Cancelled, or their endpoint was deleted.
    pub cancelled: u32,
    /// Failed again and waiting for their next retry.
    pub retrying: u32,
    /// Not attempted yet, or being sent.
    pub waiting: u32,
}

/// A job: sends many events of one account again, or now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryJob {
    /// Id.
    pub id: JobId,
    /// What it does.
    pub action: JobAction,
    /// Its endpoint; none if it works on selected deliveries of any endpoint.
    pub endpoint_id: Option<EndpointId>,
    /// The endpoint's name; empty without one.
    pub endpoint_name: String,
    /// What it works on.
    pub selection: JobSelection,
    /// Maximum rate in events per second.
    pub rate_per_s: u32,
    /// Its state.
    pub state: JobState,
    /// Whether it waits because its endpoint is paused or disabled, or its account suspended.
    pub held: bool,
    /// Number of events when it started.
    pub total: u32,
    /// Number of events queued so far.
    pub done: u32,
    /// What became of those.
    pub results: JobResults,
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

    /// Whether nothing about it changes any more unless someone acts: it has ended, and so has all that it queued.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.state.is_final() && self.results.waiting == 0 && self.results.retrying == 0
    }

    /// What a recovery resends.
    #[must_use]
    pub const fn missed(&self) -> Option<&RecoveryRequest> {
        if let JobSelection::Missed(wanted) = &self.selection { Some(wanted) } else { None }
    }
}
