//! Records outcomes in group commits: delivery states under the lease, attempts, endpoint health, and the next delivery of
//! each call, all in one transaction.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use domain::{UnixMs, id::DeliveryId, ops::parked::DELIVERIES, time::DAY_MS};
use futures::FutureExt as _;
use tokio::sync::{Mutex, mpsc};

use crate::{
    clock,
    metrics::count,
    random,
    storage::Added,
    store::{
        db::Tx,
        deliveries::{
            order,
            ordering_keys::{self, OrderingKey},
            outcomes::{self, AttemptRow, Finish, ThrottledEndpoint},
            queue, retention,
        },
        error::{StoreError, StoreResult},
        ops::parked,
    },
    supervisor::Progress,
};

use super::{claim::Claimed, evidence, health, outcome::Outcome, rotation, sender::Sender};

/// Most outcomes of one commit.
pub(crate) const RECORD_MAX: usize = 512;
/// First and longest wait before a failed commit is retried.
pub(super) const RETRY_MS: (u64, u64) = (100, 2_000);

/// Outcomes on their way to the database. They outlive a panic of the task that writes them.
pub(crate) struct Queue {
    outcomes: mpsc::Receiver<Outcome>,
    batch: Vec<Outcome>,
}

impl Queue {
    pub(crate) fn new(outcomes: mpsc::Receiver<Outcome>) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { outcomes, batch: Vec::with_capacity(RECORD_MAX) }))
    }
}

/// Records outcomes until the sender is dropped.
pub(crate) async fn run(sender: Arc<Sender>, queue: Arc<Mutex<Queue>>, progress: Progress) {
    let Queue { outcomes, batch } = &mut *queue.lock().await;
    while !batch.is_empty() || outcomes.recv_many(batch, RECORD_MAX).await > 0 {
        let mut wait_ms = RETRY_MS.0;
        while let Err(error) = record(&sender, batch).await {
            // The attempts were made; their outcomes stay in memory until they are written.
            tracing::warn!(%error, outcomes = batch.len(), "outcomes could not be recorded; trying again");
            clock::sleep_ms(wait_ms).await;
            wait_ms = (wait_ms * 2).min(RETRY_MS.1);
        }
        sender.pump();
        progress.made();
    }
}

/// Writes outcomes in transactions of their own, queues what follows, and takes them out of the batch. What the database
/// refuses is parked.
///
/// # Errors
/// When the database is unavailable: the outcomes that are left were not recorded.
pub(super) async fn record(sender: &Arc<Sender>, batch: &mut Vec<Outcome>) -> StoreResult<()> {
    let (mut most, mut refused) = (batch.len(), false);
    while !batch.is_empty() {
        let tried = most.min(batch.len());
        let committed = sender.context.supervisor.caught("record", commit(sender, &batch[..tried])).await;
        sender.context.writes.note(sender.now(), &committed);
        match committed {
            Ok(recorded) => {
                refused = false;
                recorded_first(sender, recorded, batch, tried).await;
            }
            Err(error) if !error.blames_item() => {
                sender.mark_uncertain();
                return Err(error);
            }
            // One of them may be what the database refuses: half of them are tried, until it is alone.
            Err(error) if tried > 1 => {
                tracing::debug!(%error, tried, "outcomes could not be recorded together; trying fewer");
                most = tried / 2;
            }
            // Alone, it gets a second chance: parking ends its delivery.
            Err(_) if !refused => refused = true,
            Err(error) => {
                let recorded = park(sender, &batch[0], &error).await?;
                recorded_first(sender, recorded, batch, 1).await;
                (most, refused) = (batch.len(), false);
            }
        }
    }
    Ok(())
}

/// The first `n` of the batch are committed: frees their memory, and queues what follows. From the commit to the end of the
/// first step nothing may fail: an outcome that is recorded and still in memory would hold its delivery there.
pub(super) async fn recorded_first(sender: &Arc<Sender>, recorded: Recorded, batch: &mut Vec<Outcome>, n: usize) {
    sender.finished(&batch[..n], recorded.at);
    let done: Vec<Outcome> = batch.drain(..n).collect();
    settle(sender, recorded, &done).await;
}

/// Ends a delivery whose outcome the database refuses as failed by us, so that its call continues, and lists it for
/// operators. If the database refuses that, too, the delivery is only listed, and claimed no more.
async fn park(sender: &Arc<Sender>, outcome: &Outcome, error: &StoreError) -> StoreResult<Recorded> {
    let (delivery, reason, now) = (outcome.delivery(), error.to_string(), sender.now());
    tracing::error!(delivery_id = delivery.id, reason, "an outcome cannot be recorded; its delivery is parked");
    let listed =
        async |tx: &mut Tx| parked::add(tx, DELIVERIES, &delivery.id, Some(&delivery.account_id), &reason, now).await;
    let ended = async {
        let mut tx = sender.context.db.begin().await?;
        let recorded = end_by_us(sender, &mut tx, outcome).await?;
        listed(&mut tx).await?;
        tx.commit().await?;
        Ok(recorded)
    };
    match sender.context.supervisor.caught("record", ended).await {
        Err(error) if error.blames_item() => {
            let mut tx = sender.context.db.begin().await?;
            listed(&mut tx).await?;
            tx.commit().await?;
            Ok(Recorded::at(now))
        }
        ended => ended,
    }
}

async fn end_by_us(sender: &Sender, tx: &mut Tx, outcome: &Outcome) -> StoreResult<Recorded> {
    ordering_keys::lock(tx, [outcome.ordering_key()]).await?;
    let now = sender.now();
    let finishes = [outcome.unrecordable(now)];
    let kept = outcomes::finish(tx, &sender.context.node, &finishes).await?.into_iter().collect();
    let next = promote_next(sender, tx, std::slice::from_ref(outcome), &finishes, &kept, Vec::new()).await?;
    Ok(Recorded { next, ..Recorded::at(now) })
}

async fn commit(sender: &Arc<Sender>, batch: &[Outcome]) -> StoreResult<Recorded> {
    sender.context.db.directly(|tx| commit_in(sender, tx, batch).boxed()).await
}

async fn commit_in(sender: &Arc<Sender>, mut tx: Tx, batch: &[Outcome]) -> StoreResult<Recorded> {
    let began = clock::stopwatch();
    let recorded = write(sender, &mut tx, batch).await?;
    tx.commit().await?;
    sender.context.counters.record.add(batch.len(), began.elapsed().as_secs_f64());
    Ok(recorded)
}

/// What a transaction has recorded; valid once it is committed.
pub(super) struct Recorded {
    at: UnixMs,
    next: Option<Claimed>,
    soonest: Option<UnixMs>,
    /// Whether an endpoint changed state, so that its admins are to be alerted.
    alerts: bool,
    /// What is kept of responses.
    added: Vec<Added>,
}

impl Recorded {
    const fn at(at: UnixMs) -> Self {
        Self { at, next: None, soonest: None, alerts: false, added: Vec::new() }
    }
}

/// Writes a batch of outcomes.
pub(super) async fn write(sender: &Sender, tx: &mut Tx, batch: &[Outcome]) -> StoreResult<Recorded> {
    let now = sender.now();
    if batch.is_empty() {
        return Ok(Recorded::at(now));
    }
    // Before anything is read: no delivery starts waiting behind one that ends here without being seen.
    ordering_keys::lock(tx, batch.iter().map(Outcome::ordering_key)).await?;
    let calls_ended = calls_ended(tx, batch).await?;
    let finishes: Vec<Finish> = batch
        .iter()
        .filter_map(|outcome| outcome.finish(calls_ended.contains(&outcome.ordering_key()), now, random::jitter()))
        .collect();
    let kept: HashSet<String> = outcomes::finish(tx, &sender.context.node, &finishes).await?.into_iter().collect();
    count(&sender.context.counters.fenced, finishes.len() - kept.len());
    trace(&finishes, &kept);
    let made = with_deleted(tx, &finishes, &kept).await?;
    let added = add_attempts(sender, tx, batch, &made).await?;
    // Before the endpoints: rotating locks the rotation first, too.
    rotation::record_proofs(tx, batch, &kept, now).await?;
    let alerts = health::record(sender, tx, batch, &finishes, &kept).await?;
    pauses(tx, batch).await?;
    release_unattempted(sender, tx, batch).await?;
    strip_expired(sender, tx, batch, &finishes, &kept).await?;
    let (given_up, until) = give_up_order(tx, batch, &finishes, &kept, now).await?;
    let next = promote_next(sender, tx, batch, &finishes, &kept, given_up).await?;
    let soonest = finishes.iter().filter_map(|finish| finish.due_ms).chain(until).min().map(UnixMs);
    Ok(Recorded { at: now, next, soonest, alerts, added })
}

/// The transaction is committed: queues what follows.
pub(super) async fn settle(sender: &Arc<Sender>, recorded: Recorded, batch: &[Outcome]) {
    count_results(sender, batch);
    sender.context.storage.note(recorded.added);
    sender.release_throttled(batch).await;
    if let Some(next) = recorded.next {
        next.enqueue(sender);
    }
    if let Some(soonest) = recorded.soonest {
        sender.wake_at(soonest);
    }
    sender.changed(batch.iter().map(|outcome| outcome.delivery().account_id.clone())).await;
    if recorded.alerts {
        sender.alerts.notify_one();
    }
}

/// Before the commit, which comes at once or is reported as failed.
fn trace(finishes: &[Finish], kept: &HashSet<String>) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    for Finish { id, state, end_reason, cause, due_ms, .. } in finishes {
        let fenced = !kept.contains(id);
        tracing::debug!(delivery_id = id, state, end_reason, cause, due_ms, fenced, "recorded");
    }
}

/// The calls of failed call events whose end is already waiting.
async fn calls_ended(tx: &mut Tx, batch: &[Outcome]) -> StoreResult<HashSet<OrderingKey>> {
    let asking: Vec<OrderingKey> =
        batch.iter().filter(|outcome| outcome.depends_on_call_end()).map(Outcome::ordering_key).collect();
    if asking.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(outcomes::call_ended(tx, &asking).await?.into_iter().collect())
}

/// What was kept, and the deliveries whose endpoints were deleted during their attempts: those were made all the same.
async fn with_deleted<'a>(
    tx: &mut Tx,
    finishes: &[Finish],
    kept: &'a HashSet<String>,
) -> StoreResult<Cow<'a, HashSet<String>>> {
    let fenced: Vec<&Finish> = finishes.iter().filter(|finish| !kept.contains(&finish.id)).collect();
    if fenced.is_empty() {
        return Ok(Cow::Borrowed(kept));
    }
    let deleted = outcomes::finish_deleted(tx, &fenced).await?;
    Ok(Cow::Owned(kept.iter().cloned().chain(deleted).collect()))
}

async fn add_attempts(
    sender: &Sender,
    tx: &mut Tx,
    batch: &[Outcome],
    kept: &HashSet<String>,
) -> StoreResult<Vec<Added>> {
    let kept = batch.iter().filter(|outcome| kept.contains(&outcome.delivery().id));
    let rows = kept.filter_map(|outcome| outcome.row(&*sender.context.ids));
    let rows: Vec<AttemptRow> = rows.map(|row| evidence::within_limit(&sender.context.storage, row)).collect();
    if !rows.is_empty() {
        outcomes::add_attempts(tx, &rows).await?;
    }
    Ok(evidence::added(rows, sender.now()))
}

/// Stores the pauses that began with these outcomes, so that they hold on all nodes and after a restart.
async fn pauses(tx: &mut Tx, batch: &[Outcome]) -> StoreResult<()> {
    let mut until: BTreeMap<&str, UnixMs> = BTreeMap::new();
    for attempt in batch.iter().filter_map(Outcome::attempt) {
        if let Some(at) = attempt.throttled_until {
            let latest = until.entry(&attempt.delivery.endpoint_id).or_insert(at);
            *latest = at.max(*latest);
        }
    }
    if until.is_empty() {
        return Ok(());
    }
    let row = |(endpoint, until): (&str, UnixMs)| ThrottledEndpoint { id: endpoint.to_owned(), until_ms: until.0 };
    outcomes::throttle(tx, &until.into_iter().map(row).collect::<Vec<_>>()).await
}

/// Releases what could not be attempted now; it is due again at once, or held by its endpoint's state.
async fn release_unattempted(sender: &Sender, tx: &mut Tx, batch: &[Outcome]) -> StoreResult<()> {
    let ids: Vec<String> =
        batch.iter().filter(|o| matches!(o, Outcome::NotNow(_))).map(|o| o.delivery().id.clone()).collect();
    if ids.is_empty() { Ok(()) } else { queue::release(tx, &sender.context.node, &ids).await }
}

/// A delivery that waited past its retention is stripped when it ends. No retention is shorter than a day, and only accounts
/// that store too much lose bodies earlier, so hardly any are looked up.
async fn strip_expired(
    sender: &Sender,
    tx: &mut Tx,
    batch: &[Outcome],
    finishes: &[Finish],
    kept: &HashSet<String>,
) -> StoreResult<()> {
    let recent = DeliveryId::new(sender.now().plus_ms(-DAY_MS), 0);
    let deliveries = batch.iter().map(Outcome::delivery);
    let early = deliveries.filter(|delivery| sender.context.storage.is_purged_early(&delivery.account_id));
    let early: HashSet<&str> = early.map(|delivery| delivery.id.as_str()).collect();
    let ended = finishes.iter().filter(|finish| finish.due_ms.is_none() && kept.contains(&finish.id));
    let ended = ended.map(|finish| finish.id.as_str());
    let old: Vec<&str> = ended.filter(|id| *id < recent.as_str() || early.contains(id)).collect();
    if old.is_empty() { Ok(()) } else { retention::purge_ended(tx, &old).await }
}

/// Notes the failures of deliveries that are retried. Returns the keys in which later ones no longer wait for them, and
/// until when the first of the others is waited for.
async fn give_up_order(
    tx: &mut Tx,
    batch: &[Outcome],
    finishes: &[Finish],
    kept: &HashSet<String>,
    now: UnixMs,
) -> StoreResult<(Vec<OrderingKey>, Option<i64>)> {
    let retried: HashSet<&str> = finishes.iter().filter(|f| f.due_ms.is_some()).map(|f| f.id.as_str()).collect();
    let failed = batch.iter().filter_map(Outcome::failed);
    let failed: Vec<_> = failed.filter(|f| retried.contains(f.id.as_str()) && kept.contains(&f.id)).collect();
    if failed.is_empty() {
        return Ok((Vec::new(), None));
    }
    let keys = order::failed(tx, &failed, now).await?;
    let until = keys.iter().filter_map(|key| key.order_until_ms).min();
    Ok((keys.into_iter().filter(|key| key.order_until_ms.is_none()).map(|key| key.key).collect(), until))
}

/// Makes the next delivery due where one has ended or later ones no longer wait for it, and leases it if memory has room.
async fn promote_next(
    sender: &Sender,
    tx: &mut Tx,
    batch: &[Outcome],
    finishes: &[Finish],
    kept: &HashSet<String>,
    given_up: Vec<OrderingKey>,
) -> StoreResult<Option<Claimed>> {
    let ended: HashSet<&str> =
        finishes.iter().filter(|f| f.due_ms.is_none() && kept.contains(&f.id)).map(|f| f.id.as_str()).collect();
    // What was not attempted may have given up its order before, and was waited for only while it was leased.
    let ends = |o: &&Outcome| matches!(o, Outcome::NotNow(_)) || ended.contains(o.delivery().id.as_str());
    let mut keys: Vec<OrderingKey> = batch.iter().filter(ends).map(Outcome::ordering_key).chain(given_up).collect();
    if keys.is_empty() {
        return Ok(None);
    }
    keys.sort_unstable_by(|a, b| (&a.endpoint_id, &a.call_id).cmp(&(&b.endpoint_id, &b.call_id)));
    keys.dedup();
    let room = sender.may_lease() && sender.queues().has_room_for(keys.len());
    let node = room.then_some(sender.context.node.as_str());
    let due = ordering_keys::promote_next(tx, &keys, node, sender.now()).await?;
    if due.is_empty() {
        return Ok(None);
    }
    if node.is_none() {
        sender.wake_at(sender.now());
        return Ok(None);
    }
    Claimed::promoted(sender, tx, &due).await.map(Some)
}

fn count_results(sender: &Sender, batch: &[Outcome]) {
    for attempt in batch.iter().filter_map(Outcome::attempt) {
        let response = &attempt.response;
        let cause = response.failure.as_ref().map(|failure| failure.cause);
        sender.context.counters.attempts.add(response.duration_ms, cause);
    }
}
