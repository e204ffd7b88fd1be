//! Orders accepted deliveries within their calls: each waits for earlier ones, and the end of a call supersedes its other
//! events that still wait.

use std::collections::HashSet;

use domain::{UnixMs, event::EventKind};

use crate::store::{
    db::{Dialect, Tx},
    deliveries::queue::{self, NewDelivery, OrderingKey},
    endpoints::Listener,
    error::StoreResult,
};

/// When to claim again. A claim skips locked rows, which may have been due just then.
const SKIPPED_MS: i64 = 250;

/// Removes the due time of deliveries whose call has an earlier one that has not ended. The end of a call first ends its
/// call events that wait for a retry. Returns when a claim is worth it.
pub(super) async fn apply(
    tx: &mut Tx,
    deliveries: &mut [NewDelivery],
    listeners: &[Listener],
    now: UnixMs,
) -> StoreResult<Option<UnixMs>> {
    let key = |d: &NewDelivery| OrderingKey { endpoint_id: d.endpoint_id.clone(), call_id: d.call_id.clone() };
    let keys: Vec<OrderingKey> = deliveries.iter().map(key).collect::<HashSet<_>>().into_iter().collect();
    let mut busy = queue::busy_ordering_keys(tx, &keys).await?;
    let mut soon = (!busy.is_empty() && tx.dialect() == Dialect::Postgres).then(|| now.plus_ms(SKIPPED_MS));
    let late = |d: &&NewDelivery| listeners.iter().any(|l| l.id == d.endpoint_id && l.deliver_late);
    let ends = deliveries.iter().filter(|d| d.kind == EventKind::CallProcessed.as_str() && !late(d)).map(key);
    let ending: Vec<OrderingKey> = ends.filter(|key| busy.contains(key)).collect();
    if !ending.is_empty() {
        let ended = queue::supersede(tx, &ending, now).await?;
        if !ended.is_empty() {
            if !queue::promote_next(tx, &ended, None, now).await?.is_empty() {
                soon = Some(now);
            }
            busy = queue::busy_ordering_keys(tx, &keys).await?;
        }
    }
    for delivery in deliveries {
        // The first of a call makes the later ones in the same batch wait.
        if !busy.insert(key(delivery)) {
            delivery.due_ms = None;
        }
    }
    Ok(soon)
}
