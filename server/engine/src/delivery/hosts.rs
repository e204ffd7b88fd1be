//! Whose turn it is. Hosts take turns, and at each turn the next endpoint of the host that has work and free concurrency.
//!
//! However many endpoints an account has at a host, together they get a limited number of attempts at once. A host that is at
//! its limit has no turn until one of them ends, so nothing looks for work in vain and no other host waits.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use domain::target::TargetUrl;

/// Most attempts at once that the endpoints of an account at one host get together, on each node.
pub(crate) const HOST_AT_ONCE_MAX: usize = 128;

/// A host of an account's endpoints, by its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct HostKey(u64);

impl HostKey {
    /// The host of this account's endpoint.
    pub(crate) fn of(account: &str, url: &str) -> Self {
        let mut digest = DefaultHasher::new();
        (account, TargetUrl::stored(url.to_owned()).canonical_host()).hash(&mut digest);
        Self(digest.finish())
    }
}

#[derive(Debug, Default)]
struct Host {
    /// Endpoints that have work and free concurrency, in the order they are served.
    ready: VecDeque<Arc<str>>,
    in_flight: usize,
    /// Whether it is waiting for its turn.
    has_turn: bool,
}

/// The hosts that have work. Endpoints whose host is not known yet have no limit in common.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    hosts: HashMap<Option<HostKey>, Host>,
    turns: VecDeque<Option<HostKey>>,
}

impl Hosts {
    /// An endpoint has work and free concurrency.
    pub(super) fn ready(&mut self, host: Option<HostKey>, endpoint: Arc<str>) {
        self.hosts.entry(host).or_default().ready.push_back(endpoint);
        self.give_turn(host);
    }

    /// Takes the endpoint whose turn it is. What became of the turn is reported by [`Self::served`].
    pub(super) fn next(&mut self) -> Option<(Option<HostKey>, Arc<str>)> {
        while let Some(key) = self.turns.pop_front() {
            let Some(host) = self.hosts.get_mut(&key) else { continue };
            host.has_turn = false;
            if let Some(endpoint) = host.ready.pop_front() {
                return Some((key, endpoint));
            }
            self.forget_if_idle(key);
        }
        None
    }

    /// A turn is over; `attempts` tells whether an attempt has begun.
    pub(super) fn served(&mut self, key: Option<HostKey>, attempts: bool) {
        if let Some(host) = self.hosts.get_mut(&key) {
            host.in_flight += usize::from(attempts);
        }
        self.give_turn(key);
        self.forget_if_idle(key);
    }

    /// An attempt has ended.
    pub(super) fn ended(&mut self, key: Option<HostKey>) {
        if let Some(host) = self.hosts.get_mut(&key) {
            host.in_flight = host.in_flight.saturating_sub(1);
        }
        self.give_turn(key);
        self.forget_if_idle(key);
    }

    /// An endpoint that is ready has moved from one host to another.
    pub(super) fn moved(&mut self, from: Option<HostKey>, to: Option<HostKey>, endpoint: &Arc<str>) {
        if let Some(host) = self.hosts.get_mut(&from) {
            host.ready.retain(|ready| ready != endpoint);
        }
        self.ready(to, endpoint.clone());
    }

    fn give_turn(&mut self, key: Option<HostKey>) {
        let Some(host) = self.hosts.get_mut(&key) else { return };
        let has_capacity = key.is_none() || host.in_flight < HOST_AT_ONCE_MAX;
        if !host.has_turn && has_capacity && !host.ready.is_empty() {
            host.has_turn = true;
            self.turns.push_back(key);
        }
    }

    fn forget_if_idle(&mut self, key: Option<HostKey>) {
        if self.hosts.get(&key).is_some_and(|host| host.in_flight == 0 && !host.has_turn && host.ready.is_empty()) {
            self.hosts.remove(&key);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.turns.is_empty()
    }
}
