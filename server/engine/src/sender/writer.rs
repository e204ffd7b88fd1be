//! SQLite has one writer, so accepting and recording share it: what has gathered on both sides while the last commit
//! ran goes into the next one together, and the disk is waited for once instead of twice.
//!
//! Neither side can hold the other up. When a shared transaction fails, each side gets one of its own: events that
//! cannot be stored are refused at once, outcomes stay in memory and are tried again.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::{clock, store::error::StoreResult};

use super::{
    Sender,
    ingest::{self, INTAKE_MAX, Waiting},
    outcome::Outcome,
    recorder::{self, RECORD_MAX, RETRY_MS},
};

/// What has gathered.
struct Gathered {
    events: Vec<Waiting>,
    outcomes: Vec<Outcome>,
    /// The wait before outcomes that could not be recorded are tried again, in milliseconds.
    retry_ms: Option<u64>,
}

/// Writes until the door is gone.
pub(crate) async fn run(sender: Arc<Sender>, mut door: mpsc::Receiver<Waiting>, mut ended: mpsc::Receiver<Outcome>) {
    let mut gathered =
        Gathered { events: Vec::with_capacity(INTAKE_MAX), outcomes: Vec::with_capacity(RECORD_MAX), retry_ms: None };
    while gathered.wait(&mut door, &mut ended).await {
        gathered.take_the_rest(&mut door, &mut ended);
        if gathered.retry_ms.is_some() || !together(&sender, &mut gathered).await {
            apart(&sender, &mut gathered).await;
        }
        sender.pump();
    }
}

impl Gathered {
    /// Waits until there is something to write; false when nothing will come any more.
    async fn wait(&mut self, door: &mut mpsc::Receiver<Waiting>, ended: &mut mpsc::Receiver<Outcome>) -> bool {
        // More events than one transaction takes.
        if !self.events.is_empty() {
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
            arrived = door.recv_many(events, INTAKE_MAX) => arrived > 0,
            more = recorded => more,
        }
    }

    /// Adds what has come on the other side meanwhile.
    fn take_the_rest(&mut self, door: &mut mpsc::Receiver<Waiting>, ended: &mut mpsc::Receiver<Outcome>) {
        while self.events.len() < INTAKE_MAX
            && let Ok(event) = door.try_recv()
        {
            self.events.push(event);
        }
        while self.outcomes.len() < RECORD_MAX
            && let Ok(outcome) = ended.try_recv()
        {
            self.outcomes.push(outcome);
        }
    }
}

/// One transaction for both sides. False when it failed and nothing has been written or answered.
async fn together(sender: &Arc<Sender>, gathered: &mut Gathered) -> bool {
    match commit(sender, gathered).await {
        Ok((accepted, recorded)) => {
            let answers = gathered.events.drain(..accepted.answers.len()).map(|(_, answer)| answer).collect();
            sender.finished(&gathered.outcomes);
            recorder::settle(sender, recorded, &gathered.outcomes).await;
            gathered.outcomes.clear();
            ingest::settle(sender, accepted, answers).await;
            true
        }
        Err(error) => {
            sender.mark_uncertain();
            tracing::debug!(%error, "a shared transaction failed; trying each side by itself");
            false
        }
    }
}

async fn commit(sender: &Arc<Sender>, gathered: &Gathered) -> StoreResult<(ingest::Written, recorder::Recorded)> {
    let mut tx = sender.db.begin().await?;
    let began = clock::stopwatch();
    // Outcomes first: what ended makes way in its lane for what arrives.
    let recorded = recorder::write(sender, &mut tx, &gathered.outcomes).await?;
    let accepted = ingest::accept(sender, &mut tx, &gathered.events).await?;
    tx.commit().await?;
    let seconds = began.elapsed().as_secs_f64();
    if !gathered.events.is_empty() {
        sender.counters.ingest.add(accepted.events.len(), seconds);
    }
    if !gathered.outcomes.is_empty() {
        sender.counters.record.add(gathered.outcomes.len(), seconds);
    }
    Ok((accepted, recorded))
}

/// A transaction for each side.
async fn apart(sender: &Arc<Sender>, gathered: &mut Gathered) {
    if !gathered.events.is_empty() {
        ingest::write(sender, &mut gathered.events).await;
    }
    if gathered.outcomes.is_empty() {
        gathered.retry_ms = None;
        return;
    }
    match recorder::record(sender, &gathered.outcomes).await {
        Ok(()) => {
            sender.finished(&gathered.outcomes);
            gathered.outcomes.clear();
            gathered.retry_ms = None;
        }
        Err(error) => {
            // The attempts were made; their outcomes stay in memory until they are written.
            tracing::warn!(%error, outcomes = gathered.outcomes.len(), "outcomes could not be recorded; trying again");
            let wait_ms = gathered.retry_ms.map_or(RETRY_MS.0, |wait_ms| wait_ms * 2);
            gathered.retry_ms = Some(wait_ms.min(RETRY_MS.1));
        }
    }
}
