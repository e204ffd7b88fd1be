//! Fetches from the database what is due and not in anybody's hands: retries, held events that were let go,
//! deliveries of dead nodes, and what memory would not take.

use crate::clock;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{UnixMs, event::EventKind, rotation::Credential, time::SECOND_MS};
use tokio::sync::Notify;

use crate::store::{
    error::StoreResult,
    jobs::{self, LoadedJob},
};

use super::{Sender, count, lane::Job};

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
        clock::rest_ms(REST_MS).await;
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
    claim(sender).await.inspect_err(|_| sender.raise_doubt())
}

async fn claim(sender: &Arc<Sender>) -> StoreResult<Option<UnixMs>> {
    let now = sender.now();
    let mut tx = sender.db.begin().await?;
    let waiting = jobs::due_endpoints(&mut tx).await?;
    let (due, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|endpoint| endpoint.due <= now.0);
    let mut ids = Vec::new();
    let mut again = false;
    for waiting in due.iter().take(CLAIM_ENDPOINTS_MAX) {
        let endpoint = waiting.id.as_str();
        // Before the first attempt: what was held for long must not begin with a burst.
        sender.queues().set_rate(&endpoint.into(), waiting.rate_per_s());
        let room = sender.queues().room(endpoint).min(CLAIM_MAX);
        if room == 0 {
            sender.queues().overflowed(endpoint);
            continue;
        }
        let claimed = jobs::claim(&mut tx, &sender.node, endpoint, now, u32::try_from(room).unwrap_or(1)).await?;
        if claimed.len() == room {
            sender.queues().overflowed(endpoint);
            again = true;
        }
        ids.extend(claimed);
    }
    let loaded = if ids.is_empty() { Vec::new() } else { jobs::load(&mut tx, &ids).await? };
    tx.commit().await?;
    count(&sender.counters.claimed, loaded.len());
    take(sender, loaded);
    if again || due.len() > CLAIM_ENDPOINTS_MAX {
        return Ok(Some(now));
    }
    Ok(later.first().map(|endpoint| UnixMs(endpoint.due)))
}

/// Puts loaded deliveries into the queues.
pub(super) fn take(sender: &Sender, loaded: Vec<LoadedJob>) {
    let mut queues = sender.queues();
    for job in loaded.into_iter().filter_map(in_hand) {
        queues.push(job);
    }
}

fn in_hand(loaded: LoadedJob) -> Option<Job> {
    let small = |n: i64| u32::try_from(n).unwrap_or_default();
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
        payload: loaded.payload.map(Into::into),
    })
}
