//! Accepts events by group commit: what has gathered during the last commit is written by the next, with one statement per
//! table, and every caller gets its result after it. No timer: a lone event is written at once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use domain::{Error, UnixMs};
use futures::FutureExt as _;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tracing::{Instrument as _, Span, field};

use crate::{
    clock::stopwatch,
    metrics::count,
    storage::Added,
    store::{
        db::Tx,
        deliveries::{
            late_arrivals as superseded_on_arrival, ordering_keys,
            queue::{self, NewDelivery},
        },
        endpoints,
        error::StoreResult,
        events::{self, NewEventRow, Seen},
    },
    supervisor::Progress,
};

pub use super::plan::{Arriving, IntakeResult};
use super::{
    call_limit,
    cluster::ClusterMessage,
    enqueue,
    fair_order::{self, Waits},
    late_arrivals, ordering,
    plan::Plan,
    reservation::Reservation,
    sender::Sender,
};

/// Most events of one commit.
pub const INTAKE_MAX: usize = 512;
/// Deliveries after which a commit accepts no further event: the writer is held for some hundred milliseconds at most. The
/// first event of a commit is accepted with all of its own.
pub const DELIVERIES_MAX: usize = 4_096;
/// Events that may wait for a commit; above that, callers get a 503.
pub const INTAKE_WAITING_MAX: usize = 4_096;
/// Bytes of payloads that may wait for a commit.
const WAITING_MAX_BYTES: usize = 64 * 1_024 * 1_024;
/// Bytes of payloads after which a commit accepts no further event.
const COMMIT_MAX_BYTES: usize = 1_024 * 1_024;
/// How often the same events are retried at once because another transaction was quicker.
const RETRIES_MAX: u32 = 3;

/// An event with the caller that waits for its result.
pub(crate) type Backlog = (Arriving, Waiting);

impl Waits for Backlog {
    fn account(&self) -> &str {
        self.0.account.as_str()
    }

    fn bytes(&self) -> usize {
        self.0.event.bytes()
    }
}

/// The caller of an event, and the room that its payload takes meanwhile.
pub(crate) struct Waiting {
    result: oneshot::Sender<IntakeResult>,
    _bytes: OwnedSemaphorePermit,
}

impl Waiting {
    /// A caller that has gone away does not matter: the event is stored, or not.
    fn report(self, result: IntakeResult) {
        let _ = self.result.send(result);
    }
}

/// Passes events to the writer.
#[derive(Debug, Clone)]
pub struct Intake {
    waiting: mpsc::Sender<Backlog>,
    bytes: Arc<Semaphore>,
}

impl Intake {
    /// An intake, and what arrives through it.
    #[must_use]
    pub(crate) fn new() -> (Self, mpsc::Receiver<Backlog>) {
        let (sender, receiver) = mpsc::channel(INTAKE_WAITING_MAX);
        (Self { waiting: sender, bytes: Arc::new(Semaphore::new(WAITING_MAX_BYTES)) }, receiver)
    }

    /// Accepts an event: returns after it is durable.
    ///
    /// # Errors
    /// `Unavailable` when too many wait already or the database is unavailable; `Conflict` for an id used with another body.
    pub async fn accept(&self, arriving: Arriving) -> IntakeResult {
        let span = tracing::debug_span!("enqueue", account_id = arriving.account.as_str(), event_id = field::Empty);
        self.wait(arriving).instrument(span).await
    }

    async fn wait(&self, arriving: Arriving) -> IntakeResult {
        let (result, written) = oneshot::channel();
        let bytes = u32::try_from(arriving.event.bytes()).unwrap_or(u32::MAX);
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(bytes).map_err(|_| busy())?;
        self.waiting.try_send((arriving, Waiting { result, _bytes: bytes })).map_err(|_| busy())?;
        // The writer panicked. It may have stored the event, and the same id would say so.
        let enqueued = written.await.unwrap_or_else(|_| Err(unknown()))?;
        if tracing::enabled!(tracing::Level::DEBUG) {
            let (accepted, deliveries) = &enqueued;
            Span::current().record("event_id", accepted.id.as_str());
            tracing::debug!(repeated = accepted.repeated, "accepted");
            deliveries.iter().for_each(|delivery_id| tracing::debug!(delivery_id, "enqueued"));
        }
        Ok(enqueued)
    }

    /// How many events wait for a commit.
    #[must_use]
    pub fn waiting(&self) -> usize {
        INTAKE_WAITING_MAX - self.waiting.capacity()
    }
}

fn busy() -> Error {
    Error::Unavailable {
        detail: "Too many events at once. Nothing was stored; try again shortly.".into(),
        retry_after_s: 1,
    }
}

fn unknown() -> Error {
    Error::Unavailable {
        detail: "Something failed on our side, and the event may or may not be stored. Send it again with the same id."
            .into(),
        retry_after_s: 1,
    }
}

/// Events on their way to the database. They outlive a panic of the task that writes them.
pub(crate) struct Queue {
    arriving: mpsc::Receiver<Backlog>,
    batch: Vec<Backlog>,
}

impl Queue {
    pub(crate) fn new(arriving: mpsc::Receiver<Backlog>) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { arriving, batch: Vec::with_capacity(INTAKE_MAX) }))
    }
}

/// Writes until the intake is dropped.
pub(crate) async fn run(sender: Arc<Sender>, queue: Arc<Mutex<Queue>>, progress: Progress) {
    let Queue { arriving, batch } = &mut *queue.lock().await;
    let mut trying = Trying::default();
    while !batch.is_empty() || arriving.recv_many(batch, INTAKE_MAX).await > 0 {
        fill(batch, arriving);
        write(&sender, batch, &mut trying).await;
        sender.pump();
        progress.made();
    }
}

/// Adds what has come meanwhile, and puts the events in the order in which they are written. All that wait are looked at: an
/// account's event must not stay behind those of another one, unseen.
pub(super) fn fill(batch: &mut Vec<Backlog>, arriving: &mut mpsc::Receiver<Backlog>) {
    while batch.len() < INTAKE_WAITING_MAX
        && let Ok(event) = arriving.try_recv()
    {
        batch.push(event);
    }
    fair_order::order(batch);
}

/// What is known of transactions that failed.
pub(super) struct Trying {
    /// Most events of the next one.
    most: usize,
    /// How often the same events are retried at once.
    retries: u32,
}

impl Default for Trying {
    fn default() -> Self {
        Self { most: INTAKE_MAX, retries: RETRIES_MAX }
    }
}

/// Accepts what has gathered, as much as one transaction accepts, in one of its own, and reports the results. After one that
/// failed, the next call tries again, or fewer, or has reported the error.
pub(super) async fn write(sender: &Arc<Sender>, batch: &mut Vec<Backlog>, trying: &mut Trying) {
    let tried = trying.most.min(batch.len());
    let committed = sender.context.supervisor.caught("intake", commit(sender, &batch[..tried])).await;
    sender.context.writes.note(sender.now(), &committed);
    match committed {
        Ok(written) => {
            let waiting = batch.drain(..written.results.len()).map(|(_, waiting)| waiting).collect();
            settle(sender, written, waiting).await;
            *trying = Trying { most: (2 * tried).min(INTAKE_MAX), retries: RETRIES_MAX };
        }
        // For example, another node has accepted an event with the same id meanwhile: a retry sees it.
        Err(error) if trying.retries > 0 && error.is_conflict() => {
            tracing::debug!(%error, tried, "another transaction was quicker; trying again");
            trying.retries -= 1;
        }
        // One of them may be what the database refuses: half of them are tried, until it is alone.
        Err(error) if tried > 1 && !error.is_transient() => {
            tracing::debug!(%error, tried, "events could not be stored together; trying fewer");
            trying.most = tried / 2;
        }
        Err(error) => {
            sender.mark_uncertain();
            let refused = if error.is_transient() { batch.len() } else { tried };
            let error = Error::from(error);
            batch.drain(..refused).for_each(|(_, waiting)| waiting.report(Err(error.clone())));
            *trying = Trying::default();
        }
    }
}

async fn commit(sender: &Arc<Sender>, batch: &[Backlog]) -> StoreResult<Written> {
    sender.context.db.directly(|tx| commit_in(sender, tx, batch).boxed()).await
}

async fn commit_in(sender: &Arc<Sender>, mut tx: Tx, batch: &[Backlog]) -> StoreResult<Written> {
    let began = stopwatch();
    let accepted = accept(sender, &mut tx, batch).await?;
    tx.commit().await?;
    sender.context.counters.intake.add(accepted.events.len(), began.elapsed().as_secs_f64());
    Ok(accepted)
}

/// What a transaction has accepted; valid once it is committed.
#[derive(Default)]
pub(super) struct Written {
    /// One per event that was written, in order.
    pub(super) results: Vec<IntakeResult>,
    pub(super) events: Vec<NewEventRow>,
    deliveries: Vec<NewDelivery>,
    reservation: Option<Reservation>,
    due: Option<UnixMs>,
}

/// Writes events in order, as many as one transaction accepts.
pub(super) async fn accept(sender: &Arc<Sender>, tx: &mut Tx, batch: &[Backlog]) -> StoreResult<Written> {
    let now = sender.now();
    let accounts: HashSet<&str> = batch.iter().map(|(arriving, _)| arriving.account.as_str()).collect();
    if accounts.is_empty() {
        return Ok(Written::default());
    }
    let mut seen = seen_before(tx, batch).await?;
    let listeners = endpoints::listening(tx, accounts).await?;
    let mut plan = Plan::new(&*sender.context.ids, now);
    let mut results: Vec<IntakeResult> = Vec::with_capacity(batch.len());
    let mut bytes = 0;
    for (arriving, _) in batch {
        results.push(plan.accept(arriving, &listeners, &mut seen));
        bytes += arriving.event.bytes();
        if plan.deliveries.len() >= DELIVERIES_MAX || bytes >= COMMIT_MAX_BYTES {
            break;
        }
    }
    let Plan { mut events, mut deliveries, .. } = plan;
    let (mut due, mut reservation, mut superseded) = (None, None, Vec::new());
    if !deliveries.is_empty() {
        let mut open = ordering_keys::open(tx, &ordering::keys(&deliveries)).await?;
        let arriving = batch.iter().map(|(arriving, _)| arriving);
        call_limit::refuse(arriving, &mut results, &mut events, &mut deliveries, &open);
        // Before they are added: they know only of ends that arrived before them.
        (deliveries, superseded) = late_arrivals::separate(tx, deliveries, &listeners).await?;
        due = ordering::apply(tx, &mut deliveries, &mut open, now).await?;
    }
    if !events.is_empty() {
        // After their ordering keys are locked: what waits behind one of them gets a higher number.
        let numbers = events::add(tx, &events).await?;
        ordering::number(&mut deliveries, &events, &numbers);
        ordering::number(&mut superseded, &events, &numbers);
    }
    if !superseded.is_empty() {
        queue::add(tx, &superseded).await?;
        superseded_on_arrival::supersede(tx, superseded.iter().map(|delivery| delivery.id.as_str()), now).await?;
    }
    if !deliveries.is_empty() {
        reservation = Some(enqueue::lease(sender, &mut deliveries, &events, &listeners));
        queue::add(tx, &deliveries).await?;
    }
    deliveries.extend(superseded);
    Ok(Written { results, events, deliveries, reservation, due })
}

/// The transaction is committed: queues fresh deliveries and reports the results.
pub(super) async fn settle(sender: &Arc<Sender>, written: Written, waiting: Vec<Waiting>) {
    let Written { results, events, deliveries, reservation, due } = written;
    // Before the results are reported: an event that is known to be accepted is also counted.
    count(&sender.context.counters.events, events.len());
    sender.context.storage.note(events.iter().map(added));
    if let Some(reservation) = reservation {
        enqueue::enqueue(sender, reservation, &deliveries, &events);
    }
    waiting.into_iter().zip(results).for_each(|(waiting, result)| waiting.report(result));
    if let Some(due) = due {
        sender.wake_at(due);
    }
    if !sender.may_lease() {
        sender.broadcast(ClusterMessage::Due).await;
    }
    sender.committed.add(sender.context.db.dialect, &events, &deliveries);
    sender.changed(events.into_iter().map(|event| event.account_id)).await;
}

/// What an event adds to what its account stores.
fn added(event: &NewEventRow) -> Added {
    Added { account: event.account_id.clone(), at: UnixMs(event.created_ms), bytes: event.bytes() }
}

/// The events among these that were accepted before, by account and id.
async fn seen_before(tx: &mut Tx, batch: &[Backlog]) -> StoreResult<HashMap<(String, String), Seen>> {
    let own_ids = batch.iter().filter_map(|(arriving, _)| {
        let id = arriving.event.id.as_ref()?;
        Some((arriving.account.to_string(), id.to_string()))
    });
    let pairs: Vec<(String, String)> = own_ids.collect::<HashSet<_>>().into_iter().collect();
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let seen = events::seen(tx, &pairs).await?;
    Ok(seen.into_iter().map(|seen| ((seen.account_id.clone(), seen.id.clone()), seen)).collect())
}
