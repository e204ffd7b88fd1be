//! Where what is accepted stands in its call: behind what has not ended, and instead of news that its end makes stale.

use std::collections::HashSet;

use domain::{UnixMs, event::EventKind};

use crate::store::{
    db::{Dialect, Tx},
    endpoints::Listener,
    error::StoreResult,
    jobs::{self, NewDelivery, OrderingKey},
};

/// When the claim looks again. It passes over what is locked, which may have been due just then.
const PASSED_OVER_MS: i64 = 250;

/// Takes the due time from deliveries whose call has an earlier one that has not ended. The end of a call first ends
/// its news that wait for a retry. Returns when a look at what is due is worth it.
pub(super) async fn keep(
    tx: &mut Tx,
    deliveries: &mut [NewDelivery],
    listeners: &[Listener],
    now: UnixMs,
) -> StoreResult<Option<UnixMs>> {
    let lane = |d: &NewDelivery| OrderingKey { endpoint_id: d.endpoint_id.clone(), call_id: d.call_id.clone() };
    let lanes: Vec<OrderingKey> = deliveries.iter().map(lane).collect::<HashSet<_>>().into_iter().collect();
    let mut busy = jobs::busy_ordering_keys(tx, &lanes).await?;
    let mut soon = (!busy.is_empty() && tx.dialect() == Dialect::Postgres).then(|| now.plus_ms(PASSED_OVER_MS));
    let late = |d: &&NewDelivery| listeners.iter().any(|l| l.id == d.endpoint_id && l.deliver_late);
    let ends = deliveries.iter().filter(|d| d.kind == EventKind::CallProcessed.as_str() && !late(d)).map(lane);
    let ending: Vec<OrderingKey> = ends.filter(|lane| busy.contains(lane)).collect();
    if !ending.is_empty() {
        let ended = jobs::supersede(tx, &ending, now).await?;
        if !ended.is_empty() {
            if !jobs::promote_next(tx, &ended, None, now).await?.is_empty() {
                soon = Some(now);
            }
            busy = jobs::busy_ordering_keys(tx, &lanes).await?;
        }
    }
    for delivery in deliveries {
        // The first of a free lane makes it busy for those behind it in the same batch.
        if !busy.insert(lane(delivery)) {
            delivery.due_ms = None;
        }
    }
    Ok(soon)
}
