//! The deliveries that this node has leased: a queue per endpoint, served in turn, first attempts before retries.
//!
//! The order within a call needs no queue here: the store makes a delivery due only when the previous one of its call
//! has ended or given up its order.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use domain::UnixMs;

use super::{
    concurrency::unrecorded_max,
    hosts::{HostKey, Hosts},
    leased::LeasedDelivery,
    limits::IN_FLIGHT_MAX,
    memory_budget::{self, Load, Source},
    queue::{DeliverySettings, EndpointQueue, IntakeSettings, QueueState, Turn},
};

/// A clock that is set back by less than this is ignored: throttled endpoints wait that much longer.
const CLOCK_STEP_MS: i64 = 1_000;
/// Concurrency limits of idle endpoints that are remembered.
const IDLE_KEPT: usize = 4_096;

/// How far a leased delivery has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Backlog in the queue of its endpoint.
    Backlog,
    /// Being attempted: it counts towards the concurrency of its endpoint and of the host that this had then.
    Attempting(Option<HostKey>),
    /// Attempted; to be recorded.
    Attempted,
    /// Ending without an attempt.
    Ending,
}

/// All queues of this node.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    endpoints: HashMap<Arc<str>, EndpointQueue>,
    /// Endpoints that have work and free concurrency, by their hosts.
    hosts: Hosts,
    /// Endpoints that have work and wait for their rate limit, or because their servers requested a pause.
    throttled: BTreeSet<(UnixMs, Arc<str>)>,
    /// The latest time seen: an earlier one means that the clock has been set back.
    latest: Option<UnixMs>,
    /// Everything leased.
    leased: HashMap<String, Stage>,
    in_flight: usize,
    /// What is in memory, or has a reservation.
    load: Load,
}

impl Queues {
    /// How many more deliveries of this endpoint to claim, judging by the size of those seen so far.
    pub(crate) fn claimable(&self, endpoint: &str) -> usize {
        let (own, bytes) = self.load_of(endpoint);
        memory_budget::claimable(own, self.load, bytes)
    }

    /// Whether it is worth claiming more deliveries of this endpoint.
    pub(crate) fn is_open(&self, endpoint: &str) -> bool {
        let (own, bytes) = self.load_of(endpoint);
        memory_budget::is_open(own, self.load, bytes)
    }

    fn load_of(&self, endpoint: &str) -> (Load, usize) {
        let known = self.endpoints.get(endpoint).map(|queue| (queue.load, queue.typical_bytes()));
        known.unwrap_or((Load::default(), memory_budget::UNKNOWN_BYTES))
    }

    /// Whether `n` more deliveries fit, whichever endpoints they belong to.
    pub(crate) const fn has_room_for(&self, n: usize) -> bool {
        self.load.free().deliveries >= n
    }

    /// Reserves memory for a delivery that is about to be leased; false when there is none.
    pub(crate) fn reserve(&mut self, endpoint: &Arc<str>, bytes: usize, source: Source) -> bool {
        let all = self.load;
        let queue = self.endpoints.entry(endpoint.clone()).or_default();
        queue.observe_size(bytes);
        let fits = memory_budget::fits(queue.load, all, bytes, source);
        if fits {
            queue.load.add(bytes);
            self.load.add(bytes);
        } else {
            queue.overflowed = true;
        }
        fits
    }

    /// Frees reserved or used memory.
    pub(crate) fn free(&mut self, endpoint: &str, bytes: usize) {
        self.load.remove(bytes);
        if let Some(queue) = self.endpoints.get_mut(endpoint) {
            queue.load.remove(bytes);
        }
    }

    /// Notes that the database holds more deliveries of this endpoint than fitted.
    pub(crate) fn note_overflow(&mut self, endpoint: &str) {
        self.endpoints.entry(endpoint.into()).or_default().overflowed = true;
    }

    /// Whether an endpoint whose deliveries did not fit has room again; resets the note. While memory is full no endpoint
    /// has room, so the database is not queried in vain.
    pub(crate) fn take_overflow(&mut self) -> bool {
        let (all, mut found) = (self.load, false);
        for queue in self.endpoints.values_mut().filter(|queue| queue.overflowed) {
            if memory_budget::is_open(queue.load, all, queue.typical_bytes()) {
                queue.overflowed = false;
                found = true;
            }
        }
        found
    }

    /// Adds a leased delivery; false when it is here already.
    pub(crate) fn push(&mut self, delivery: LeasedDelivery) -> bool {
        if self.leased.contains_key(&delivery.id) {
            return false;
        }
        self.leased.insert(delivery.id.clone(), Stage::Backlog);
        self.load.add(delivery.bytes());
        let endpoint = delivery.endpoint_id.clone();
        let queue = self.endpoints.entry(endpoint.clone()).or_default();
        queue.load.add(delivery.bytes());
        queue.push(delivery);
        self.schedule(&endpoint, UnixMs(i64::MIN));
        true
    }

    /// Moves an endpoint to the ready or the throttled ones, if it has work and free concurrency.
    fn schedule(&mut self, endpoint: &Arc<str>, now: UnixMs) {
        let most = unrecorded_max(self.in_flight);
        let Some(queue) = self.endpoints.get_mut(endpoint).filter(|queue| queue.limiter.has_capacity(most)) else {
            return;
        };
        let Some(ready_at) = queue.ready_at() else { return };
        match queue.state {
            QueueState::Ready => return,
            QueueState::Throttled(until) if until <= ready_at => return,
            // A fresh delivery need not wait for the rate limit of held ones.
            QueueState::Throttled(until) => {
                self.throttled.remove(&(until, endpoint.clone()));
            }
            QueueState::Idle => {}
        }
        if ready_at > now && ready_at.0 > 0 {
            queue.state = QueueState::Throttled(ready_at);
            self.throttled.insert((ready_at, endpoint.clone()));
        } else {
            queue.state = QueueState::Ready;
            self.hosts.ready(queue.host, endpoint.clone());
        }
    }

    /// Takes the next delivery, from the endpoint whose turn it is.
    pub(crate) fn next(&mut self, now: UnixMs) -> Option<Turn> {
        self.check_clock(now);
        while self.throttled.first().is_some_and(|(until, _)| *until <= now) {
            let due = self.throttled.pop_first();
            due.into_iter().for_each(|(_, endpoint)| self.make_ready(endpoint));
        }
        if self.in_flight >= IN_FLIGHT_MAX {
            return None;
        }
        while let Some((host, endpoint)) = self.hosts.next() {
            let turn = self.take(&endpoint, now);
            let attempts = matches!(turn, Some(Turn::Attempt(_)));
            // Before the endpoint is ready again: its host may have reached its limit.
            self.hosts.served(host, attempts);
            self.schedule(&endpoint, now);
            let Some(turn) = turn else { continue };
            let stage = if attempts { Stage::Attempting(host) } else { Stage::Ending };
            self.leased.insert(turn.delivery().id.clone(), stage);
            self.in_flight += 1;
            return Some(turn);
        }
        None
    }

    /// Takes the next delivery of an endpoint. One that was dropped may still be listed as ready, without work.
    fn take(&mut self, endpoint: &Arc<str>, now: UnixMs) -> Option<Turn> {
        let most = unrecorded_max(self.in_flight);
        let queue = self.endpoints.get_mut(endpoint)?;
        queue.state = QueueState::Idle;
        queue.take(most, now)
    }

    fn make_ready(&mut self, endpoint: Arc<str>) {
        if let Some(queue) = self.endpoints.get_mut(&endpoint) {
            queue.state = QueueState::Ready;
            self.hosts.ready(queue.host, endpoint);
        }
    }

    /// Notices a clock that was set back: endpoints throttled until a time of the old clock would wait far too long.
    fn check_clock(&mut self, now: UnixMs) {
        if self.latest.is_some_and(|latest| latest.since_ms(now) > CLOCK_STEP_MS) {
            self.endpoints.values_mut().for_each(|queue| queue.limiter.clock_set_back(now));
            std::mem::take(&mut self.throttled).into_iter().for_each(|(_, endpoint)| self.make_ready(endpoint));
            self.latest = None;
        }
        self.latest = self.latest.max(Some(now));
    }

    /// When the first throttled endpoint may continue.
    pub(crate) fn next_ready_at(&self) -> Option<UnixMs> {
        self.throttled.first().map(|(at, _)| *at)
    }

    /// An attempt has succeeded, and is to be recorded. The next one of a failing endpoint waits until the failure is recorded,
    /// which may pause it.
    pub(crate) fn succeeded(&mut self, delivery: &LeasedDelivery, now: UnixMs) {
        self.ended(delivery, Some(true), now);
        self.schedule(&delivery.endpoint_id, now);
    }

    fn ended(&mut self, delivery: &LeasedDelivery, ok: Option<bool>, now: UnixMs) {
        let Some(stage) = self.leased.get_mut(&delivery.id) else { return };
        let Stage::Attempting(host) = *stage else { return };
        *stage = Stage::Attempted;
        self.hosts.ended(host);
        if let Some(queue) = self.endpoints.get_mut(&delivery.endpoint_id) {
            queue.limiter.ended(ok, now);
        }
    }

    /// The outcome of a delivery is recorded. `ok` tells whether its attempt succeeded; none when there was none.
    pub(crate) fn finished(&mut self, delivery: &LeasedDelivery, ok: Option<bool>, now: UnixMs) {
        self.ended(delivery, ok, now);
        let Some(stage) = self.leased.remove(&delivery.id) else { return };
        self.in_flight = self.in_flight.saturating_sub(1);
        self.free(&delivery.endpoint_id, delivery.bytes());
        if let (Stage::Attempted, Some(queue)) = (stage, self.endpoints.get_mut(&delivery.endpoint_id)) {
            queue.limiter.recorded();
        }
        self.schedule(&delivery.endpoint_id, now);
        self.forget_if_idle(&delivery.endpoint_id);
    }

    /// Memory is for endpoints that have work; a healthy idle one starts again with the usual concurrency.
    fn forget_if_idle(&mut self, endpoint: &Arc<str>) {
        let idle =
            |queue: &EndpointQueue| queue.load.deliveries == 0 && queue.limiter.in_flight() == 0 && !queue.overflowed;
        if self.endpoints.len() > IDLE_KEPT && self.endpoints.get(endpoint).is_some_and(idle) {
            self.endpoints.remove(endpoint);
        }
    }

    /// Sets how an endpoint is served.
    pub(crate) fn set_settings(&mut self, endpoint: &Arc<str>, settings: DeliverySettings, now: UnixMs) {
        self.endpoints.entry(endpoint.clone()).or_default().set_settings(settings, now);
        self.set_host(endpoint, settings.host);
    }

    /// Attempts in flight count for the host that they were made to.
    fn set_host(&mut self, endpoint: &Arc<str>, host: HostKey) {
        let Some(queue) = self.endpoints.get_mut(endpoint) else { return };
        let before = queue.host.replace(host);
        if before != Some(host) && queue.state == QueueState::Ready {
            self.hosts.moved(before, Some(host), endpoint);
        }
    }

    /// Pauses an endpoint at the request of its server. Returns until when.
    pub(crate) fn throttle(&mut self, endpoint: &Arc<str>, asked_s: Option<u32>, now: UnixMs, jitter: f64) -> UnixMs {
        self.endpoints.entry(endpoint.clone()).or_default().limiter.throttle(asked_s, now, jitter)
    }

    /// Whether an endpoint's server requested a pause.
    pub(crate) fn is_throttled(&self, endpoint: &str, now: UnixMs) -> bool {
        self.endpoints.get(endpoint).is_some_and(|queue| queue.limiter.is_throttled(now))
    }

    /// Forgets the pause that an endpoint's server requested.
    pub(crate) fn reset_throttle(&mut self, endpoint: &str) {
        if let Some(queue) = self.endpoints.get_mut(endpoint) {
            queue.limiter.reset_throttle();
        }
    }

    /// Sets what is known without reading when the endpoint was resumed: a draining one keeps its drain rate.
    pub(crate) fn update_settings(&mut self, endpoint: &Arc<str>, known: IntakeSettings, now: UnixMs) {
        self.endpoints.entry(endpoint.clone()).or_default().update_settings(known, now);
        self.set_host(endpoint, known.host);
    }

    /// Removes all deliveries of an endpoint that are not in flight.
    pub(crate) fn drop_endpoint(&mut self, endpoint: &str) -> Vec<LeasedDelivery> {
        let dropped = self.endpoints.get_mut(endpoint).map(EndpointQueue::drain).unwrap_or_default();
        for delivery in &dropped {
            self.leased.remove(&delivery.id);
            self.free(endpoint, delivery.bytes());
        }
        dropped
    }

    /// Removes all deliveries that are not in flight.
    pub(crate) fn drop_all(&mut self) -> Vec<LeasedDelivery> {
        let endpoints: Vec<Arc<str>> = self.endpoints.keys().cloned().collect();
        endpoints.iter().flat_map(|endpoint| self.drop_endpoint(endpoint)).collect()
    }

    /// Attempts in flight.
    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The ids of everything in memory, in flight or not.
    pub(crate) fn ids(&self) -> HashSet<String> {
        self.leased.keys().cloned().collect()
    }

    /// Whether this delivery is in flight.
    pub(crate) fn is_sending(&self, delivery: &str) -> bool {
        self.leased.get(delivery).is_some_and(|stage| *stage != Stage::Backlog)
    }

    /// Deliveries in memory, those in flight included.
    pub(crate) fn len(&self) -> usize {
        self.leased.len()
    }
}

#[cfg(test)]
mod tests;
