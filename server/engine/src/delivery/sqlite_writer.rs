//! SQLite has one writer, so accepting events and recording outcomes share it: what has gathered on both sides during the
//! last commit is written by the next one together, and the disk is waited for once instead of twice.
//!
//! Neither side can block the other. When a shared transaction fails, each side gets one of its own: events that cannot be
//! stored are refused at once, outcomes stay in memory and are retried.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

use crate::{clock, store::error::StoreResult, supervisor::Progress};

use super::{
    intake::{self, Backlog, INTAKE_MAX},
    outcome::Outcome,
    record::{self, RECORD_MAX, RETRY_MS},
    sender::Sender,
};

/// What has gathered. It outlives a panic of the task that writes it.
pub(crate) struct Queue {
    arriving: mpsc::Receiver<Backlog>,
    ended: mpsc::Receiver<Outcome>,
    gathered: Gathered,
}

impl Queue {
    pub(crate) fn new(arriving: mpsc::Receiver<Backlog>, ended: mpsc::Receiver<Outcome>) -> Arc<Mutex<Self>> {
        let gathered = Gathered {
            events: Vec::with_capacity(INTAKE_MAX),
            outcomes: Vec::with_capacity(RECORD_MAX),
            retry_ms: None,
        };
        Arc::new(Mutex::new(Self { arriving, ended, gathered }))
    }
}

struct Gathered {
    events: Vec<Backlog>,
    outcomes: Vec<Outcome>,
    /// The wait before outcomes that could not be recorded are retried, in milliseconds.
    retry_ms: Option<u64>,
}

/// Writes until the intake is dropped.
pub(crate) async fn run(sender: Arc<Sender>, queue: Arc<Mutex<Queue>>, progress: Progress) {
    let Queue { arriving, ended, gathered } = &mut *queue.lock().await;
    while gathered.wait(arriving, ended).await {
        gathered.fill(arriving, ended);
        if gathered.retry_ms.is_some() || !write_together(&sender, gathered).await {
            write_separately(&sender, gathered).await;
        }
        sender.pump();
        progress.made();
    }
}

impl Gathered {
    /// Waits until there is something to write; false when nothing more will come.
    async fn wait(&mut self, arriving: &mut mpsc::Receiver<Backlog>, ended: &mut mpsc::Receiver<Outcome>) -> bool {
        // More events than one transaction accepts, or what a panic has left.
        if !self.events.is_empty() || (!self.outcomes.is_empty() && self.retry_ms.is_none()) {
            return true;
        }
        let (events, outcomes, retry_ms) = (&mut self.events, &mut self.outcomes, self.retry_ms);
        let recorded = async {
            match retry_ms {
                Some(wait_ms) => {
                    clock::sleep_ms(wait_ms).await;
                    true
                }
                None => ended.recv_many(outcomes, RECORD_MAX).await > 0,
            }
        };
        tokio::select! {
            arrived = arriving.recv_many(events, INTAKE_MAX) => arrived > 0,
            more = recorded => more,
        }
    }

    /// Adds what has come on the other side meanwhile.
    fn fill(&mut self, arriving: &mut mpsc::Receiver<Backlog>, ended: &mut mpsc::Receiver<Outcome>) {
        intake::fill(&mut self.events, arriving);
        while self.outcomes.len() < RECORD_MAX
            && let Ok(outcome) = ended.try_recv()
        {
            self.outcomes.push(outcome);
        }
    }
}

/// One transaction for both sides. False when it failed: nothing was written and no result was reported.
async fn write_together(sender: &Arc<Sender>, gathered: &mut Gathered) -> bool {
    let committed = sender.context.supervisor.caught("writer", commit(sender, gathered)).await;
    sender.context.writes.note(sender.now(), &committed);
    match committed {
        Ok((accepted, recorded)) => {
            let waiting = gathered.events.drain(..accepted.results.len()).map(|(_, waiting)| waiting).collect();
            let outcomes = gathered.outcomes.len();
            record::recorded_first(sender, recorded, &mut gathered.outcomes, outcomes).await;
            intake::settle(sender, accepted, waiting).await;
            true
        }
        Err(error) => {
            sender.mark_uncertain();
            tracing::debug!(%error, "a shared transaction failed; each side gets its own");
            false
        }
    }
}

async fn commit(sender: &Arc<Sender>, gathered: &Gathered) -> StoreResult<(intake::Written, record::Recorded)> {
    let mut tx = sender.context.db.begin_direct().await?;
    let began = clock::stopwatch();
    // Outcomes first: a delivery that ended makes way in its call for what arrives.
    let recorded = record::write(sender, &mut tx, &gathered.outcomes).await?;
    let events = &gathered.events[..gathered.events.len().min(INTAKE_MAX)];
    let accepted = intake::accept(sender, &mut tx, events).await?;
    tx.commit().await?;
    let (counters, seconds) = (&sender.context.counters, began.elapsed().as_secs_f64());
    if !gathered.events.is_empty() {
        counters.intake.add(accepted.events.len(), seconds);
    }
    if !gathered.outcomes.is_empty() {
        counters.record.add(gathered.outcomes.len(), seconds);
    }
    Ok((accepted, recorded))
}

/// A transaction for each side.
async fn write_separately(sender: &Arc<Sender>, gathered: &mut Gathered) {
    let mut trying = intake::Trying::default();
    while !gathered.events.is_empty() {
        intake::write(sender, &mut gathered.events, &mut trying).await;
    }
    if gathered.outcomes.is_empty() {
        gathered.retry_ms = None;
        return;
    }
    match record::record(sender, &mut gathered.outcomes).await {
        Ok(()) => gathered.retry_ms = None,
        Err(error) => {
            // The attempts were made; their outcomes stay in memory until they are written.
            tracing::warn!(%error, outcomes = gathered.outcomes.len(), "outcomes could not be recorded; trying again");
            let wait_ms = gathered.retry_ms.map_or(RETRY_MS.0, |wait_ms| wait_ms * 2);
            gathered.retry_ms = Some(wait_ms.min(RETRY_MS.1));
        }
    }
}
