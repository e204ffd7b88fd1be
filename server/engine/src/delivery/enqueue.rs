//! Fresh deliveries: leased with the transaction that writes them, and queued after it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use domain::{UnixMs, event::EventKind, rotation::Credential};

use crate::store::{deliveries::queue::NewDelivery, endpoints::Listener, events::NewEventRow};

use super::{
    hosts::HostKey, leased::LeasedDelivery, memory_budget::Source, queue::IntakeSettings, reservation::Reservation,
    sender::Sender, throttle,
};

/// The events of a transaction by account and id.
fn by_id(events: &[NewEventRow]) -> HashMap<(&str, &str), &NewEventRow> {
    events.iter().map(|event| ((event.account_id.as_str(), event.id.as_str()), event)).collect()
}

/// Leases to this node what may be attempted at once and fits into memory.
pub(super) fn lease(
    sender: &Sender,
    deliveries: &mut [NewDelivery],
    events: &[NewEventRow],
    listeners: &[Listener],
) -> Reservation {
    let (by_id, mut reservation) = (by_id(events), sender.reservation());
    if !sender.may_lease() {
        return reservation;
    }
    let wanted: HashSet<&str> = deliveries.iter().map(|delivery| delivery.endpoint_id.as_str()).collect();
    let mut active: HashMap<String, Arc<str>> = HashMap::new();
    let now = sender.now();
    for listener in listeners.iter().filter(|listener| listener.active && wanted.contains(listener.id.as_str())) {
        let id: Arc<str> = listener.id.as_str().into();
        let Listener { rate_per_s, deliver_late, throttled_until, .. } = *listener;
        let host = HostKey::of(&listener.account, &listener.url);
        let mut queues = sender.queues();
        // Before the first attempt: a rate limit applies from the first event on.
        let settings = IntakeSettings { rate_per_s, deliver_late, throttled_until, host };
        queues.update_settings(&id, settings, now);
        // Memory is for what is sent soon.
        if !queues.is_throttled(&id, now.plus_ms(throttle::IN_MEMORY_MS)) {
            active.insert(listener.id.clone(), id);
        }
    }
    for delivery in deliveries.iter_mut().filter(|delivery| delivery.due_ms.is_some()) {
        let event = by_id.get(&(delivery.account_id.as_str(), delivery.event_id.as_str()));
        let (Some(event), Some(endpoint)) = (event, active.get(&delivery.endpoint_id)) else { continue };
        if reservation.reserve(endpoint, event.bytes(), Source::Fresh) {
            delivery.lease_owner = Some(sender.context.node.clone());
        }
    }
    reservation
}

/// Queues the leased deliveries; those of one event share its payload and details.
pub(super) fn enqueue(sender: &Sender, reservation: Reservation, deliveries: &[NewDelivery], events: &[NewEventRow]) {
    let (by_id, mut texts, mut leased) = (by_id(events), HashMap::<_, (Arc<str>, Option<Arc<str>>)>::new(), Vec::new());
    for delivery in deliveries.iter().filter(|d| d.lease_owner.is_some()) {
        let id = (delivery.account_id.as_str(), delivery.event_id.as_str());
        let event = by_id.get(&id).and_then(|event| Some((event, EventKind::parse(delivery.kind)?)));
        let Some((event, kind)) = event else { continue };
        let shared = || (event.payload.as_str().into(), event.details.as_deref().map(Into::into));
        let (payload, details) = texts.entry(id).or_insert_with(shared);
        leased.push(LeasedDelivery {
            id: delivery.id.clone(),
            account_id: delivery.account_id.clone(),
            endpoint_id: delivery.endpoint_id.as_str().into(),
            event_id: delivery.event_id.clone(),
            kind,
            call_id: delivery.call_id.clone(),
            attempts: 0,
            attempts_before: 0,
            fresh_from: UnixMs(delivery.created_ms),
            proof: delivery.proof.and_then(Credential::parse),
            timestamp_s: event.timestamp_s,
            payload: Some(payload.clone()),
            details: details.clone(),
        });
    }
    sender.enqueue_leased(reservation, leased);
}
