//! Refuses events of a call that has too many open deliveries at an endpoint. They are sent one after the other, so more of
//! them would only wait, and every look at their call would take longer.

use std::collections::{HashMap, HashSet};

use domain::Error;

use crate::store::{
    deliveries::{
        ordering_keys::{OPEN_PER_KEY_MAX, OpenKey, OrderingKey},
        queue::NewDelivery,
    },
    events::NewEventRow,
};

use super::{
    ordering,
    plan::{Arriving, IntakeResult},
};

/// When a refused caller should try again: within that time, a delivery that fails gives up its order.
const RETRY_AFTER_S: u32 = 120;

/// Removes the events of full calls with their deliveries, and refuses them in the results.
pub(super) fn refuse<'a>(
    arriving: impl Iterator<Item = &'a Arriving>,
    results: &mut [IntakeResult],
    events: &mut Vec<NewEventRow>,
    deliveries: &mut Vec<NewDelivery>,
    open: &HashMap<OrderingKey, OpenKey>,
) {
    let most = open.values().map(|key| key.count).max().unwrap_or_default();
    if usize::try_from(most).unwrap_or_default() + deliveries.len()
        <= usize::try_from(OPEN_PER_KEY_MAX).unwrap_or_default()
    {
        return;
    }
    let full = full_events(events, deliveries, open);
    if full.is_empty() {
        return;
    }
    let id = |event: &NewEventRow| (event.account_id.clone(), event.id.clone());
    deliveries.retain(|delivery| !full.contains(&(delivery.account_id.clone(), delivery.event_id.clone())));
    events.retain(|event| !full.contains(&id(event)));
    for (arriving, result) in arriving.zip(results) {
        let refused = result
            .as_ref()
            .is_ok_and(|(accepted, _)| full.contains(&(arriving.account.to_string(), accepted.id.to_string())));
        if refused {
            *result = Err(call_full());
        }
    }
}

/// The events, by account and id, of which an endpoint has as many of the same call as it may.
fn full_events(
    events: &[NewEventRow],
    deliveries: &[NewDelivery],
    open: &HashMap<OrderingKey, OpenKey>,
) -> HashSet<(String, String)> {
    let mut counts: HashMap<OrderingKey, i64> = open.iter().map(|(key, open)| (key.clone(), open.count)).collect();
    let (mut full, mut deliveries) = (HashSet::new(), deliveries.iter());
    for event in events {
        let count = usize::try_from(event.deliveries).unwrap_or_default();
        let keys: Vec<OrderingKey> = deliveries.by_ref().take(count).map(ordering::key).collect();
        if keys.iter().any(|key| counts.get(key).is_some_and(|count| *count >= OPEN_PER_KEY_MAX)) {
            full.insert((event.account_id.clone(), event.id.clone()));
        } else {
            keys.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
        }
    }
    full
}

fn call_full() -> Error {
    Error::LimitReached {
        detail:
            "1,000 events of this call are already waiting for one of its endpoints. Nothing was stored. Post it again \
                 when some of them have been delivered."
                .to_owned(),
        retry_after_s: RETRY_AFTER_S,
    }
}
