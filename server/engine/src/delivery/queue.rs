//! The leased deliveries of one endpoint, and which of them is sent next.
//!
//! Deliveries accepted before the endpoint was last resumed queue beside those accepted since and alternate with them, at
//! a rate of their own if one was chosen: a call that comes in now does not wait behind everything that was held.

use std::collections::VecDeque;

use domain::{
    UnixMs,
    retry::{RetryPolicy, is_late},
};

use super::{
    concurrency::ConcurrencyLimiter,
    hosts::HostKey,
    leased::LeasedDelivery,
    memory_budget::{Load, UNKNOWN_BYTES},
};

/// How an endpoint wants to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeliverySettings {
    /// Most events per second.
    pub rate_per_s: Option<u32>,
    /// When it was last resumed, or created: deliveries accepted earlier were held.
    pub resumed: UnixMs,
    /// Most held events per second.
    pub drain_per_s: Option<u32>,
    /// Whether call events are sent however late.
    pub deliver_late: bool,
    /// Until when its server requested a pause, at the latest.
    pub throttled_until: Option<UnixMs>,
    /// Where it is.
    pub host: HostKey,
}

/// What intake knows of an endpoint: everything but when it was resumed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IntakeSettings {
    /// As in [`DeliverySettings`].
    pub rate_per_s: Option<u32>,
    /// As in [`DeliverySettings`].
    pub deliver_late: bool,
    /// As in [`DeliverySettings`].
    pub throttled_until: Option<UnixMs>,
    /// As in [`DeliverySettings`].
    pub host: HostKey,
}

/// What to do with the delivery whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Attempt it: it counts towards the concurrency and the rate of its endpoint.
    Attempt(LeasedDelivery),
    /// It is too late for its kind: end it without an attempt.
    Expire(LeasedDelivery),
}

impl Turn {
    /// The delivery.
    pub(crate) const fn delivery(&self) -> &LeasedDelivery {
        match self {
            Self::Attempt(delivery) | Self::Expire(delivery) => delivery,
        }
    }
}

/// Whether and when an endpoint is served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum QueueState {
    /// It has no work, or no capacity for another attempt.
    #[default]
    Idle,
    /// It is waiting for its turn.
    Ready,
    /// It waits until then: for its rate limit, or because its server requested a pause.
    Throttled(UnixMs),
}

/// The queue of one endpoint.
#[derive(Debug, Default)]
pub(super) struct EndpointQueue {
    first_attempts: VecDeque<LeasedDelivery>,
    held: VecDeque<LeasedDelivery>,
    retries: VecDeque<LeasedDelivery>,
    /// Whether a held delivery is next.
    held_next: bool,
    settings: Option<DeliverySettings>,
    /// Where it is, once that is known.
    pub host: Option<HostKey>,
    /// Limits attempts at the same time and per second.
    pub limiter: ConcurrencyLimiter,
    /// Whether and when it is served.
    pub state: QueueState,
    /// Whether the database holds more deliveries than fitted.
    pub overflowed: bool,
    /// What it has in memory.
    pub load: Load,
    typical_bytes: Option<usize>,
}

impl EndpointQueue {
    /// Sets how the endpoint is served.
    pub(super) fn set_settings(&mut self, settings: DeliverySettings, now: UnixMs) {
        if let Some(until) = settings.throttled_until {
            self.limiter.learn_throttle(until, now);
        }
        self.limiter.rate.set(settings.rate_per_s);
        self.limiter.drain.set(settings.drain_per_s);
        self.settings = Some(settings);
    }

    /// Sets what is known without reading when the endpoint was resumed.
    pub(super) fn update_settings(&mut self, known: IntakeSettings, now: UnixMs) {
        let IntakeSettings { rate_per_s, deliver_late, throttled_until, host } = known;
        let (resumed, drain_per_s) =
            self.settings.map_or((UnixMs(0), None), |known| (known.resumed, known.drain_per_s));
        self.set_settings(
            DeliverySettings { rate_per_s, resumed, drain_per_s, deliver_late, throttled_until, host },
            now,
        );
    }

    /// Appends a delivery.
    pub(super) fn push(&mut self, delivery: LeasedDelivery) {
        let is_retry = delivery.attempts > delivery.attempts_before;
        let held = |settings: DeliverySettings| {
            delivery.fresh_from < settings.resumed && (settings.drain_per_s.is_some() || !is_retry)
        };
        if self.settings.is_some_and(held) {
            self.held.push_back(delivery);
        } else if is_retry {
            self.retries.push_back(delivery);
        } else {
            self.first_attempts.push_back(delivery);
        }
    }

    /// Takes the next delivery. An expired one uses neither concurrency nor rate.
    pub(super) fn take(&mut self, unrecorded_max: usize, now: UnixMs) -> Option<Turn> {
        let settings = self.settings;
        for queue in [&mut self.first_attempts, &mut self.held, &mut self.retries] {
            if let Some(delivery) = queue.pop_front_if(|delivery| has_expired(settings, delivery, now)) {
                return Some(Turn::Expire(delivery));
            }
        }
        if !self.limiter.has_capacity(unrecorded_max) || self.limiter.is_throttled(now) {
            return None;
        }
        let may_drain = !self.held.is_empty() && self.limiter.drain.not_before() <= now;
        let delivery = if may_drain && (self.held_next || self.first_attempts.is_empty()) {
            self.held_next = false;
            self.limiter.drain.used(now);
            self.held.pop_front()
        } else {
            self.held_next = true;
            self.first_attempts.pop_front().or_else(|| self.retries.pop_front())
        };
        delivery.map(|delivery| {
            self.limiter.started(now);
            Turn::Attempt(delivery)
        })
    }

    /// When the rate limits and the server allow the next attempt; none when there is nothing to do.
    pub(super) fn ready_at(&self) -> Option<UnixMs> {
        let not_before = self.limiter.not_before();
        match (self.first_attempts.is_empty() && self.retries.is_empty(), self.held.is_empty()) {
            (true, true) => None,
            (true, false) => Some(not_before.max(self.limiter.drain.not_before())),
            (false, _) => Some(not_before),
        }
    }

    /// Removes everything. The settings are unknown afterwards.
    pub(super) fn drain(&mut self) -> Vec<LeasedDelivery> {
        (self.settings, self.overflowed) = (None, false);
        self.first_attempts.drain(..).chain(self.held.drain(..)).chain(self.retries.drain(..)).collect()
    }

    /// About how many bytes one of its payloads has.
    pub(super) fn typical_bytes(&self) -> usize {
        self.typical_bytes.unwrap_or(UNKNOWN_BYTES)
    }

    /// Averages in the size of one more payload.
    pub(super) fn observe_size(&mut self, bytes: usize) {
        self.typical_bytes = Some(self.typical_bytes.map_or(bytes, |typical| (typical * 7 + bytes) / 8));
    }
}

/// With unknown settings nothing expires here: the attempt reads them.
fn has_expired(settings: Option<DeliverySettings>, delivery: &LeasedDelivery, now: UnixMs) -> bool {
    settings.is_some_and(|settings| {
        is_late(RetryPolicy::of(delivery.kind, settings.deliver_late), delivery.fresh_from, now)
    })
}
