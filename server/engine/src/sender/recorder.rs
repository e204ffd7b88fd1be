//! Writes outcomes in group commits: delivery states under the lease, attempts, endpoint health, and what follows in
//! each call's lane, all in one transaction.

use crate::clock;
use crate::random;
use std::{collections::HashSet, sync::Arc};

use domain::{UnixMs, id::DeliveryId, time::DAY_MS};
use tokio::sync::mpsc;

use crate::store::{
    cleaning,
    db::Tx,
    error::StoreResult,
    jobs::{self, OrderingKey},
    outcomes::{self, AttemptRow, Finish},
};

use super::{
    Sender,
    alerts::{self, Happened},
    claim, count, health,
    outcome::Outcome,
    rotating,
};

/// Most outcomes of one commit.
pub const RECORD_MAX: usize = 512;
/// First and longest wait before a commit that failed is tried again.
pub(super) const RETRY_MS: (u64, u64) = (100, 2_000);

/// Records outcomes until the sender is gone.
pub(crate) async fn run(sender: Arc<Sender>, mut outcomes: mpsc::Receiver<Outcome>) {
    let mut batch = Vec::with_capacity(RECORD_MAX);
    while outcomes.recv_many(&mut batch, RECORD_MAX).await > 0 {
        let mut wait_ms = RETRY_MS.0;
        while let Err(error) = record(&sender, &batch).await {
            // The attempts were made; their outcomes stay in memory until they are written.
            tracing::warn!(%error, outcomes = batch.len(), "outcomes could not be recorded; trying again");
            clock::sleep_ms(wait_ms).await;
            wait_ms = (wait_ms * 2).min(RETRY_MS.1);
        }
        sender.finished(&batch);
        batch.clear();
        sender.pump();
    }
}

/// Writes a batch of outcomes in a transaction of its own and takes what follows in hand.
pub(super) async fn record(sender: &Arc<Sender>, batch: &[Outcome]) -> StoreResult<()> {
    let written = async {
        let mut tx = sender.db.begin().await?;
        let began = clock::stopwatch();
        let recorded = write(sender, &mut tx, batch).await?;
        tx.commit().await?;
        sender.counters.record.add(batch.len(), began.elapsed().as_secs_f64());
        StoreResult::Ok(recorded)
    };
    let recorded = written.await.inspect_err(|_| sender.mark_uncertain())?;
    settle(sender, recorded, batch).await;
    Ok(())
}

/// What a transaction has recorded; true once it is committed.
#[derive(Default)]
pub(super) struct Recorded {
    next: Option<claim::Fetched>,
    soonest: Option<UnixMs>,
    happened: Vec<Happened>,
}

/// Writes a batch of outcomes.
pub(super) async fn write(sender: &Sender, tx: &mut Tx, batch: &[Outcome]) -> StoreResult<Recorded> {
    if batch.is_empty() {
        return Ok(Recorded::default());
    }
    let now = sender.now();
    // Before anything is read: nobody comes to wait behind what ends here without being seen.
    jobs::lock_ordering_keys(tx, batch.iter().map(Outcome::lane)).await?;
    let lanes_ended = call_ends(tx, batch).await?;
    let finishes: Vec<Finish> = batch
        .iter()
        .filter_map(|outcome| outcome.finish(lanes_ended.contains(&outcome.lane()), now, random::jitter()))
        .collect();
    let kept: HashSet<String> = outcomes::finish(tx, &sender.node, &finishes).await?.into_iter().collect();
    count(&sender.counters.fenced, finishes.len() - kept.len());
    keep_attempts(sender, tx, batch, &kept).await?;
    // Before the endpoints: whoever rotates locks the rotation first, too.
    rotating::prove(tx, batch, &kept, now).await?;
    let happened = health::record(sender, tx, batch, &finishes, &kept).await?;
    release_the_rest(sender, tx, batch).await?;
    strip_past(tx, &finishes, &kept, now).await?;
    let next = promote_next(sender, tx, batch, &finishes, &kept).await?;
    let soonest = finishes.iter().filter_map(|finish| finish.due_ms).min().map(UnixMs);
    Ok(Recorded { next, soonest, happened })
}

/// The transaction is committed: takes what follows in hand.
pub(super) async fn settle(sender: &Arc<Sender>, recorded: Recorded, batch: &[Outcome]) {
    count_results(sender, batch);
    if let Some(next) = recorded.next {
        next.take_in_hand(sender);
    }
    if let Some(soonest) = recorded.soonest {
        sender.wake_at(soonest);
    }
    let accounts = sender.changed(batch.iter().map(|outcome| outcome.job().account_id.clone()));
    sender.tell_accounts(accounts).await;
    alerts::tell(sender, recorded.happened).await;
}

/// The lanes of failed news in which the end of the call is already waiting.
async fn call_ends(tx: &mut Tx, batch: &[Outcome]) -> StoreResult<HashSet<OrderingKey>> {
    let asking: Vec<OrderingKey> =
        batch.iter().filter(|outcome| outcome.asks_for_call_end()).map(Outcome::lane).collect();
    if asking.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(outcomes::call_ended(tx, &asking).await?.into_iter().collect())
}

async fn keep_attempts(sender: &Sender, tx: &mut Tx, batch: &[Outcome], kept: &HashSet<String>) -> StoreResult<()> {
    let made = batch.iter().filter_map(|outcome| match outcome {
        Outcome::Tried(sent) if kept.contains(&sent.job.id) => Some(sent.attempt_row(&*sender.ids)),
        _ => None,
    });
    let rows: Vec<AttemptRow> = made.collect();
    if rows.is_empty() { Ok(()) } else { outcomes::add_attempts(tx, &rows).await }
}

/// Lets go of what could not be tried just now; it is due again at once, or held by its endpoint's state.
async fn release_the_rest(sender: &Sender, tx: &mut Tx, batch: &[Outcome]) -> StoreResult<()> {
    let ids: Vec<String> =
        batch.iter().filter(|o| matches!(o, Outcome::NotNow(_))).map(|o| o.job().id.clone()).collect();
    if ids.is_empty() { Ok(()) } else { jobs::release(tx, &sender.node, &ids).await }
}

/// What waited past its retention goes with its end. No retention is shorter than a day, so nearly nothing is asked for.
async fn strip_past(tx: &mut Tx, finishes: &[Finish], kept: &HashSet<String>, now: UnixMs) -> StoreResult<()> {
    let recent = DeliveryId::new(now.plus_ms(-DAY_MS), 0);
    let ended = finishes.iter().filter(|finish| finish.due_ms.is_none() && kept.contains(&finish.id));
    let old: Vec<&str> = ended.map(|finish| finish.id.as_str()).filter(|id| *id < recent.as_str()).collect();
    if old.is_empty() { Ok(()) } else { cleaning::ended(tx, &old).await }
}

/// Makes the next of each ended lane due and takes it in hand, if memory has room.
async fn promote_next(
    sender: &Sender,
    tx: &mut Tx,
    batch: &[Outcome],
    finishes: &[Finish],
    kept: &HashSet<String>,
) -> StoreResult<Option<claim::Fetched>> {
    let ended: HashSet<&str> =
        finishes.iter().filter(|f| f.due_ms.is_none() && kept.contains(&f.id)).map(|f| f.id.as_str()).collect();
    let mut lanes: Vec<OrderingKey> =
        batch.iter().filter(|o| ended.contains(o.job().id.as_str())).map(Outcome::lane).collect();
    if lanes.is_empty() {
        return Ok(None);
    }
    lanes.sort_unstable_by(|a, b| (&a.endpoint_id, &a.call_id).cmp(&(&b.endpoint_id, &b.call_id)));
    lanes.dedup();
    let room = sender.queues().has_room_for(lanes.len());
    let node = room.then_some(sender.node.as_str());
    let due = jobs::promote_next(tx, &lanes, node, sender.now()).await?;
    if due.is_empty() {
        return Ok(None);
    }
    if node.is_none() {
        sender.wake_at(sender.now());
        return Ok(None);
    }
    claim::Fetched::of(sender, tx, &due).await.map(Some)
}

fn count_results(sender: &Sender, batch: &[Outcome]) {
    let delivered = batch.iter().filter(|outcome| outcome.pace() == Some(true)).count();
    let failed = batch.iter().filter(|outcome| outcome.pace() == Some(false)).count();
    count(&sender.counters.delivered, delivered);
    count(&sender.counters.failed_attempts, failed);
}
