//! What this node has in hand: a queue per endpoint, served round-robin, first tries before retries.
//!
//! The order within a call needs no lanes here: the store makes a delivery due only when the one before it in its
//! call has ended, so at most one of each call and endpoint is ever in hand.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use domain::{UnixMs, event::EventKind, rotation::Credential};

use super::{
    IN_FLIGHT_MAX,
    queue::{EndpointQueue, Stand, Terms, Turn},
    room::{self, Load, Source},
};

/// A clock that goes back by less than this is left alone: whoever rests, rests that much longer.
const CLOCK_STEP_MS: i64 = 1_000;

/// A delivery in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Delivery id.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// Where it goes.
    pub endpoint_id: Arc<str>,
    /// The `webhook-id`.
    pub event_id: String,
    /// Kind.
    pub kind: EventKind,
    /// The call.
    pub call_id: String,
    /// Attempts made so far.
    pub attempts: u32,
    /// Attempts made before the latest resend.
    pub attempts_before: u32,
    /// When the event was accepted, or resent.
    pub fresh_from: UnixMs,
    /// Which credential it proves: a test that carries the next one.
    pub proof: Option<Credential>,
    /// Unix seconds of the event itself.
    pub timestamp_s: i64,
    /// The payload as it goes out; none once it is past retention. Deliveries of one event share it.
    pub payload: Option<Arc<str>>,
}

impl Job {
    fn bytes(&self) -> usize {
        self.payload.as_ref().map_or(0, |payload| payload.len())
    }
}

/// How far a delivery in hand has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It waits in the queue of its endpoint.
    Waiting,
    /// It is being tried, and uses a place of its endpoint.
    Trying,
    /// It ends without an attempt.
    Ending,
}

/// All queues.
#[derive(Debug, Default)]
pub struct Queues {
    endpoints: HashMap<Arc<str>, EndpointQueue>,
    /// Endpoints that have work and room, in the order they are served.
    ring: VecDeque<Arc<str>>,
    /// Endpoints that have work and wait for a rate.
    resting: BTreeSet<(UnixMs, Arc<str>)>,
    /// The latest moment that was seen: an earlier one means that the clock has been set back.
    latest: Option<UnixMs>,
    /// Everything in hand.
    known: HashMap<String, Stage>,
    in_flight: usize,
    /// What is in memory, or has room reserved for it.
    load: Load,
}

impl Queues {
    /// How many that wait in the database fit, as large as the endpoint's are.
    pub fn room(&self, endpoint: &str) -> usize {
        let (own, bytes) = self.of(endpoint);
        room::count(own, self.load, bytes)
    }

    /// Whether it is worth asking the database for more of this endpoint.
    pub fn is_open(&self, endpoint: &str) -> bool {
        let (own, bytes) = self.of(endpoint);
        room::is_open(own, self.load, bytes)
    }

    fn of(&self, endpoint: &str) -> (Load, usize) {
        let known = self.endpoints.get(endpoint).map(|queue| (queue.load, queue.typical_bytes()));
        known.unwrap_or((Load::default(), room::UNKNOWN_BYTES))
    }

    /// Whether `n` more deliveries fit, whosever they are.
    pub const fn has_room_for(&self, n: usize) -> bool {
        self.load.free().jobs >= n
    }

    /// Reserves room for a delivery that is about to come. False when it has none.
    pub fn reserve(&mut self, endpoint: &Arc<str>, bytes: usize, source: Source) -> bool {
        let all = self.load;
        let queue = self.endpoints.entry(endpoint.clone()).or_default();
        queue.saw(bytes);
        let fits = room::fits(queue.load, all, bytes, source);
        if fits {
            queue.load.add(bytes);
            self.load.add(bytes);
        } else {
            queue.more = true;
        }
        fits
    }

    /// Gives room back.
    pub fn give_back(&mut self, endpoint: &str, bytes: usize) {
        self.load.take(bytes);
        if let Some(queue) = self.endpoints.get_mut(endpoint) {
            queue.load.take(bytes);
        }
    }

    /// Remembers that the database holds more for this endpoint than fitted.
    pub fn overflowed(&mut self, endpoint: &str) {
        self.endpoints.entry(endpoint.into()).or_default().more = true;
    }

    /// Whether an endpoint whose work did not fit has room again. Asking takes the wish back. While all memory is full
    /// nobody has room, and the database is not asked in vain.
    pub fn wants_more(&mut self) -> bool {
        let (all, mut wants) = (self.load, false);
        for queue in self.endpoints.values_mut().filter(|queue| queue.more) {
            if room::is_open(queue.load, all, queue.typical_bytes()) {
                queue.more = false;
                wants = true;
            }
        }
        wants
    }

    /// Puts a delivery in hand. False when it is already.
    pub fn push(&mut self, job: Job) -> bool {
        if self.known.contains_key(&job.id) {
            return false;
        }
        self.known.insert(job.id.clone(), Stage::Waiting);
        self.load.add(job.bytes());
        let endpoint = job.endpoint_id.clone();
        let queue = self.endpoints.entry(endpoint.clone()).or_default();
        queue.load.add(job.bytes());
        queue.push(job);
        self.place(&endpoint, UnixMs(i64::MIN));
        true
    }

    /// Puts an endpoint where it belongs: into the ring, among the resting, or nowhere.
    fn place(&mut self, endpoint: &Arc<str>, now: UnixMs) {
        let Some(queue) = self.endpoints.get_mut(endpoint).filter(|queue| queue.pace.has_room()) else { return };
        let Some(ready) = queue.ready_at() else { return };
        match queue.stand {
            Stand::InRing => return,
            Stand::Resting(until) if until <= ready => return,
            // What has come since need not wait for the rate of what was held.
            Stand::Resting(until) => {
                self.resting.remove(&(until, endpoint.clone()));
            }
            Stand::Nowhere => {}
        }
        if ready > now && ready.0 > 0 {
            queue.stand = Stand::Resting(ready);
            self.resting.insert((ready, endpoint.clone()));
        } else {
            queue.stand = Stand::InRing;
            self.ring.push_back(endpoint.clone());
        }
    }

    /// Takes the next delivery, from the endpoint whose turn it is.
    pub fn next(&mut self, now: UnixMs) -> Option<Turn> {
        self.see(now);
        while self.resting.first().is_some_and(|(until, _)| *until <= now) {
            let rested = self.resting.pop_first();
            rested.into_iter().for_each(|(_, endpoint)| self.queue_up(endpoint));
        }
        if self.in_flight >= IN_FLIGHT_MAX {
            return None;
        }
        while let Some(endpoint) = self.ring.pop_front() {
            let Some(queue) = self.endpoints.get_mut(&endpoint) else { continue };
            queue.stand = Stand::Nowhere;
            // An endpoint that was dropped may stand in the ring without work.
            let turn = queue.take(now);
            self.place(&endpoint, now);
            let Some(turn) = turn else { continue };
            let stage = if matches!(turn, Turn::Try(_)) { Stage::Trying } else { Stage::Ending };
            self.known.insert(turn.job().id.clone(), stage);
            self.in_flight += 1;
            return Some(turn);
        }
        None
    }

    fn queue_up(&mut self, endpoint: Arc<str>) {
        if let Some(queue) = self.endpoints.get_mut(&endpoint) {
            queue.stand = Stand::InRing;
            self.ring.push_back(endpoint);
        }
    }

    /// Notices a clock that was set back: whoever rests until a time of the old clock would rest far too long.
    fn see(&mut self, now: UnixMs) {
        if self.latest.is_some_and(|latest| latest.since_ms(now) > CLOCK_STEP_MS) {
            self.endpoints.values_mut().for_each(|queue| queue.pace.set_back(now));
            std::mem::take(&mut self.resting).into_iter().for_each(|(_, endpoint)| self.queue_up(endpoint));
            self.latest = None;
        }
        self.latest = self.latest.max(Some(now));
    }

    /// When an endpoint that rests for a rate may go on.
    pub fn rested_at(&self) -> Option<UnixMs> {
        self.resting.first().map(|(at, _)| *at)
    }

    /// A delivery has ended or waits again, and that is recorded.
    pub fn finished(&mut self, job: &Job, ok: Option<bool>, now: UnixMs) {
        let Some(stage) = self.known.remove(&job.id) else { return };
        self.in_flight = self.in_flight.saturating_sub(1);
        self.give_back(&job.endpoint_id, job.bytes());
        if let Some(queue) = self.endpoints.get_mut(&job.endpoint_id).filter(|_| stage == Stage::Trying) {
            queue.pace.ended(ok);
        }
        self.place(&job.endpoint_id, now);
        self.forget_if_idle(&job.endpoint_id);
    }

    /// Memory is for endpoints that have work; a healthy idle one starts again at the usual pace.
    fn forget_if_idle(&mut self, endpoint: &Arc<str>) {
        /// Paces of idle endpoints that are remembered.
        const IDLE_KEPT: usize = 4_096;
        let idle = |queue: &EndpointQueue| queue.load.jobs == 0 && queue.pace.in_flight() == 0 && !queue.more;
        if self.endpoints.len() > IDLE_KEPT && self.endpoints.get(endpoint).is_some_and(idle) {
            self.endpoints.remove(endpoint);
        }
    }

    /// Sets what an endpoint asks for.
    pub fn set_terms(&mut self, endpoint: &Arc<str>, terms: Terms) {
        self.endpoints.entry(endpoint.clone()).or_default().set_terms(terms);
    }

    /// Sets what is known without asking when it was resumed: one that drains keeps the rate for what was held.
    pub fn learn(&mut self, endpoint: &Arc<str>, rate_per_s: Option<u32>, deliver_late: bool) {
        self.endpoints.entry(endpoint.clone()).or_default().learn(rate_per_s, deliver_late);
    }

    /// Takes everything of an endpoint out that is not in flight.
    pub fn drop_endpoint(&mut self, endpoint: &str) -> Vec<Job> {
        let dropped = self.endpoints.get_mut(endpoint).map(EndpointQueue::empty).unwrap_or_default();
        for job in &dropped {
            self.known.remove(&job.id);
            self.give_back(endpoint, job.bytes());
        }
        dropped
    }

    /// Takes everything out that is not in flight.
    pub fn drop_all(&mut self) -> Vec<Job> {
        let endpoints: Vec<Arc<str>> = self.endpoints.keys().cloned().collect();
        endpoints.iter().flat_map(|endpoint| self.drop_endpoint(endpoint)).collect()
    }

    /// Attempts in flight.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The ids of everything in memory, in flight or not.
    pub fn ids(&self) -> HashSet<String> {
        self.known.keys().cloned().collect()
    }

    /// Whether this delivery is in flight.
    pub fn is_sending(&self, delivery: &str) -> bool {
        self.known.get(delivery).is_some_and(|stage| *stage != Stage::Waiting)
    }

    /// Deliveries in memory, those in flight included.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether nothing is in memory.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(endpoint: &str, n: usize, attempts: u32) -> Job {
        Job {
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

    fn call(endpoint: &str, n: usize, accepted: i64) -> Job {
        Job { kind: EventKind::IncomingCall, fresh_from: UnixMs(accepted), ..job(endpoint, n, 0) }
    }

    fn terms(rate_per_s: Option<u32>, drain_per_s: Option<u32>, resumed: i64) -> Terms {
        Terms { rate_per_s, drain_per_s, resumed: UnixMs(resumed), deliver_late: false }
    }

    /// Ids of what is tried, and of what ends as too late, until nothing is left to do at that time.
    fn turns(queues: &mut Queues, now: i64) -> (Vec<String>, Vec<String>) {
        let (mut tried, mut late) = (Vec::new(), Vec::new());
        while let Some(turn) = queues.next(UnixMs(now)) {
            match turn {
                Turn::Try(job) => tried.push(job.id),
                Turn::Late(job) => late.push(job.id),
            }
        }
        (tried, late)
    }

    fn tried(queues: &mut Queues, now: i64) -> Vec<String> {
        turns(queues, now).0
    }

    #[test]
    fn endpoints_take_turns_and_first_tries_go_before_retries() {
        let mut queues = Queues::default();
        queues.push(job("a", 1, 1));
        (2..4).for_each(|n| assert!(queues.push(job("a", n, 0))));
        queues.push(job("b", 1, 0));
        assert_eq!(tried(&mut queues, 1), ["dlv_a_2", "dlv_b_1", "dlv_a_3", "dlv_a_1"]);
    }

    #[test]
    fn one_endpoint_never_takes_more_than_its_pace_and_goes_on_when_one_ends() {
        let mut queues = Queues::default();
        (0..100).for_each(|n| assert!(queues.push(job("slow", n, 0))));
        let started: Vec<Turn> = std::iter::from_fn(|| queues.next(UnixMs(1))).collect();
        assert_eq!(started.len(), super::super::pace::AT_ONCE_START);
        queues.push(job("quick", 1, 0));
        assert_eq!(tried(&mut queues, 1), ["dlv_quick_1"]);
        queues.finished(started[0].job(), Some(true), UnixMs(1));
        assert_eq!(tried(&mut queues, 1).len(), 2, "a success gives one place back and one more");
    }

    #[test]
    fn a_rate_limited_endpoint_rests_and_the_others_go_on() {
        let mut queues = Queues::default();
        queues.learn(&"limited".into(), Some(2), false);
        (0..2).for_each(|n| assert!(queues.push(job("limited", n, 0))));
        queues.push(job("free", 1, 0));
        assert_eq!(tried(&mut queues, 1_000), ["dlv_limited_0", "dlv_free_1"]);
        assert_eq!(queues.rested_at(), Some(UnixMs(1_500)));
        assert!(tried(&mut queues, 1_499).is_empty());
        assert_eq!(tried(&mut queues, 1_500).len(), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_resting() {
        let (mut queues, before) = (Queues::default(), 3_600_000);
        queues.learn(&"limited".into(), Some(2), false);
        (0..3).for_each(|n| assert!(queues.push(job("limited", n, 0))));
        assert_eq!(tried(&mut queues, before).len(), 1);
        assert!(tried(&mut queues, before - 900).is_empty(), "a little is within the wait");
        assert_eq!(tried(&mut queues, 1_000).len(), 1, "an hour back: it goes on at once");
        assert!(tried(&mut queues, 1_400).is_empty(), "and keeps its rate by the new clock");
        assert_eq!(tried(&mut queues, 1_500).len(), 1);
    }

    #[test]
    fn memory_is_bounded_and_dropping_an_endpoint_gives_it_back() {
        let (mut queues, full): (_, Arc<str>) = (Queues::default(), "full".into());
        let fitted = (0..).take_while(|_| queues.reserve(&full, 2, Source::Door)).count();
        assert_eq!(fitted, super::super::LEASED_PER_ENDPOINT_MAX);
        (0..fitted).for_each(|_| queues.give_back(&full, 2));
        (0..fitted).for_each(|n| assert!(queues.push(job("full", n, 0))));
        assert_eq!((queues.room("full"), queues.is_open("full"), queues.is_open("other")), (0, false, true));
        assert!(!queues.wants_more());
        assert_eq!(queues.drop_endpoint("full").len(), fitted);
        assert!(queues.is_empty() && queues.load == Load::default());
        assert!(tried(&mut queues, 1).is_empty());
        queues.push(job("full", 1, 0));
        assert_eq!(tried(&mut queues, 1).len(), 1, "a dropped endpoint comes back");
    }

    #[test]
    fn a_delivery_is_in_hand_once() {
        let mut queues = Queues::default();
        assert!(queues.push(job("a", 1, 0)) && !queues.push(job("a", 1, 0)));
        let turn = queues.next(UnixMs(1)).unwrap();
        assert!(!queues.push(job("a", 1, 0)), "also while it is tried");
        queues.finished(turn.job(), Some(true), UnixMs(2));
        assert!(queues.push(job("a", 1, 0)) && queues.len() == 1);
    }

    #[test]
    fn calls_that_are_too_late_end_at_once_and_leave_the_rate_to_a_fresh_one() {
        let mut queues = Queues::default();
        queues.set_terms(&"a".into(), terms(Some(2), None, 100_000));
        (0..200).for_each(|n| assert!(queues.push(call("a", n, 1_000))));
        queues.push(call("a", 200, 100_000));
        let (tried, late) = turns(&mut queues, 100_001);
        assert_eq!((tried, late.len()), (vec!["dlv_a_200".to_owned()], 200));
        assert_eq!(queues.endpoints["a"].pace.in_flight(), 1, "what is late needs no place");
    }

    #[test]
    fn a_call_that_comes_in_while_held_records_drain_goes_out_at_once() {
        let mut queues = Queues::default();
        queues.set_terms(&"a".into(), terms(None, Some(2), 100_000));
        (0..200).for_each(|n| assert!(queues.push(job("a", n, 0))));
        assert_eq!(tried(&mut queues, 100_001), ["dlv_a_0"], "no burst");
        queues.push(call("a", 200, 100_100));
        assert_eq!(tried(&mut queues, 100_100), ["dlv_a_200"]);
        assert_eq!(tried(&mut queues, 100_500).len(), 0, "held ones keep the rate that was chosen for them");
        assert_eq!(tried(&mut queues, 100_501), ["dlv_a_1"]);
    }

    #[test]
    fn held_and_fresh_ones_take_turns_under_the_own_rate() {
        let mut queues = Queues::default();
        queues.set_terms(&"a".into(), terms(Some(1), None, 100_000));
        (0..2).for_each(|n| assert!(queues.push(job("a", n, 0))));
        (2..4).for_each(|n| assert!(queues.push(call("a", n, 100_000))));
        let order: Vec<String> = (0..4).flat_map(|s| tried(&mut queues, 100_001 + s * 1_000)).collect();
        assert_eq!(order, ["dlv_a_2", "dlv_a_0", "dlv_a_3", "dlv_a_1"]);
    }

    #[test]
    fn an_endpoint_is_not_asked_for_again_while_all_memory_is_full() {
        let mut queues = Queues::default();
        let endpoint = |n: usize| -> Arc<str> { format!("e{n}").into() };
        for n in 0..super::super::JOBS_MAX {
            queues.reserve(&endpoint(n), 2, Source::Door);
        }
        assert_eq!(queues.load.free().jobs, 0);
        assert!(!queues.reserve(&endpoint(0), 2, Source::Door) && !queues.reserve(&"new".into(), 2, Source::Database));
        assert!(!queues.wants_more(), "nothing would fit");
        queues.give_back("e1", 2);
        assert!(queues.wants_more() && !queues.wants_more(), "once something has ended");
    }
}
