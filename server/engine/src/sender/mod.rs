//! The sender: from accepted to delivered.
//!
//! Motive: a dead, slow or dripping endpoint must cost the others nothing, and nothing accepted may be lost.
//!
//! Theory of operation. [`ingest`] writes events and their deliveries in group commits and hands fresh deliveries
//! over in memory, already leased to this node; [`claim`] fetches everything else when it is due. [`lane`] keeps what
//! is in hand, a [`queue`] per endpoint, served round-robin, first tries before retries, each endpoint at its own
//! [`pace`]. [`attempt`] posts; [`recorder`] gathers outcomes, [`outcome`] decides what follows, and one transaction
//! writes them all, handing on within each call's lane.
//!
//! Limits: [`JOBS_MAX`] deliveries and [`LEASED_MAX_BYTES`] of payload in memory, [`IN_FLIGHT_MAX`] attempts at once.
//! What does not fit waits in the database. [`room`] says how much of it an endpoint may use, so that no number of full ones leaves
//! nothing for the others.

pub(crate) mod alerts;
mod astray;
pub mod attempt;
pub mod claim;
pub mod cleaning;
pub mod following;
mod health;
pub mod ingest;
pub mod lane;
mod leases;
pub mod left_behind;
pub mod news;
mod order;
pub mod outcome;
pub mod pace;
pub mod queue;
pub mod recorder;
pub mod recover;
pub(crate) mod reserved;
pub mod room;
pub mod rotating;
mod stride;
pub mod target;
pub(crate) mod writer;

use crate::clock;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use domain::{
    UnixMs,
    error::Error,
    id::{AccountId, Ids},
    time::Clock,
};
use tokio::sync::{Notify, broadcast, mpsc};

use crate::{
    figures::Commits,
    outbound::Outbound,
    policies::{Given, InForce},
    store::{db::Db, error::StoreResult},
    vault::Vault,
};

use self::{alerts::Alerts, lane::Queues, outcome::Outcome, queue::Turn, target::Targets};

/// Most deliveries in this node's memory.
pub const JOBS_MAX: usize = 16_384;
/// Most bytes of payload in this node's memory.
pub const LEASED_MAX_BYTES: usize = 64 * 1_024 * 1_024;
/// Most deliveries of one endpoint in this node's memory, while that is less than its part of what is free ([`room`]).
pub const LEASED_PER_ENDPOINT_MAX: usize = 1_024;
/// Most attempts at once, counted until their outcomes are recorded: so many may be repeated after a crash, and no more. One
/// endpoint never has more than [`pace::AT_ONCE_MAX`] of them.
pub const IN_FLIGHT_MAX: usize = 1_024;
/// Changes a slow listener may fall behind before it only hears that it did.
const CHANGES_MAX: usize = 1_024;

/// What is counted since start, for `/metrics`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Events accepted.
    pub events: AtomicU64,
    /// Group commits of events.
    pub ingest: Commits,
    /// Attempts that got a 2xx.
    pub delivered: AtomicU64,
    /// Attempts that failed.
    pub failed_attempts: AtomicU64,
    /// Group commits of outcomes.
    pub record: Commits,
    /// Transactions that take away what is past retention.
    pub clean: Commits,
    /// Deliveries fetched from the database rather than handed over in memory.
    pub claimed: AtomicU64,
    /// Outcomes whose lease was gone.
    pub fenced: AtomicU64,
}

/// Adds to a counter.
pub(crate) fn count(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}

/// What a sender works with, besides database, clock and ids.
pub struct Gear {
    /// The HTTP client.
    pub outbound: Outbound,
    /// Opens credentials.
    pub vault: Arc<Vault>,
    /// Letters about endpoints.
    pub alerts: Alerts,
    /// Policies of the environment.
    pub given: Given,
}

/// Everything that the parts of the sender share.
pub struct Sender {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// This run of this process.
    pub node: String,
    /// What is counted.
    pub counters: Counters,
    pub(crate) outbound: Outbound,
    pub(crate) alerts: Alerts,
    pub(crate) policies: InForce,
    pub(crate) targets: Targets,
    queues: Arc<Mutex<Queues>>,
    outcomes: mpsc::Sender<Outcome>,
    claim_soon: claim::Hint,
    pub(crate) recover_soon: Notify,
    pub(crate) rotate_soon: Notify,
    pub(crate) written: following::Written,
    changes: broadcast::Sender<AccountId>,
    running: AtomicBool,
    stopping: AtomicBool,
    told: Mutex<HashMap<String, UnixMs>>,
    doubt: astray::Doubt,
    /// When the next timer for what rests ends; [`i64::MAX`] without one.
    timer_at: AtomicI64,
    /// When this node last said that it lives.
    beaten_at: AtomicI64,
    idle: Notify,
}

impl Sender {
    /// A sender that has not started, and the outcomes its recorder will read.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        Gear { outbound, vault, alerts, given }: Gear,
    ) -> (Arc<Self>, mpsc::Receiver<Outcome>) {
        let (outcomes, outcomes_out) = mpsc::channel(IN_FLIGHT_MAX);
        let (at, entropy) = ids.next();
        let node = format!("node_{}", domain::id::encode(at, entropy));
        let sender = Self {
            targets: Targets::new(db.clone(), vault),
            db,
            clock,
            ids,
            node,
            counters: Counters::default(),
            outbound,
            alerts,
            policies: InForce::new(given),
            queues: Arc::default(),
            outcomes,
            claim_soon: claim::Hint::default(),
            recover_soon: Notify::new(),
            rotate_soon: Notify::new(),
            written: following::Written::default(),
            changes: broadcast::channel(CHANGES_MAX).0,
            running: false.into(),
            stopping: false.into(),
            told: Mutex::default(),
            doubt: astray::Doubt::default(),
            timer_at: i64::MAX.into(),
            beaten_at: 0.into(),
            idle: Notify::new(),
        };
        (Arc::new(sender), outcomes_out)
    }

    /// Tells of accounts whose deliveries changed.
    pub fn changes(&self) -> broadcast::Receiver<AccountId> {
        self.changes.subscribe()
    }

    /// Says that deliveries of these accounts changed. Nobody listening is no error.
    pub(crate) fn changed(&self, accounts: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut accounts: Vec<String> = accounts.into_iter().collect();
        accounts.sort_unstable();
        accounts.dedup();
        for account in accounts.iter().filter_map(|id| AccountId::parse(id).ok()) {
            let _ = self.changes.send(account);
        }
        accounts
    }

    pub(crate) fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> UnixMs {
        self.clock.now()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Says that something may be due at `at`.
    pub fn wake_at(&self, at: UnixMs) {
        self.claim_soon.at(at);
    }

    /// From now on attempts start by themselves.
    pub(crate) fn set_running(&self) {
        self.running.store(true, Ordering::Release);
    }

    /// One round by hand, for tests: fetches what is due, tries it, records it, until nothing is left to do now.
    /// Returns how many attempts were made.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn run_once(self: &Arc<Self>) -> StoreResult<usize> {
        let mut attempts = 0;
        loop {
            claim::claim_once(self).await?;
            let now = self.now();
            let turns: Vec<Turn> = std::iter::from_fn(|| self.queues().next(now)).collect();
            if turns.is_empty() {
                return Ok(attempts);
            }
            let outcomes = futures::future::join_all(turns.into_iter().map(|turn| attempt::take(self, turn))).await;
            recorder::record(self, &outcomes).await?;
            self.finished(&outcomes);
            attempts += outcomes.iter().filter(|outcome| outcome.pace().is_some()).count();
        }
    }

    /// Starts as many attempts as may be made now.
    pub fn pump(self: &Arc<Self>) {
        if !self.running.load(Ordering::Acquire) || !self.is_heard() {
            return;
        }
        while !self.is_stopping() {
            let now = self.now();
            let Some(turn) = self.queues().next(now) else { break };
            let sender = Arc::clone(self);
            tokio::spawn(async move { sender.run(turn).await });
        }
        if self.queues().wants_more() {
            self.claim_soon.at(self.now());
        }
        self.pump_when_rested();
    }

    /// Comes back when the first rate-limited endpoint may go on. One timer that ends by then is enough.
    fn pump_when_rested(self: &Arc<Self>) {
        let Some(at) = self.queues().rested_at() else { return };
        if self.timer_at.fetch_min(at.0, Ordering::AcqRel) <= at.0 {
            return;
        }
        let wait_ms = at.since_ms(self.now()).max(1).unsigned_abs();
        let sender = Arc::clone(self);
        tokio::spawn(async move {
            clock::sleep_ms(wait_ms).await;
            let _ = sender.timer_at.compare_exchange(at.0, i64::MAX, Ordering::AcqRel, Ordering::Relaxed);
            sender.pump();
        });
    }

    async fn run(self: Arc<Self>, turn: Turn) {
        let outcome = attempt::take(&self, turn).await;
        // The recorder lives as long as the sender; a closed channel means that the process is ending.
        let _ = self.outcomes.send(outcome).await;
    }

    /// How many outcomes wait to be recorded.
    pub(crate) fn outcomes_waiting(&self) -> usize {
        self.outcomes.max_capacity() - self.outcomes.capacity()
    }

    /// These outcomes are recorded; their places are free.
    fn finished(&self, outcomes: &[Outcome]) {
        let (mut queues, now) = (self.queues(), self.now());
        for outcome in outcomes {
            queues.finished(outcome.job(), outcome.pace(), now);
        }
        drop(queues);
        self.idle.notify_waiters();
    }

    /// Reads the policies that are in force now; the guard of the HTTP client follows from the next attempt on.
    ///
    /// # Errors
    /// When the database cannot be read; what was known stays in force.
    pub async fn read_policies(&self) -> domain::Result<()> {
        let before = self.policies.now();
        let now = self.policies.read(&self.db).await?;
        if before.egress_allow != now.egress_allow {
            self.outbound.allow(now.egress_allow.clone()).map_err(|error| {
                tracing::error!(%error, "the egress guard could not be changed");
                Error::Internal
            })?;
        }
        Ok(())
    }

    /// Stops starting attempts and waits for those in flight to be recorded, at most `wait_ms` milliseconds.
    pub async fn stop(&self, wait_ms: u64) {
        self.stopping.store(true, Ordering::Release);
        let drained = async {
            loop {
                let idle = self.idle.notified();
                if self.queues().in_flight() == 0 {
                    break;
                }
                let _ = tokio::time::timeout(std::time::Duration::from_millis(50), idle).await;
            }
        };
        let _ = tokio::time::timeout(std::time::Duration::from_millis(wait_ms), drained).await;
        if let Err(error) = self.leave().await {
            tracing::warn!(%error, "could not free what this node had in hand; others take it over when it falls silent");
        }
    }

    async fn leave(&self) -> StoreResult<()> {
        let mut tx = self.db.begin().await?;
        crate::store::nodes::leave(&mut tx, &self.node).await?;
        tx.commit().await
    }
}
