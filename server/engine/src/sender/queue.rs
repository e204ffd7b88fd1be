//! What one endpoint has in hand, and which of it goes out next.
//!
//! What was accepted before the endpoint was last resumed stands beside what came since and takes turns with it, at a
//! rate of its own if one was chosen: a call that comes in now does not wait behind all that was held.

use std::collections::VecDeque;

use domain::{
    UnixMs,
    retry::{Rhythm, is_late},
};

use super::{
    lane::Job,
    pace::Pace,
    room::{Load, UNKNOWN_BYTES},
};

/// What an endpoint asks of how it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Most events per second.
    pub rate_per_s: Option<u32>,
    /// When it was last resumed, or made: what was accepted before was held.
    pub resumed: UnixMs,
    /// Most held events per second.
    pub drain_per_s: Option<u32>,
    /// Whether calls are sent however late.
    pub deliver_late: bool,
}

/// What is to be done with a delivery whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It is tried, and uses a place and the rate of its endpoint.
    Try(Job),
    /// It is too late for its kind, and ends without an attempt.
    Late(Job),
}

impl Turn {
    /// The delivery.
    pub const fn job(&self) -> &Job {
        match self {
            Self::Try(job) | Self::Late(job) => job,
        }
    }
}

/// Where an endpoint stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stand {
    /// It has nothing to do, or no place for another attempt.
    #[default]
    Nowhere,
    /// In the ring.
    InRing,
    /// It waits for a rate until then.
    Resting(UnixMs),
}

/// The queue of one endpoint.
#[derive(Debug, Default)]
pub struct EndpointQueue {
    first: VecDeque<Job>,
    held: VecDeque<Job>,
    retries: VecDeque<Job>,
    /// Whether it is the turn of those that were held.
    turn_of_held: bool,
    terms: Option<Terms>,
    /// How many attempts it gets.
    pub pace: Pace,
    /// Where it stands.
    pub stand: Stand,
    /// Whether the database holds more that did not fit.
    pub more: bool,
    /// What it has in memory.
    pub load: Load,
    typical_bytes: Option<usize>,
}

impl EndpointQueue {
    /// Sets what the endpoint asks for.
    pub fn set_terms(&mut self, terms: Terms) {
        self.pace.rate.set(terms.rate_per_s);
        self.pace.drain.set(terms.drain_per_s);
        self.terms = Some(terms);
    }

    /// Sets what is known without asking when it was resumed.
    pub fn learn(&mut self, rate_per_s: Option<u32>, deliver_late: bool) {
        let known = self.terms.unwrap_or(Terms { rate_per_s, resumed: UnixMs(0), drain_per_s: None, deliver_late });
        self.set_terms(Terms { rate_per_s, deliver_late, ..known });
    }

    /// Appends a delivery.
    pub fn push(&mut self, job: Job) {
        let is_retry = job.attempts > job.attempts_before;
        let held = |terms: Terms| job.fresh_from < terms.resumed && (terms.drain_per_s.is_some() || !is_retry);
        if self.terms.is_some_and(held) {
            self.held.push_back(job);
        } else if is_retry {
            self.retries.push_back(job);
        } else {
            self.first.push_back(job);
        }
    }

    /// Takes what is next. What is too late costs neither a place nor the rate.
    pub fn take(&mut self, now: UnixMs) -> Option<Turn> {
        let terms = self.terms;
        for queue in [&mut self.first, &mut self.held, &mut self.retries] {
            if let Some(job) = queue.pop_front_if(|job| is_too_late(terms, job, now)) {
                return Some(Turn::Late(job));
            }
        }
        if !self.pace.has_room() {
            return None;
        }
        let drains = !self.held.is_empty() && self.pace.drain.not_before() <= now;
        let job = if drains && (self.turn_of_held || self.first.is_empty()) {
            self.turn_of_held = false;
            self.pace.drain.used(now);
            self.held.pop_front()
        } else {
            self.turn_of_held = true;
            self.first.pop_front().or_else(|| self.retries.pop_front())
        };
        job.map(|job| {
            self.pace.started(now);
            Turn::Try(job)
        })
    }

    /// When the rates let the next one start; none when there is nothing to do.
    pub fn ready_at(&self) -> Option<UnixMs> {
        let rested = self.pace.rate.not_before();
        match (self.first.is_empty() && self.retries.is_empty(), self.held.is_empty()) {
            (true, true) => None,
            (true, false) => Some(rested.max(self.pace.drain.not_before())),
            (false, _) => Some(rested),
        }
    }

    /// Takes everything out. What the endpoint asks for has to be learnt again.
    pub fn empty(&mut self) -> Vec<Job> {
        (self.terms, self.more) = (None, false);
        self.first.drain(..).chain(self.held.drain(..)).chain(self.retries.drain(..)).collect()
    }

    /// About how many bytes one of its payloads has.
    pub fn typical_bytes(&self) -> usize {
        self.typical_bytes.unwrap_or(UNKNOWN_BYTES)
    }

    /// Learns from the size of one more.
    pub fn saw(&mut self, bytes: usize) {
        self.typical_bytes = Some(self.typical_bytes.map_or(bytes, |typical| (typical * 7 + bytes) / 8));
    }
}

/// Unknown terms say nothing: the attempt will look.
fn is_too_late(terms: Option<Terms>, job: &Job, now: UnixMs) -> bool {
    terms.is_some_and(|terms| is_late(Rhythm::of(job.kind, terms.deliver_late), job.fresh_from, now))
}
