//! Fetches from the database what is due and not in anybody's hands: retries, held events that were let go,
//! deliveries of dead nodes, and what memory would not take.

use crate::clock;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{UnixMs, event::EventKind, rotation::Credential, time::SECOND_MS};
use tokio::sync::Notify;

use crate::store::{
    db::Tx,
    error::StoreResult,
    events,
    jobs::{self, DueEndpoint, LoadedDelivery},
};

use super::{Sender, count, lane::Job, queue::Terms, reserved::Reserved, room::Source};

/// Most deliveries of one endpoint fetched at once.
const CLAIM_MAX: usize = 256;
/// Most endpoints served in one transaction, so that it never holds the writer for long.
const CLAIM_ENDPOINTS_MAX: usize = 32;
/// Looks at least this often, for work that other nodes left and clocks that jumped.
const LOOK_MS: i64 = 10 * SECOND_MS;
/// Looks at most this often, so that many retries share a look.
const REST_MS: u64 = 20;

/// When to look next: the earliest moment that anybody named since the last look.
#[derive(Debug, Default)]
pub struct Hint {
    at: Mutex<Option<UnixMs>>,
    sooner: Notify,
}

impl Hint {
    /// Something may be due at `at`.
    pub fn at(&self, at: UnixMs) {
        let mut known = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none_or(|known| at < known) {
            *known = Some(at);
            self.sooner.notify_one();
        }
    }

    fn get(&self) -> Option<UnixMs> {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Claims until the sender stops.
pub(crate) async fn run(sender: Arc<Sender>) {
    while !sender.is_stopping() {
        sender.claim_soon.take();
        match claim_once(&sender).await {
            Ok(Some(due)) => sender.wake_at(due),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "due deliveries could not be fetched; trying again");
                sender.wake_at(sender.now().plus_ms(SECOND_MS));
            }
        }
        sender.pump();
        clock::sleep_ms(REST_MS).await;
        wait(&sender).await;
    }
}

/// Waits until the hint is due, a sooner one comes, or it is time to look anyway. That time is measured, not read from
/// the clock: a clock that is set back by an hour must not make it an hour longer.
async fn wait(sender: &Sender) {
    let began = clock::stopwatch();
    loop {
        let sooner = sender.claim_soon.sooner.notified();
        let look_ms = LOOK_MS - i64::try_from(began.elapsed().as_millis()).unwrap_or(LOOK_MS);
        let due_ms = sender.claim_soon.get().map_or(look_ms, |at| at.since_ms(sender.now()));
        let left_ms = due_ms.min(look_ms);
        if left_ms <= 0 || sender.is_stopping() {
            return;
        }
        let left = Duration::from_millis(left_ms.unsigned_abs());
        let _ = tokio::time::timeout(left, sooner).await;
    }
}

/// Takes what is due in hand, as far as it fits. Returns when the next look is worth it.
///
/// # Errors
/// When the database cannot be used; nothing is in hand then.
pub async fn claim_once(sender: &Arc<Sender>) -> StoreResult<Option<UnixMs>> {
    claim(sender).await.inspect_err(|_| sender.mark_uncertain())
}

async fn claim(sender: &Arc<Sender>) -> StoreResult<Option<UnixMs>> {
    let now = sender.now();
    let mut tx = sender.db.begin().await?;
    let waiting = jobs::due_endpoints(&mut tx).await?;
    let (due, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|endpoint| endpoint.due <= now.0);
    let open = with_room(sender, due);
    let mut again = open.len() > CLAIM_ENDPOINTS_MAX;
    let mut fetched = Fetched::nothing(sender, Source::Database);
    for endpoint in open.iter().take(CLAIM_ENDPOINTS_MAX) {
        let room = sender.queues().room(endpoint).min(CLAIM_MAX);
        if room == 0 {
            // Those before it have taken what was free.
            sender.queues().overflowed(endpoint);
            continue;
        }
        let claimed = jobs::claim(&mut tx, &sender.node, endpoint, now, u32::try_from(room).unwrap_or(1)).await?;
        let kept = fetched.keep(sender, &mut tx, &claimed).await?;
        if claimed.len() == room {
            sender.queues().overflowed(endpoint);
            again |= kept == room;
        }
    }
    fetched.load(&mut tx).await?;
    tx.commit().await?;
    count(&sender.counters.claimed, fetched.loaded.len());
    fetched.take_in_hand(sender);
    Ok(if again { Some(now) } else { later.first().map(|endpoint| UnixMs(endpoint.due)) })
}

/// Those of the due endpoints that have room in memory. The others are asked for when they have.
fn with_room(sender: &Sender, due: Vec<DueEndpoint>) -> Vec<Arc<str>> {
    let mut queues = sender.queues();
    let mut open = Vec::new();
    for endpoint in due {
        let id: Arc<str> = endpoint.id.as_str().into();
        if !queues.is_open(&id) {
            queues.overflowed(&id);
            continue;
        }
        // Before the first attempt: what was held for long must not begin with a burst.
        queues.set_terms(&id, terms(&endpoint));
        open.push(id);
    }
    open
}

fn terms(endpoint: &DueEndpoint) -> Terms {
    let rate = |rate: Option<i64>| rate.and_then(|rate| u32::try_from(rate).ok());
    Terms {
        rate_per_s: rate(endpoint.rate_per_s),
        resumed: UnixMs(endpoint.state_since_ms),
        drain_per_s: rate(endpoint.drain_per_s),
        deliver_late: endpoint.deliver_late != 0,
    }
}

/// What a transaction fetches for this node's memory.
pub(super) struct Fetched {
    source: Source,
    reserved: Reserved,
    kept: Vec<String>,
    loaded: Vec<LoadedDelivery>,
}

impl Fetched {
    fn nothing(sender: &Sender, source: Source) -> Self {
        Self { source, reserved: sender.reserve(), kept: Vec::new(), loaded: Vec::new() }
    }

    /// Of deliveries that follow in their calls and were just leased to this node, loads what fits, and lets go of the rest. They
    /// take the places of those that have ended.
    pub(super) async fn of(sender: &Sender, tx: &mut Tx, leased: &[String]) -> StoreResult<Self> {
        let mut fetched = Self::nothing(sender, Source::Door);
        fetched.keep(sender, tx, leased).await?;
        fetched.load(tx).await?;
        Ok(fetched)
    }

    /// Reserves room for what was just leased, the earliest first, and lets go of what has none. Payloads are loaded only
    /// then: they may be large. Returns how many are kept.
    async fn keep(&mut self, sender: &Sender, tx: &mut Tx, leased: &[String]) -> StoreResult<usize> {
        if leased.is_empty() {
            return Ok(0);
        }
        let (before, mut unfit) = (self.kept.len(), Vec::new());
        for size in events::payload_sizes(tx, leased).await? {
            let bytes = usize::try_from(size.bytes).unwrap_or_default();
            let fits = self.reserved.one(&size.endpoint_id.into(), bytes, self.source);
            if fits { self.kept.push(size.id) } else { unfit.push(size.id) }
        }
        if !unfit.is_empty() {
            jobs::release(tx, &sender.node, &unfit).await?;
        }
        Ok(self.kept.len() - before)
    }

    async fn load(&mut self, tx: &mut Tx) -> StoreResult<()> {
        if !self.kept.is_empty() {
            self.loaded = jobs::load(tx, &self.kept).await?;
        }
        Ok(())
    }

    /// The transaction is committed: puts what it has loaded into the queues.
    pub(super) fn take_in_hand(self, sender: &Sender) {
        let mut payloads = HashMap::new();
        let jobs = self.loaded.into_iter().filter_map(|loaded| in_hand(loaded, &mut payloads)).collect();
        sender.take_in_hand(self.reserved, jobs);
    }
}

/// A loaded delivery; those of one event share its payload.
fn in_hand(loaded: LoadedDelivery, payloads: &mut HashMap<(String, String), Arc<str>>) -> Option<Job> {
    let small = |n: i64| u32::try_from(n).unwrap_or_default();
    let event = (loaded.account_id.clone(), loaded.event_id.clone());
    let payload = loaded.payload.map(|payload| payloads.entry(event).or_insert_with(|| payload.into()).clone());
    Some(Job {
        kind: EventKind::parse(&loaded.kind)?,
        id: loaded.id,
        account_id: loaded.account_id,
        endpoint_id: loaded.endpoint_id.into(),
        event_id: loaded.event_id,
        call_id: loaded.call_id,
        attempts: small(loaded.attempts),
        attempts_before: small(loaded.attempts_before),
        fresh_from: UnixMs(loaded.fresh_from_ms),
        proof: loaded.proof.as_deref().and_then(Credential::parse),
        timestamp_s: loaded.timestamp_s,
        payload,
    })
}
