//! Starts attempts from the queues, and stops.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use domain::UnixMs;
use tracing::Instrument as _;

use crate::{
    clock,
    store::{error::StoreResult, nodes},
    supervisor,
};

use super::{attempt, claim, outcome::Outcome, queue::Turn, record, sender::Sender};

/// While stopping: longest wait for a signal before attempts in flight are counted again.
const STOP_POLL_MS: u64 = 50;
/// Deliveries that one transaction releases when stopping.
const LEAVE_STEP_ROWS: u32 = 500;

impl Sender {
    /// Lets [`Self::pump`] start attempts.
    pub(crate) fn start(&self) {
        self.dispatch.started.store(true, Ordering::Release);
    }

    /// One round, for tests: claims what is due, attempts it and records it, until nothing is left to do now.
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
            let mut outcomes = futures::future::join_all(turns.into_iter().map(|turn| attempt::take(self, turn))).await;
            attempts += outcomes.iter().filter(|outcome| outcome.succeeded().is_some()).count();
            record::record(self, &mut outcomes).await?;
        }
    }

    /// Starts as many attempts as may be made now, and has more claimed where memory has become free.
    pub fn pump(self: &Arc<Self>) {
        self.start_attempts();
        if self.queues().take_overflow() {
            self.wake_at(self.now());
        }
    }

    fn start_attempts(self: &Arc<Self>) {
        if !self.dispatch.started.load(Ordering::Acquire) || !self.lease_valid() {
            return;
        }
        while !self.context.is_stopping() {
            let now = self.now();
            let Some(turn) = self.queues().next(now) else { break };
            let span = tracing::debug_span!(
                "delivery",
                delivery_id = turn.delivery().id,
                event_id = turn.delivery().event_id,
                endpoint_id = &*turn.delivery().endpoint_id,
            );
            let sender = Arc::clone(self);
            self.context.supervisor.run_once("attempts", async move { sender.run(turn).await }.instrument(span));
        }
        self.pump_when_ready();
    }

    /// Pumps again when the first throttled endpoint may continue. One timer that ends by then is enough.
    fn pump_when_ready(self: &Arc<Self>) {
        let Some(at) = self.queues().next_ready_at() else { return };
        let timer_at = &self.dispatch.timer_at;
        if timer_at.fetch_min(at.0, Ordering::AcqRel) <= at.0 {
            return;
        }
        let wait_ms = at.since_ms(self.now()).max(1).unsigned_abs();
        let sender = Arc::clone(self);
        self.context.supervisor.run_once("throttle", async move {
            clock::sleep_ms(wait_ms).await;
            let timer_at = &sender.dispatch.timer_at;
            let _ = timer_at.compare_exchange(at.0, i64::MAX, Ordering::AcqRel, Ordering::Relaxed);
            sender.pump();
        });
    }

    async fn run(self: Arc<Self>, turn: Turn) {
        let outcome = attempt::take(&self, turn).await;
        let succeeded = outcome.succeeded() == Some(true);
        // A panic must not lose the outcome. The queues learn of it when it is recorded, at the latest.
        if succeeded && let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.succeeded(&outcome))) {
            self.context.supervisor.note("attempts", supervisor::message(&*panic));
        }
        // The recorder lives as long as the sender; a closed channel means that the process is ending.
        let _ = self.dispatch.outcomes.send(outcome).await;
        if succeeded {
            self.start_attempts();
        }
    }

    fn succeeded(&self, outcome: &Outcome) {
        let now = self.now();
        self.queues().succeeded(outcome.delivery(), now);
    }

    /// These outcomes are recorded: their memory is free.
    pub(super) fn finished(&self, outcomes: &[Outcome], now: UnixMs) {
        let mut queues = self.queues();
        for outcome in outcomes {
            queues.finished(outcome.delivery(), outcome.succeeded(), now);
        }
        drop(queues);
        self.dispatch.recorded.notify_waiters();
    }

    /// Starts no more attempts and waits until those in flight are recorded, at most `wait_ms` milliseconds.
    pub async fn stop(&self, wait_ms: u64) {
        self.context.stop();
        let drained = async {
            loop {
                let recorded = self.dispatch.recorded.notified();
                if self.queues().in_flight() == 0 {
                    break;
                }
                let _ = tokio::time::timeout(Duration::from_millis(STOP_POLL_MS), recorded).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(wait_ms), drained).await;
        if let Err(error) = self.leave().await {
            tracing::warn!(%error, "this node's leases could not be released; other nodes take them over once it is silent");
        }
    }

    async fn leave(&self) -> StoreResult<()> {
        let (db, node) = (&self.context.db, &self.context.node);
        loop {
            let mut tx = db.begin().await?;
            let released = nodes::release_own(&mut tx, node, LEAVE_STEP_ROWS).await?;
            let all = released < u64::from(LEAVE_STEP_ROWS);
            if all {
                nodes::leave(&mut tx, node).await?;
            }
            tx.commit().await?;
            if all {
                return Ok(());
            }
        }
    }
}
