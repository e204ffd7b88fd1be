//! The deliveries that this node has leased: a queue per endpoint, served round-robin, first attempts before retries.
//!
//! The order within a call needs no queue here: the store makes a delivery due only when the previous one of its call
//! has ended or given up its order.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use domain::UnixMs;

use super::{
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
    /// Being attempted: it counts towards its endpoint's concurrency.
    Attempting,
    /// Ending without an attempt.
    Ending,
}

/// All queues of this node.
#[derive(Debug, Default)]
pub struct Queues {
    endpoints: HashMap<Arc<str>, EndpointQueue>,
    /// Endpoints that have work and free concurrency, in the order they are served.
    ready: VecDeque<Arc<str>>,
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
    pub fn claimable(&self, endpoint: &str) -> usize {
        let (own, bytes) = self.load_of(endpoint);
        memory_budget::claimable(own, self.load, bytes)
    }

    /// Whether it is worth claiming more deliveries of this endpoint.
    pub fn is_open(&self, endpoint: &str) -> bool {
        let (own, bytes) = self.load_of(endpoint);
        memory_budget::is_open(own, self.load, bytes)
    }

    fn load_of(&self, endpoint: &str) -> (Load, usize) {
        let known = self.endpoints.get(endpoint).map(|queue| (queue.load, queue.typical_bytes()));
        known.unwrap_or((Load::default(), memory_budget::UNKNOWN_BYTES))
    }

    /// Whether `n` more deliveries fit, whichever endpoints they belong to.
    pub const fn has_room_for(&self, n: usize) -> bool {
        self.load.free().deliveries >= n
    }

    /// Reserves memory for a delivery that is about to be leased; false when there is none.
    pub fn reserve(&mut self, endpoint: &Arc<str>, bytes: usize, source: Source) -> bool {
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
    pub fn free(&mut self, endpoint: &str, bytes: usize) {
        self.load.remove(bytes);
        if let Some(queue) = self.endpoints.get_mut(endpoint) {
            queue.load.remove(bytes);
        }
    }

    /// Notes that the database holds more deliveries of this endpoint than fitted.
    pub fn note_overflow(&mut self, endpoint: &str) {
        self.endpoints.entry(endpoint.into()).or_default().overflowed = true;
    }

    /// Whether an endpoint whose deliveries did not fit has room again; resets the note. While memory is full no endpoint
    /// has room, so the database is not queried in vain.
    pub fn take_overflow(&mut self) -> bool {
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
    pub fn push(&mut self, delivery: LeasedDelivery) -> bool {
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
        let Some(queue) = self.endpoints.get_mut(endpoint).filter(|queue| queue.limiter.has_capacity()) else { return };
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
            self.ready.push_back(endpoint.clone());
        }
    }

    /// Takes the next delivery, from the endpoint whose turn it is.
    pub fn next(&mut self, now: UnixMs) -> Option<Turn> {
        self.check_clock(now);
        while self.throttled.first().is_some_and(|(until, _)| *until <= now) {
            let due = self.throttled.pop_first();
            due.into_iter().for_each(|(_, endpoint)| self.make_ready(endpoint));
        }
        if self.in_flight >= IN_FLIGHT_MAX {
            return None;
        }
        while let Some(endpoint) = self.ready.pop_front() {
            let Some(queue) = self.endpoints.get_mut(&endpoint) else { continue };
            queue.state = QueueState::Idle;
            // A dropped endpoint may still be listed as ready, without work.
            let turn = queue.take(now);
            self.schedule(&endpoint, now);
            let Some(turn) = turn else { continue };
            let stage = if matches!(turn, Turn::Attempt(_)) { Stage::Attempting } else { Stage::Ending };
            self.leased.insert(turn.delivery().id.clone(), stage);
            self.in_flight += 1;
            return Some(turn);
        }
        None
    }

    fn make_ready(&mut self, endpoint: Arc<str>) {
        if let Some(queue) = self.endpoints.get_mut(&endpoint) {
            queue.state = QueueState::Ready;
            self.ready.push_back(endpoint);
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
    pub fn next_ready_at(&self) -> Option<UnixMs> {
        self.throttled.first().map(|(at, _)| *at)
    }

    /// The outcome of a delivery is recorded. `ok` tells whether its attempt succeeded; none when there was none.
    pub fn finished(&mut self, delivery: &LeasedDelivery, ok: Option<bool>, now: UnixMs) {
        let Some(stage) = self.leased.remove(&delivery.id) else { return };
        self.in_flight = self.in_flight.saturating_sub(1);
        self.free(&delivery.endpoint_id, delivery.bytes());
        if let Some(queue) = self.endpoints.get_mut(&delivery.endpoint_id).filter(|_| stage == Stage::Attempting) {
            queue.limiter.ended(ok, now);
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
    pub fn set_settings(&mut self, endpoint: &Arc<str>, settings: DeliverySettings, now: UnixMs) {
        self.endpoints.entry(endpoint.clone()).or_default().set_settings(settings, now);
    }

    /// Pauses an endpoint at the request of its server. Returns until when.
    pub fn throttle(&mut self, endpoint: &Arc<str>, asked_s: Option<u32>, now: UnixMs, jitter: f64) -> UnixMs {
        self.endpoints.entry(endpoint.clone()).or_default().limiter.throttle(asked_s, now, jitter)
    }

    /// Whether an endpoint's server requested a pause.
    pub fn is_throttled(&self, endpoint: &str, now: UnixMs) -> bool {
        self.endpoints.get(endpoint).is_some_and(|queue| queue.limiter.is_throttled(now))
    }

    /// Forgets the pause that an endpoint's server requested.
    pub fn reset_throttle(&mut self, endpoint: &str) {
        if let Some(queue) = self.endpoints.get_mut(endpoint) {
            queue.limiter.reset_throttle();
        }
    }

    /// Sets what is known without reading when the endpoint was resumed: a draining one keeps its drain rate.
    pub fn update_settings(&mut self, endpoint: &Arc<str>, known: IntakeSettings, now: UnixMs) {
        self.endpoints.entry(endpoint.clone()).or_default().update_settings(known, now);
    }

    /// Removes all deliveries of an endpoint that are not in flight.
    pub fn drop_endpoint(&mut self, endpoint: &str) -> Vec<LeasedDelivery> {
        let dropped = self.endpoints.get_mut(endpoint).map(EndpointQueue::drain).unwrap_or_default();
        for delivery in &dropped {
            self.leased.remove(&delivery.id);
            self.free(endpoint, delivery.bytes());
        }
        dropped
    }

    /// Removes all deliveries that are not in flight.
    pub fn drop_all(&mut self) -> Vec<LeasedDelivery> {
        let endpoints: Vec<Arc<str>> = self.endpoints.keys().cloned().collect();
        endpoints.iter().flat_map(|endpoint| self.drop_endpoint(endpoint)).collect()
    }

    /// Attempts in flight.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The ids of everything in memory, in flight or not.
    pub fn ids(&self) -> HashSet<String> {
        self.leased.keys().cloned().collect()
    }

    /// Whether this delivery is in flight.
    pub fn is_sending(&self, delivery: &str) -> bool {
        self.leased.get(delivery).is_some_and(|stage| *stage != Stage::Backlog)
    }

    /// Deliveries in memory, those in flight included.
    pub fn len(&self) -> usize {
        self.leased.len()
    }
}

#[cfg(test)]
mod tests {
    use domain::event::EventKind;

    use super::*;

    fn leased(endpoint: &str, n: usize, attempts: u32) -> LeasedDelivery {
        LeasedDelivery {
            id: format!("dlv_{endpoint}_{n}"),
            account_id: "acct".into(),
            endpoint_id: endpoint.into(),
            event_id: format!("evt_{n}"),
            kind: EventKind::CallProcessed,
            call_id: n.to_string(),
            attempts,
            attempts_before: 0,
            fresh_from: UnixMs(0),
            proof: None,
            timestamp_s: 0,
            payload: Some("{}".into()),
        }
    }

    fn call(endpoint: &str, n: usize, accepted: i64) -> LeasedDelivery {
        LeasedDelivery { kind: EventKind::IncomingCall, fresh_from: UnixMs(accepted), ..leased(endpoint, n, 0) }
    }

    fn settings(rate_per_s: Option<u32>, drain_per_s: Option<u32>, resumed: i64) -> DeliverySettings {
        DeliverySettings {
            rate_per_s,
            drain_per_s,
            resumed: UnixMs(resumed),
            deliver_late: false,
            throttled_until: None,
        }
    }

    fn limited_to(rate_per_s: u32) -> IntakeSettings {
        IntakeSettings { rate_per_s: Some(rate_per_s), deliver_late: false, throttled_until: None }
    }

    /// Ids of the attempted deliveries and of the expired ones, until nothing is left to do at that time.
    fn turns(queues: &mut Queues, now: i64) -> (Vec<String>, Vec<String>) {
        let (mut tried, mut late) = (Vec::new(), Vec::new());
        while let Some(turn) = queues.next(UnixMs(now)) {
            match turn {
                Turn::Attempt(delivery) => tried.push(delivery.id),
                Turn::Expire(delivery) => late.push(delivery.id),
            }
        }
        (tried, late)
    }

    fn tried(queues: &mut Queues, now: i64) -> Vec<String> {
        turns(queues, now).0
    }

    #[test]
    fn endpoints_alternate_and_first_attempts_precede_retries() {
        let mut queues = Queues::default();
        queues.push(leased("a", 1, 1));
        (2..4).for_each(|n| assert!(queues.push(leased("a", n, 0))));
        queues.push(leased("b", 1, 0));
        assert_eq!(tried(&mut queues, 1), ["dlv_a_2", "dlv_b_1", "dlv_a_3", "dlv_a_1"]);
    }

    #[test]
    fn an_endpoint_never_exceeds_its_concurrency_and_continues_when_an_attempt_ends() {
        let mut queues = Queues::default();
        (0..100).for_each(|n| assert!(queues.push(leased("slow", n, 0))));
        let started: Vec<Turn> = std::iter::from_fn(|| queues.next(UnixMs(1))).collect();
        assert_eq!(started.len(), super::super::concurrency::AT_ONCE_START);
        queues.push(leased("quick", 1, 0));
        assert_eq!(tried(&mut queues, 1), ["dlv_quick_1"]);
        queues.finished(started[0].delivery(), Some(true), UnixMs(1));
        assert_eq!(tried(&mut queues, 1).len(), 2, "a success frees its capacity and adds one");
    }

    #[test]
    fn a_rate_limited_endpoint_waits_while_the_others_continue() {
        let mut queues = Queues::default();
        queues.update_settings(&"limited".into(), limited_to(2), UnixMs(0));
        (0..2).for_each(|n| assert!(queues.push(leased("limited", n, 0))));
        queues.push(leased("free", 1, 0));
        assert_eq!(tried(&mut queues, 1_000), ["dlv_limited_0", "dlv_free_1"]);
        assert_eq!(queues.next_ready_at(), Some(UnixMs(1_500)));
        assert!(tried(&mut queues, 1_499).is_empty());
        assert_eq!(tried(&mut queues, 1_500).len(), 1);
    }

    #[test]
    fn a_throttled_endpoint_waits_and_is_probed_with_one_while_the_others_continue() {
        let (mut queues, busy): (_, Arc<str>) = (Queues::default(), "busy".into());
        (0..10).for_each(|n| assert!(queues.push(leased("busy", n, 0))));
        let first = queues.next(UnixMs(0)).unwrap();
        assert_eq!(queues.throttle(&busy, Some(2), UnixMs(0), 0.0), UnixMs(2_000));
        queues.finished(first.delivery(), Some(false), UnixMs(0));
        queues.push(leased("other", 1, 0));
        assert_eq!(tried(&mut queues, 100), ["dlv_other_1"]);
        assert_eq!(queues.next_ready_at(), Some(UnixMs(2_000)));
        assert!(tried(&mut queues, 1_999).is_empty());
        let probe = queues.next(UnixMs(2_000)).unwrap();
        assert!(queues.next(UnixMs(2_000)).is_none(), "one probe");
        queues.finished(probe.delivery(), Some(true), UnixMs(2_010));
        assert_eq!(tried(&mut queues, 2_010).len(), 2, "then more");
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_no_endpoint_throttled() {
        let (mut queues, before) = (Queues::default(), 3_600_000);
        queues.update_settings(&"limited".into(), limited_to(2), UnixMs(0));
        (0..3).for_each(|n| assert!(queues.push(leased("limited", n, 0))));
        assert_eq!(tried(&mut queues, before).len(), 1);
        assert!(tried(&mut queues, before - 900).is_empty(), "a little is within the wait");
        assert_eq!(tried(&mut queues, 1_000).len(), 1, "an hour back: it continues at once");
        assert!(tried(&mut queues, 1_400).is_empty(), "and keeps its rate by the new clock");
        assert_eq!(tried(&mut queues, 1_500).len(), 1);
    }

    #[test]
    fn memory_is_bounded_and_dropping_an_endpoint_frees_it() {
        let (mut queues, full): (_, Arc<str>) = (Queues::default(), "full".into());
        let fitted = (0..).take_while(|_| queues.reserve(&full, 2, Source::Fresh)).count();
        assert_eq!(fitted, super::super::LEASED_PER_ENDPOINT_MAX);
        (0..fitted).for_each(|_| queues.free(&full, 2));
        (0..fitted).for_each(|n| assert!(queues.push(leased("full", n, 0))));
        assert_eq!((queues.claimable("full"), queues.is_open("full"), queues.is_open("other")), (0, false, true));
        assert!(!queues.take_overflow());
        assert_eq!(queues.drop_endpoint("full").len(), fitted);
        assert!(queues.len() == 0 && queues.load == Load::default());
        assert!(tried(&mut queues, 1).is_empty());
        queues.push(leased("full", 1, 0));
        assert_eq!(tried(&mut queues, 1).len(), 1, "a dropped endpoint comes back");
    }

    #[test]
    fn a_delivery_is_queued_once() {
        let mut queues = Queues::default();
        assert!(queues.push(leased("a", 1, 0)) && !queues.push(leased("a", 1, 0)));
        let turn = queues.next(UnixMs(1)).unwrap();
        assert!(!queues.push(leased("a", 1, 0)), "also while it is attempted");
        queues.finished(turn.delivery(), Some(true), UnixMs(2));
        assert!(queues.push(leased("a", 1, 0)) && queues.len() == 1);
    }

    #[test]
    fn expired_calls_end_at_once_and_leave_the_rate_to_a_fresh_one() {
        let mut queues = Queues::default();
        queues.set_settings(&"a".into(), settings(Some(2), None, 100_000), UnixMs(0));
        (0..200).for_each(|n| assert!(queues.push(call("a", n, 1_000))));
        queues.push(call("a", 200, 100_000));
        let (tried, late) = turns(&mut queues, 100_001);
        assert_eq!((tried, late.len()), (vec!["dlv_a_200".to_owned()], 200));
        assert_eq!(queues.endpoints["a"].limiter.in_flight(), 1, "an expired delivery needs no capacity");
    }

    #[test]
    fn a_new_call_is_sent_at_once_while_held_events_drain() {
        let mut queues = Queues::default();
        queues.set_settings(&"a".into(), settings(None, Some(2), 100_000), UnixMs(0));
        (0..200).for_each(|n| assert!(queues.push(leased("a", n, 0))));
        assert_eq!(tried(&mut queues, 100_001), ["dlv_a_0"], "no burst");
        queues.push(call("a", 200, 100_100));
        assert_eq!(tried(&mut queues, 100_100), ["dlv_a_200"]);
        assert_eq!(tried(&mut queues, 100_500).len(), 0, "held events keep their drain rate");
        assert_eq!(tried(&mut queues, 100_501), ["dlv_a_1"]);
    }

    #[test]
    fn held_and_fresh_events_alternate_within_the_rate_limit() {
        let mut queues = Queues::default();
        queues.set_settings(&"a".into(), settings(Some(1), None, 100_000), UnixMs(0));
        (0..2).for_each(|n| assert!(queues.push(leased("a", n, 0))));
        (2..4).for_each(|n| assert!(queues.push(call("a", n, 100_000))));
        let order: Vec<String> = (0..4).flat_map(|s| tried(&mut queues, 100_001 + s * 1_000)).collect();
        assert_eq!(order, ["dlv_a_2", "dlv_a_0", "dlv_a_3", "dlv_a_1"]);
    }

    #[test]
    fn nothing_is_claimed_while_memory_is_full() {
        let mut queues = Queues::default();
        let endpoint = |n: usize| -> Arc<str> { format!("e{n}").into() };
        for n in 0..super::super::LEASED_MAX {
            queues.reserve(&endpoint(n), 2, Source::Fresh);
        }
        assert_eq!(queues.load.free().deliveries, 0);
        assert!(!queues.reserve(&endpoint(0), 2, Source::Fresh) && !queues.reserve(&"new".into(), 2, Source::Database));
        assert!(!queues.take_overflow(), "nothing would fit");
        queues.free("e1", 2);
        assert!(queues.take_overflow() && !queues.take_overflow(), "once, after something has ended");
    }
}
