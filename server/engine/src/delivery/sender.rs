//! What the parts of the hot path share. Each component owns its state.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicI64},
};

use domain::{UnixMs, id::AccountId, ops::health::CLOCK_OFFSET_MAX_MS};
use tokio::sync::{Notify, broadcast, mpsc};

use crate::{context::Context, outbound::Outbound, store::db::Dialect, vault::Vault};

use super::{
    claim_schedule::ClaimSchedule,
    cluster::{Changes, ClusterMessage},
    committed_rows::CommittedRows,
    leases::Leases,
    limits::IN_FLIGHT_MAX,
    outcome::Outcome,
    queues::Queues,
    target::Targets,
};

/// The sender of one node.
pub struct Sender {
    /// The database, the clock, ids and counters.
    pub context: Arc<Context>,
    pub(crate) outbound: Outbound,
    pub(crate) targets: Targets,
    pub(crate) leases: Leases,
    pub(crate) committed: CommittedRows,
    /// Notified after the commit of an alert.
    pub(crate) alerts: Notify,
    pub(super) claims: ClaimSchedule,
    pub(super) dispatch: Dispatch,
    changes: Changes,
}

/// Attempts: started from the queues, until their outcomes are recorded.
pub(super) struct Dispatch {
    pub(super) queues: Arc<Mutex<Queues>>,
    pub(super) outcomes: mpsc::Sender<Outcome>,
    pub(super) started: AtomicBool,
    /// When the timer for throttled endpoints ends; [`i64::MAX`] without one.
    pub(super) timer_at: AtomicI64,
    /// Outcomes were recorded.
    pub(super) recorded: Notify,
}

impl Sender {
    /// A sender that has not started, and the outcomes for its recorder.
    pub(crate) fn new(
        context: Arc<Context>,
        outbound: Outbound,
        vault: Arc<Vault>,
    ) -> (Arc<Self>, mpsc::Receiver<Outcome>) {
        let (outcomes, receiver) = mpsc::channel(IN_FLIGHT_MAX);
        let dispatch = Dispatch {
            queues: Arc::default(),
            outcomes,
            started: false.into(),
            timer_at: i64::MAX.into(),
            recorded: Notify::new(),
        };
        let sender = Self {
            targets: Targets::new(context.db.clone(), vault),
            context,
            outbound,
            leases: Leases::default(),
            committed: CommittedRows::default(),
            alerts: Notify::new(),
            claims: ClaimSchedule::default(),
            dispatch,
            changes: Changes::default(),
        };
        (Arc::new(sender), receiver)
    }

    pub(crate) fn queues(&self) -> MutexGuard<'_, Queues> {
        self.dispatch.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many outcomes wait to be recorded.
    pub(crate) fn outcomes_waiting(&self) -> usize {
        self.dispatch.outcomes.max_capacity() - self.dispatch.outcomes.capacity()
    }

    pub(crate) fn now(&self) -> UnixMs {
        self.context.now()
    }

    /// Something may be due at `at`.
    pub fn wake_at(&self, at: UnixMs) {
        self.claims.wake_at(at);
    }

    /// Reads the policies that apply now; the egress guard follows from the next attempt on.
    ///
    /// # Errors
    /// When the database cannot be read; the policies stay as they were.
    pub async fn read_policies(&self) -> domain::Result<()> {
        let before = self.context.policies.now();
        let now = self.context.policies.read(&self.context.db).await?;
        if before.egress_allow != now.egress_allow {
            self.outbound.allow(now.egress_allow.clone()).map_err(|error| {
                tracing::error!(%error, "the egress guard could not be changed");
                domain::Error::Internal
            })?;
        }
        Ok(())
    }

    /// Whether this node surely holds its leases. One that was silent for too long does not send before its next heartbeat.
    pub(super) fn lease_valid(&self) -> bool {
        self.context.db.dialect == Dialect::Sqlite || self.leases.valid_at(self.now())
    }

    /// Whether this node may lease deliveries: not while its clock is far from the database's.
    pub(super) fn may_lease(&self) -> bool {
        self.context.clock.ahead_ms().abs() <= CLOCK_OFFSET_MAX_MS
    }

    /// A commit failed, or its result is unknown: its leases may exist without this node knowing.
    pub fn mark_uncertain(&self) {
        self.leases.mark_uncertain();
    }

    /// Reports accounts whose deliveries changed.
    pub(crate) fn changes(&self) -> broadcast::Receiver<AccountId> {
        self.changes.subscribe()
    }

    /// Reports on this node that deliveries of these accounts changed.
    pub(crate) fn changed_here(&self, accounts: impl IntoIterator<Item = String>) -> Vec<String> {
        self.changes.publish(accounts)
    }

    /// Reports on all nodes that deliveries of these accounts changed.
    pub async fn changed(&self, accounts: impl IntoIterator<Item = String>) {
        let accounts = self.changes.publish(accounts);
        self.changes.announce(&self.context.db, accounts, self.now()).await;
    }

    /// Sends a message to the other nodes; on SQLite there are none. A message that is lost costs only time.
    pub(crate) async fn broadcast(&self, message: ClusterMessage) {
        message.send(&self.context.db).await;
    }
}
