//! Claims what is due and not leased: retries, held events whose endpoint was resumed, deliveries of dead nodes, and what
//! did not fit into memory.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use domain::{UnixMs, event::EventKind, ops::parked::DELIVERIES, rotation::Credential, time::SECOND_MS};

use crate::{
    clock,
    metrics::count,
    parking::Parking,
    store::{
        db::Tx,
        deliveries::queue::{self, DueEndpoint, LoadedDelivery},
        error::{StoreError, StoreResult},
        events,
    },
    supervisor::Progress,
};

use super::{
    hosts::HostKey, leased::LeasedDelivery, memory_budget::Source, order_release, queue::DeliverySettings,
    reservation::Reservation, sender::Sender,
};

/// Most deliveries of one endpoint claimed at once.
const CLAIM_MAX: u32 = 256;
/// Most endpoints claimed for in one transaction, so that it never holds the writer for long.
const CLAIM_ENDPOINTS_MAX: usize = 32;
/// Polls at least this often, for work that other nodes left and clocks that jumped.
const POLL_MS: i64 = 10 * SECOND_MS;
/// A claim skips rows that other transactions have locked. Those that change nothing notify nobody, so it is repeated after
/// this time, in milliseconds.
const SKIPPED_MS: i64 = 250;
/// Claims at most this often, so that many retries share a claim.
const PAUSE_MS: u64 = 20;

/// Claims until the sender stops.
pub(crate) async fn run(sender: Arc<Sender>, progress: Progress) {
    while !sender.context.is_stopping() {
        sender.claims.reset();
        match claim_once(&sender).await {
            Ok(due) => {
                due.into_iter().for_each(|due| sender.wake_at(due));
                progress.made();
            }
            Err(error) => {
                tracing::warn!(%error, "due deliveries could not be claimed; trying again");
                sender.wake_at(sender.now().plus_ms(SECOND_MS));
            }
        }
        sender.pump();
        clock::sleep_ms(PAUSE_MS).await;
        wait(&sender).await;
    }
}

/// Waits until the scheduled time, an earlier one, or the next poll. The poll is timed by a stopwatch, not by the clock: a
/// clock that is set back by an hour must not delay it by an hour.
async fn wait(sender: &Sender) {
    let began = clock::stopwatch();
    loop {
        let sooner = sender.claims.sooner();
        let poll_ms = POLL_MS - i64::try_from(began.elapsed().as_millis()).unwrap_or(POLL_MS);
        let due_ms = sender.claims.next().map_or(poll_ms, |at| at.since_ms(sender.now()));
        let left_ms = due_ms.min(poll_ms);
        if left_ms <= 0 || sender.context.is_stopping() {
            return;
        }
        let left = Duration::from_millis(left_ms.unsigned_abs());
        let _ = tokio::time::timeout(left, sooner).await;
    }
}

/// Leases what is due, as far as it fits. Returns when the next claim is worth it.
///
/// # Errors
/// When the database cannot be used; nothing is queued then.
pub async fn claim_once(sender: &Arc<Sender>) -> StoreResult<Option<UnixMs>> {
    if !sender.may_lease() {
        return Ok(None);
    }
    let released = order_release::give_up(sender, sender.now()).await?;
    let claimed = sender.context.supervisor.caught("claims", claim(sender)).await;
    match claimed.inspect_err(|_| sender.mark_uncertain()) {
        Err(error) if error.blames_item() => {
            tracing::debug!(%error, "due deliveries could not be claimed together; looking for the one at fault");
            park_unclaimable(sender).await?;
            sender.context.supervisor.caught("claims", claim(sender)).await.inspect_err(|_| sender.mark_uncertain())
        }
        claimed => Ok([released, claimed?].into_iter().flatten().min()),
    }
}

/// Parks due deliveries that cannot be leased and loaded. What can be is leased by the next claim: these transactions only
/// try, and are rolled back.
async fn park_unclaimable(sender: &Arc<Sender>) -> StoreResult<()> {
    let (context, now) = (&sender.context, sender.now());
    let parking = Parking::of(context, DELIVERIES).await?;
    let mut tx = context.db.begin().await?;
    let due = queue::due_endpoints(&mut tx, now).await?;
    drop(tx);
    for endpoint in due.into_iter().filter(|endpoint| endpoint.due <= now.0) {
        let ids = queue::due(&context.db, &endpoint.id, now, CLAIM_MAX).await?;
        parking.all(&ids, String::as_str, None, |ids| try_claim(sender, ids)).await?;
    }
    Ok(())
}

async fn try_claim(sender: &Arc<Sender>, ids: Vec<&String>) -> StoreResult<usize> {
    let ids: Vec<String> = ids.into_iter().cloned().collect();
    let mut tx = sender.context.db.begin().await?;
    queue::lease(&mut tx, &sender.context.node, &ids).await?;
    let mut claimed = Claimed { kept: ids, ..Claimed::nothing(sender, Source::Database) };
    claimed.load(sender, &mut tx).await?;
    Ok(0)
}

async fn claim(sender: &Arc<Sender>) -> StoreResult<Option<UnixMs>> {
    let (context, now) = (&sender.context, sender.now());
    let mut tx = context.db.begin().await?;
    let waiting = queue::due_endpoints(&mut tx, now).await?;
    let (due, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|endpoint| endpoint.due <= now.0);
    let open = with_room(sender, due);
    let mut again = open.len() > CLAIM_ENDPOINTS_MAX;
    let (mut claimed, mut emptied) = (Claimed::nothing(sender, Source::Database), Vec::new());
    for endpoint in open.iter().take(CLAIM_ENDPOINTS_MAX) {
        let room = sender.queues().claimable(endpoint).min(CLAIM_MAX as usize);
        if room == 0 {
            // The endpoints before it used what was free.
            sender.queues().note_overflow(endpoint);
            continue;
        }
        let leased = queue::claim(&mut tx, &context.node, endpoint, now, u32::try_from(room).unwrap_or(1)).await?;
        let kept = claimed.keep(sender, &mut tx, &leased).await?;
        if leased.len() == room {
            sender.queues().note_overflow(endpoint);
            again |= kept == room;
        } else if kept == leased.len() {
            emptied.push(Arc::clone(endpoint));
        }
    }
    let skipped = queue::has_skipped(&mut tx, &emptied, now).await?.then(|| now.plus_ms(SKIPPED_MS));
    claimed.load(sender, &mut tx).await?;
    tx.commit().await?;
    count(&context.counters.claimed, claimed.loaded.len());
    claimed.enqueue(sender);
    let due = later.first().map(|endpoint| UnixMs(endpoint.due));
    Ok(if again { Some(now) } else { skipped.into_iter().chain(due).min() })
}

/// The due endpoints that have room in memory. The others are claimed for when they have.
fn with_room(sender: &Sender, due: Vec<DueEndpoint>) -> Vec<Arc<str>> {
    let mut queues = sender.queues();
    let mut open = Vec::new();
    for endpoint in due {
        let id: Arc<str> = endpoint.id.as_str().into();
        if !queues.is_open(&id) {
            queues.note_overflow(&id);
            continue;
        }
        // Before the first attempt: what was held for long must not begin with a burst.
        queues.set_settings(&id, settings(&endpoint), sender.now());
        open.push(id);
    }
    open
}

fn settings(endpoint: &DueEndpoint) -> DeliverySettings {
    let rate = |rate: Option<i64>| rate.and_then(|rate| u32::try_from(rate).ok());
    DeliverySettings {
        rate_per_s: rate(endpoint.rate_per_s),
        resumed: UnixMs(endpoint.state_since_ms),
        drain_per_s: rate(endpoint.drain_per_s),
        deliver_late: endpoint.deliver_late != 0,
        throttled_until: endpoint.throttled_until_ms.map(UnixMs),
        host: HostKey::of(&endpoint.account_id, &endpoint.url),
    }
}

/// What a transaction leases for this node's memory.
pub(super) struct Claimed {
    source: Source,
    reservation: Reservation,
    kept: Vec<String>,
    loaded: Vec<LoadedDelivery>,
}

impl Claimed {
    fn nothing(sender: &Sender, source: Source) -> Self {
        Self { source, reservation: sender.reservation(), kept: Vec::new(), loaded: Vec::new() }
    }

    /// Loads those of the next deliveries of their calls, just leased to this node, that fit, and releases the rest. They
    /// replace the deliveries that have ended.
    pub(super) async fn promoted(sender: &Sender, tx: &mut Tx, leased: &[String]) -> StoreResult<Self> {
        let mut claimed = Self::nothing(sender, Source::Fresh);
        claimed.keep(sender, tx, leased).await?;
        claimed.load(sender, tx).await?;
        Ok(claimed)
    }

    /// Reserves memory for what was just leased, the earliest first, and releases what does not fit. Payloads are loaded
    /// only afterwards: they may be large. Returns how many are kept.
    async fn keep(&mut self, sender: &Sender, tx: &mut Tx, leased: &[String]) -> StoreResult<usize> {
        if leased.is_empty() {
            return Ok(0);
        }
        let (before, mut unfit) = (self.kept.len(), Vec::new());
        for size in events::payload_sizes(tx, leased).await? {
            let bytes = usize::try_from(size.bytes).unwrap_or_default();
            let fits = self.reservation.reserve(&size.endpoint_id.into(), bytes, self.source);
            if fits { self.kept.push(size.id) } else { unfit.push(size.id) }
        }
        if !unfit.is_empty() {
            queue::release(tx, &sender.context.node, &unfit).await?;
        }
        Ok(self.kept.len() - before)
    }

    /// Loads what is kept. What cannot be read is an error; behind an outcome, which is not to blame for it, it is released.
    async fn load(&mut self, sender: &Sender, tx: &mut Tx) -> StoreResult<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        self.loaded = queue::load(tx, &self.kept).await?;
        let known = self.loaded.iter().filter(|loaded| EventKind::parse(&loaded.kind).is_some());
        let readable: HashSet<&str> = known.map(|loaded| loaded.id.as_str()).collect();
        let unreadable: Vec<String> = self.kept.iter().filter(|id| !readable.contains(id.as_str())).cloned().collect();
        match (unreadable.first(), self.source) {
            (None, _) => Ok(()),
            (Some(row), Source::Database) => {
                Err(StoreError::Corrupt { table: "deliveries", column: "kind", row: row.clone() })
            }
            (Some(_), Source::Fresh) => queue::release(tx, &sender.context.node, &unreadable).await,
        }
    }

    /// The transaction is committed: queues what it has loaded.
    pub(super) fn enqueue(self, sender: &Sender) {
        let mut texts = HashMap::new();
        let leased = self.loaded.into_iter().filter_map(|loaded| leased(loaded, &mut texts)).collect();
        sender.enqueue_leased(self.reservation, leased);
    }
}

/// Payload and details of an event.
type Texts = (Option<Arc<str>>, Option<Arc<str>>);

/// A loaded delivery; those of one event share its payload and details.
fn leased(loaded: LoadedDelivery, texts: &mut HashMap<(String, String), Texts>) -> Option<LeasedDelivery> {
    let small = |n: i64| u32::try_from(n).unwrap_or_default();
    let event = (loaded.account_id.clone(), loaded.event_id.clone());
    let shared = || (loaded.payload.map(Into::into), loaded.details.map(Into::into));
    let (payload, details) = texts.entry(event).or_insert_with(shared).clone();
    tracing::debug!(delivery_id = loaded.id, attempts = loaded.attempts, "claimed");
    Some(LeasedDelivery {
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
        details,
    })
}
