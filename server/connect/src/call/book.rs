//! The open calls, found by key and by channel, and the keys of calls that ended.

use std::collections::{BTreeSet, HashMap};

use super::{open::OpenCall, recent::Recent};

/// Calls that ended most recently are remembered, so that a record or a repeated report does not open them again.
pub const FINISHED_MAX: usize = 5_000;

/// All open calls.
#[derive(Debug, Default)]
pub(super) struct Book {
    open: HashMap<String, OpenCall>,
    by_channel: HashMap<String, Vec<String>>,
    finished: Recent,
    /// Keys of the calls that changed since they were last saved.
    touched: BTreeSet<String>,
}

impl Book {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn get(&self, key: &str) -> Option<&OpenCall> {
        self.open.get(key)
    }

    /// The call, to be changed.
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut OpenCall> {
        let call = self.open.get_mut(key)?;
        if !self.touched.contains(key) {
            self.touched.insert(key.to_owned());
        }
        Some(call)
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = &OpenCall> {
        self.open.values()
    }

    /// IDs of all channels that a call needs.
    pub(super) fn channels(&self) -> impl Iterator<Item = &String> {
        self.by_channel.keys()
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.open.keys().cloned().collect()
    }

    pub(super) fn insert(&mut self, call: OpenCall) {
        for channel_id in call.channels() {
            index(&mut self.by_channel, channel_id, &call.key);
        }
        self.touched.insert(call.key.clone());
        self.open.insert(call.key.clone(), call);
    }

    /// Finds the call by this channel from now on.
    pub(super) fn involve(&mut self, key: &str, channel_id: &str) {
        index(&mut self.by_channel, channel_id, key);
    }

    /// Removes a call. `finish` remembers it, too.
    pub(super) fn remove(&mut self, key: &str) -> Option<OpenCall> {
        let call = self.open.remove(key)?;
        for channel_id in call.channels() {
            unindex(&mut self.by_channel, channel_id, key);
        }
        self.touched.insert(key.to_owned());
        Some(call)
    }

    /// Removes a call that ended, and remembers its key.
    pub(super) fn finish(&mut self, key: &str) -> Option<OpenCall> {
        let call = self.remove(key)?;
        self.remember(key.to_owned());
        Some(call)
    }

    pub(super) fn remember(&mut self, key: String) {
        self.finished.insert(key, FINISHED_MAX);
    }

    /// Whether this call is open or has ended: it must not begin again.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.open.contains_key(key) || self.finished.contains(key)
    }

    /// Keys of the calls that a channel takes part in.
    pub(super) fn of_channel(&self, channel_id: &str) -> &[String] {
        self.by_channel.get(channel_id).map_or(&[], Vec::as_slice)
    }

    /// Forgets a channel that ended.
    pub(super) fn release(&mut self, channel_id: &str) {
        for key in self.by_channel.remove(channel_id).unwrap_or_default() {
            if let Some(call) = self.get_mut(&key) {
                call.release(channel_id);
            }
        }
    }

    /// The calls that changed since the last time; `None` if one has ended.
    pub(super) fn take_touched(&mut self) -> Vec<(String, Option<&OpenCall>)> {
        let touched = std::mem::take(&mut self.touched);
        let with_call = |key: String| {
            let call = self.open.get(&key);
            (key, call)
        };
        touched.into_iter().map(with_call).collect()
    }

    /// Limits what is remembered for a caller who never saves.
    pub(super) fn bound(&mut self) {
        if self.touched.len() > self.open.len() + FINISHED_MAX {
            self.touched.retain(|key| self.open.contains_key(key));
        }
    }

    pub(super) fn finished(&self) -> impl Iterator<Item = &String> {
        self.finished.iter()
    }

    /// How many entries there are in all, for tests of bounded memory.
    pub(super) fn entries(&self) -> usize {
        self.open.len() + self.by_channel.len() + self.finished.len() + self.touched.len()
    }
}

fn index(by_channel: &mut HashMap<String, Vec<String>>, channel_id: &str, key: &str) {
    let keys = by_channel.entry(channel_id.to_owned()).or_default();
    if !keys.iter().any(|known| known == key) {
        keys.push(key.to_owned());
    }
}

fn unindex(by_channel: &mut HashMap<String, Vec<String>>, channel_id: &str, key: &str) {
    if let Some(keys) = by_channel.get_mut(channel_id) {
        keys.retain(|known| known != key);
        if keys.is_empty() {
            by_channel.remove(channel_id);
        }
    }
}
