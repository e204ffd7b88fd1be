//! What this node has in hand: a queue per endpoint, served round-robin, first tries before retries.
//!
//! The order within a call needs no lanes here: the store makes a delivery due only when the one before it in its
//! call has ended, so at most one of each call and endpoint is ever in hand.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use domain::{UnixMs, event::EventKind, rotation::Credential};

use super::{IN_FLIGHT_MAX, JOBS_MAX, JOBS_MAX_BYTES, JOBS_PER_ENDPOINT_MAX, pace::Pace};

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
    /// The payload as it goes out; none once it is past retention.
    pub payload: Option<Arc<str>>,
}

impl Job {
    fn bytes(&self) -> usize {
        self.payload.as_ref().map_or(0, |payload| payload.len())
    }
}

#[derive(Debug, Default)]
struct EndpointQueue {
    first: VecDeque<Job>,
    retries: VecDeque<Job>,
    pace: Pace,
    /// Whether it stands in the ring or waits for its rate limit.
    placed: bool,
    /// Whether the database holds more that did not fit.
    more: bool,
}

impl EndpointQueue {
    fn len(&self) -> usize {
        self.first.len() + self.retries.len()
    }
}

/// All queues.
#[derive(Debug, Default)]
pub struct Queues {
    endpoints: HashMap<Arc<str>, EndpointQueue>,
    /// Endpoints that have work and room, in the order they are served.
    ring: VecDeque<Arc<str>>,
    /// Endpoints that have work and wait for their rate limit.
    resting: BTreeMap<(UnixMs, Arc<str>), ()>,
    /// The latest moment that was seen: an earlier one means that the clock has been set back.
    latest: Option<UnixMs>,
    sending: HashSet<String>,
    jobs: usize,
    bytes: usize,
}

impl Queues {
    /// How many more deliveries of this endpoint fit.
    pub fn room(&self, endpoint: &str) -> usize {
        if self.bytes >= JOBS_MAX_BYTES {
            return 0;
        }
        let has = self.endpoints.get(endpoint).map_or(0, EndpointQueue::len);
        JOBS_PER_ENDPOINT_MAX.saturating_sub(has).min(JOBS_MAX.saturating_sub(self.jobs))
    }

    /// Whether `n` more deliveries fit, whosever they are.
    pub const fn has_room_for(&self, n: usize) -> bool {
        self.jobs + n <= JOBS_MAX && self.bytes < JOBS_MAX_BYTES
    }

    /// Remembers that the database holds more for this endpoint than fitted.
    pub fn overflowed(&mut self, endpoint: &str) {
        self.endpoints.entry(endpoint.into()).or_default().more = true;
    }

    /// Whether an endpoint whose work did not fit has room again. Asking takes the wish back.
    pub fn wants_more(&mut self) -> bool {
        let mut wants = false;
        for queue in self.endpoints.values_mut().filter(|queue| queue.more && queue.len() < JOBS_PER_ENDPOINT_MAX / 2) {
            queue.more = false;
            wants = true;
        }
        wants
    }

    /// Puts a delivery in hand.
    pub fn push(&mut self, job: Job) {
        self.jobs += 1;
        self.bytes += job.bytes();
        let endpoint = job.endpoint_id.clone();
        let queue = self.endpoints.entry(endpoint.clone()).or_default();
        if job.attempts > job.attempts_before {
            queue.retries.push_back(job)
        } else {
            queue.first.push_back(job)
        }
        self.place(&endpoint, UnixMs(i64::MIN));
    }

    /// Puts an endpoint where it belongs: into the ring, among the resting, or nowhere.
    fn place(&mut self, endpoint: &Arc<str>, now: UnixMs) {
        let Some(queue) = self.endpoints.get_mut(endpoint) else { return };
        if queue.placed || queue.len() == 0 || !queue.pace.has_room() {
            return;
        }
        queue.placed = true;
        let not_before = queue.pace.not_before();
        if not_before > now && not_before.0 > 0 {
            self.resting.insert((not_before, endpoint.clone()), ());
        } else {
            self.ring.push_back(endpoint.clone());
        }
    }

    /// Takes the next delivery to try, from the endpoint whose turn it is.
    pub fn next(&mut self, now: UnixMs) -> Option<Job> {
        self.see(now);
        while let Some(rested) = self.resting.first_entry().filter(|entry| entry.key().0 <= now) {
            self.ring.push_back(rested.remove_entry().0.1);
        }
        if self.sending.len() >= IN_FLIGHT_MAX {
            return None;
        }
        while let Some(endpoint) = self.ring.pop_front() {
            let Some(queue) = self.endpoints.get_mut(&endpoint) else { continue };
            queue.placed = false;
            // An endpoint that was dropped may stand in the ring without work.
            let Some(job) = queue.first.pop_front().or_else(|| queue.retries.pop_front()) else { continue };
            queue.pace.started(now);
            self.sending.insert(job.id.clone());
            self.place(&endpoint, now);
            return Some(job);
        }
        None
    }

    /// Notices a clock that was set back: whoever rests until a time of the old clock would rest far too long.
    fn see(&mut self, now: UnixMs) {
        if self.latest.is_some_and(|latest| latest.since_ms(now) > CLOCK_STEP_MS) {
            self.endpoints.values_mut().for_each(|queue| queue.pace.set_back(now));
            self.ring.extend(std::mem::take(&mut self.resting).into_keys().map(|(_, endpoint)| endpoint));
            self.latest = None;
        }
        self.latest = self.latest.max(Some(now));
    }

    /// When an endpoint that rests for its rate limit may go on.
    pub fn rested_at(&self) -> Option<UnixMs> {
        self.resting.first_key_value().map(|((at, _), ())| *at)
    }

    /// An attempt has ended and its outcome is recorded.
    pub fn finished(&mut self, job: &Job, ok: Option<bool>, now: UnixMs) {
        self.sending.remove(&job.id);
        self.jobs = self.jobs.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(job.bytes());
        if let Some(queue) = self.endpoints.get_mut(&job.endpoint_id) {
            queue.pace.ended(ok);
        }
        self.place(&job.endpoint_id, now);
        self.forget_if_idle(&job.endpoint_id);
    }

    /// Memory is for endpoints that have work; a healthy idle one starts again at the usual pace.
    fn forget_if_idle(&mut self, endpoint: &Arc<str>) {
        /// Paces of idle endpoints that are remembered.
        const IDLE_KEPT: usize = 4_096;
        let idle = |queue: &EndpointQueue| queue.len() == 0 && queue.pace.in_flight() == 0 && !queue.more;
        if self.endpoints.len() > IDLE_KEPT && self.endpoints.get(endpoint).is_some_and(idle) {
            self.endpoints.remove(endpoint);
        }
    }

    /// Sets an endpoint's own rate limit.
    pub fn set_rate(&mut self, endpoint: &Arc<str>, rate_per_s: Option<u32>) {
        self.endpoints.entry(endpoint.clone()).or_default().pace.set_rate(rate_per_s);
    }

    /// Sets an endpoint's own rate limit where none is in force: one that drains keeps its pace.
    pub fn learn_rate(&mut self, endpoint: &str, rate_per_s: Option<u32>) {
        if rate_per_s.is_some() {
            self.endpoints.entry(endpoint.into()).or_default().pace.learn_rate(rate_per_s);
        }
    }

    /// Takes everything of an endpoint out that is not in flight.
    pub fn drop_endpoint(&mut self, endpoint: &str) -> Vec<Job> {
        let Some(queue) = self.endpoints.get_mut(endpoint) else { return Vec::new() };
        queue.more = false;
        let dropped: Vec<Job> = queue.first.drain(..).chain(queue.retries.drain(..)).collect();
        self.jobs = self.jobs.saturating_sub(dropped.len());
        self.bytes = self.bytes.saturating_sub(dropped.iter().map(Job::bytes).sum());
        dropped
    }

    /// Attempts in flight.
    pub fn in_flight(&self) -> usize {
        self.sending.len()
    }

    /// The ids of everything in memory, in flight or not.
    pub fn ids(&self) -> HashSet<String> {
        let queued = self.endpoints.values().flat_map(|queue| queue.first.iter().chain(&queue.retries));
        queued.map(|job| job.id.clone()).chain(self.sending.iter().cloned()).collect()
    }

    /// Whether this delivery is in flight.
    pub fn is_sending(&self, delivery: &str) -> bool {
        self.sending.contains(delivery)
    }

    /// Deliveries in memory, those in flight included.
    pub const fn len(&self) -> usize {
        self.jobs
    }

    /// Whether nothing is in memory.
    pub const fn is_empty(&self) -> bool {
        self.jobs == 0
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

    #[test]
    fn endpoints_take_turns_and_first_tries_go_before_retries() {
        let mut queues = Queues::default();
        queues.push(job("a", 1, 1));
        (2..4).for_each(|n| queues.push(job("a", n, 0)));
        queues.push(job("b", 1, 0));
        let order: Vec<String> = std::iter::from_fn(|| queues.next(UnixMs(1))).map(|job| job.id).collect();
        assert_eq!(order, ["dlv_a_2", "dlv_b_1", "dlv_a_3", "dlv_a_1"]);
    }

    #[test]
    fn one_endpoint_never_takes_more_than_its_pace_and_goes_on_when_one_ends() {
        let mut queues = Queues::default();
        (0..100).for_each(|n| queues.push(job("slow", n, 0)));
        let started: Vec<Job> = std::iter::from_fn(|| queues.next(UnixMs(1))).collect();
        assert_eq!(started.len(), super::super::pace::AT_ONCE_START);
        queues.push(job("quick", 1, 0));
        assert_eq!(queues.next(UnixMs(1)).map(|job| job.id).as_deref(), Some("dlv_quick_1"));
        queues.finished(&started[0], Some(true), UnixMs(1));
        assert!(queues.next(UnixMs(1)).is_some() && queues.next(UnixMs(1)).is_some());
        assert!(queues.next(UnixMs(1)).is_none(), "a success gives one place back and one more");
    }

    #[test]
    fn a_rate_limited_endpoint_rests_and_the_others_go_on() {
        let mut queues = Queues::default();
        queues.set_rate(&"limited".into(), Some(2));
        (0..2).for_each(|n| queues.push(job("limited", n, 0)));
        queues.push(job("free", 1, 0));
        let order: Vec<String> = std::iter::from_fn(|| queues.next(UnixMs(1_000))).map(|job| job.id).collect();
        assert_eq!(order, ["dlv_limited_0", "dlv_free_1"]);
        assert_eq!(queues.rested_at(), Some(UnixMs(1_500)));
        assert!(queues.next(UnixMs(1_499)).is_none());
        assert!(queues.next(UnixMs(1_500)).is_some());
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_resting() {
        let (mut queues, before) = (Queues::default(), 3_600_000);
        queues.set_rate(&"limited".into(), Some(2));
        (0..3).for_each(|n| queues.push(job("limited", n, 0)));
        assert!(queues.next(UnixMs(before)).is_some() && queues.next(UnixMs(before)).is_none());
        assert!(queues.next(UnixMs(before - 900)).is_none(), "a little is within the wait");
        assert!(queues.next(UnixMs(1_000)).is_some(), "an hour back: it goes on at once");
        assert!(queues.next(UnixMs(1_400)).is_none(), "and keeps its rate by the new clock");
        assert!(queues.next(UnixMs(1_500)).is_some());
    }

    #[test]
    fn memory_is_bounded_and_dropping_an_endpoint_gives_it_back() {
        let mut queues = Queues::default();
        (0..JOBS_PER_ENDPOINT_MAX).for_each(|n| queues.push(job("full", n, 0)));
        queues.overflowed("full");
        assert_eq!((queues.room("full"), queues.room("other")), (0, JOBS_PER_ENDPOINT_MAX));
        assert!(!queues.wants_more());
        assert_eq!(queues.drop_endpoint("full").len(), JOBS_PER_ENDPOINT_MAX);
        assert!(queues.is_empty());
        assert!(queues.next(UnixMs(1)).is_none());
        queues.push(job("full", 1, 0));
        assert!(queues.next(UnixMs(1)).is_some(), "a dropped endpoint comes back");
    }
}
