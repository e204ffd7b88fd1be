//! Call-start events that arrive after the end of their call: they are superseded, and never sent after it.

use std::collections::HashSet;

use domain::event::EventKind;

use crate::store::{
    db::Tx,
    deliveries::late_arrivals::{self, CallAtEndpoint},
    deliveries::queue::NewDelivery,
    endpoints::Listener,
    error::StoreResult,
};

/// Separates the deliveries that are superseded on arrival from the others.
pub(super) async fn separate(
    tx: &mut Tx,
    deliveries: Vec<NewDelivery>,
    listeners: &[Listener],
) -> StoreResult<(Vec<NewDelivery>, Vec<NewDelivery>)> {
    let is_late_welcome = |d: &NewDelivery| listeners.iter().any(|l| l.id == d.endpoint_id && l.deliver_late);
    let may_be_late = |d: &NewDelivery| !is_end(d) && d.test == 0 && !is_late_welcome(d);
    let asking: Vec<CallAtEndpoint> = deliveries.iter().filter(|d| may_be_late(d)).map(call).collect();
    if asking.is_empty() {
        return Ok((deliveries, Vec::new()));
    }
    let mut ended: HashSet<CallAtEndpoint> = late_arrivals::ended(tx, &asking).await?.into_iter().collect();
    Ok(deliveries.into_iter().partition(|delivery| {
        if is_end(delivery) && delivery.test == 0 {
            // The end of a call may arrive in the same batch as what comes too late.
            ended.insert(call(delivery));
        }
        !(may_be_late(delivery) && ended.contains(&call(delivery)))
    }))
}

fn is_end(delivery: &NewDelivery) -> bool {
    delivery.kind == EventKind::CallProcessed.as_str()
}

fn call(delivery: &NewDelivery) -> CallAtEndpoint {
    CallAtEndpoint {
        account_id: delivery.account_id.clone(),
        endpoint_id: delivery.endpoint_id.clone(),
        call_id: delivery.call_id.clone(),
    }
}
