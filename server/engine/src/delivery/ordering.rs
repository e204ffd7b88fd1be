//! Orders accepted deliveries within their calls: each waits for earlier ones, and the end of a call supersedes its other
//! events that still wait.

use std::collections::{HashMap, HashSet};

use domain::{UnixMs, event::EventKind};

use crate::store::{
    db::Tx,
    deliveries::{
        ordering_keys::{self, OpenKey, OrderingKey},
        queue::NewDelivery,
    },
    error::StoreResult,
    events::NewEventRow,
};

/// The ordering key of a delivery.
pub(super) fn key(delivery: &NewDelivery) -> OrderingKey {
    OrderingKey { endpoint_id: delivery.endpoint_id.clone(), call_id: delivery.call_id.clone() }
}

/// The ordering keys of these deliveries.
pub(super) fn keys(deliveries: &[NewDelivery]) -> Vec<OrderingKey> {
    deliveries.iter().map(key).collect::<HashSet<_>>().into_iter().collect()
}

/// Removes the due time of deliveries whose call has an earlier one that they wait for. The end of a call first ends its
/// call events that wait for a retry. Returns when something became due.
pub(super) async fn apply(
    tx: &mut Tx,
    deliveries: &mut [NewDelivery],
    open: &mut HashMap<OrderingKey, OpenKey>,
    now: UnixMs,
) -> StoreResult<Option<UnixMs>> {
    let mut due = None;
    let ends = deliveries.iter().filter(|d| d.kind == EventKind::CallProcessed.as_str()).map(key);
    let ending: Vec<OrderingKey> = ends.filter(|key| open.contains_key(key)).collect();
    if !ending.is_empty() {
        let ended = ordering_keys::supersede(tx, &ending, now).await?;
        if !ended.is_empty() {
            if !ordering_keys::promote_next(tx, &ended, None, now).await?.is_empty() {
                due = Some(now);
            }
            *open = ordering_keys::open(tx, &keys(deliveries)).await?;
        }
    }
    let mut held: HashSet<OrderingKey> =
        open.iter().filter(|(_, open)| open.held).map(|(key, _)| key.clone()).collect();
    for delivery in deliveries {
        // The first of a call makes the later ones in the same batch wait.
        if !held.insert(key(delivery)) {
            delivery.due_ms = None;
        }
    }
    Ok(due)
}

/// Gives the deliveries, which are in the order of their events, the numbers of those events.
pub(super) fn number(deliveries: &mut [NewDelivery], events: &[NewEventRow], numbers: &[i64]) {
    let mut numbered = events.iter().zip(numbers);
    let mut current = numbered.next();
    for delivery in deliveries {
        let is_of = |event: &NewEventRow| event.id == delivery.event_id && event.account_id == delivery.account_id;
        while current.is_some_and(|(event, _)| !is_of(event)) {
            current = numbered.next();
        }
        delivery.seq = current.map_or(delivery.seq, |(_, number)| *number);
    }
}
