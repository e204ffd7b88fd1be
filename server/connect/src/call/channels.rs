//! The channels that exist, found by ID, by name and by group.

use std::collections::HashMap;

use super::{
    id_set::IdSet,
    input::{ChannelState, Facts},
    kind::{self, Kind},
    number,
    recent::Recent,
    settings::Settings,
};

/// Channels that ended most recently: their last events may follow their end, and must not bring them back.
const ENDED_MAX: usize = 5_000;
/// Most channels that are held; more than any phone system carries. Beyond it, new ones are not recorded.
const CHANNELS_MAX: usize = 200_000;

/// A channel.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub name: String,
    pub kind: Kind,
    pub endpoint: String,
    /// ID of its group.
    pub linked_id: String,
    /// The bridge it is in.
    pub bridge: Option<String>,
    /// When it entered the bridge, as a count of such events.
    pub joined: u64,
    /// The number that was dialled to reach it, if it leads outside.
    pub dialled: Option<String>,
    /// When an event last mentioned it, as a count of events.
    pub seen: u64,
    /// The dialplan's context.
    pub context: String,
    /// Whether its far end called this phone system.
    pub is_inbound: bool,
}

/// All channels.
#[derive(Debug, Default)]
pub(super) struct Channels {
    by_id: HashMap<String, Channel>,
    /// Halves of Local channels only: no other is searched by name.
    local_by_name: HashMap<String, String>,
    by_group: HashMap<String, IdSet>,
    ended: Recent,
}

impl Channels {
    pub(super) fn get(&self, id: &str) -> Option<&Channel> {
        self.by_id.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.by_id.get_mut(id)
    }

    /// How many entries there are in all, for tests of bounded memory.
    pub(super) fn entries(&self) -> usize {
        self.by_id.len() + self.local_by_name.len() + self.by_group.len() + self.ended.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Channel)> {
        self.by_id.iter()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &String> {
        self.by_id.keys()
    }

    /// Whether this channel ended a short while ago.
    pub(super) fn has_ended(&self, id: &str) -> bool {
        self.ended.contains(id)
    }

    /// Updates a channel from what an event states, and records it if it is new. Names and groups change without an
    /// event of their own. Returns whether the channel exists.
    pub(super) fn refresh(&mut self, facts: &Facts, settings: &Settings, seen: u64) -> bool {
        if facts.id.is_empty() || self.ended.contains(&facts.id) {
            return false;
        }
        if !self.by_id.contains_key(&facts.id) {
            if self.by_id.len() >= CHANNELS_MAX {
                return false;
            }
            self.insert(facts, settings);
        }
        if self.by_id.get(&facts.id).is_some_and(|known| known.name != facts.name && !facts.name.is_empty()) {
            self.rename(&facts.id, &facts.name, settings);
        }
        self.regroup(&facts.id, &facts.linked_id);
        if let Some(channel) = self.by_id.get_mut(&facts.id) {
            channel.seen = seen;
            if channel.context != facts.context {
                channel.context = number::clean(&facts.context);
            }
        }
        true
    }

    fn insert(&mut self, facts: &Facts, settings: &Settings) {
        let (kind, endpoint) = settings.kind(&facts.name);
        let linked_id = if facts.linked_id.is_empty() { &facts.id } else { &facts.linked_id }.clone();
        self.by_group.entry(linked_id.clone()).or_default().insert(&facts.id);
        self.index_name(&facts.id, &facts.name);
        // An unknown channel that is up: the oldest of its group called us.
        let is_inbound =
            facts.state == ChannelState::Ring || (facts.state == ChannelState::Up && linked_id == facts.id);
        let name = facts.name.clone();
        let (bridge, joined, dialled, seen, context) = (None, 0, None, 0, String::new());
        let channel = Channel { name, kind, endpoint, linked_id, bridge, joined, dialled, seen, context, is_inbound };
        self.by_id.insert(facts.id.clone(), channel);
    }

    fn index_name(&mut self, id: &str, name: &str) {
        if kind::other_half(name).is_some() {
            self.local_by_name.insert(name.to_owned(), id.to_owned());
        }
    }

    fn unindex_name(&mut self, id: &str, name: &str) {
        if self.local_by_name.get(name).is_some_and(|holder| holder == id) {
            self.local_by_name.remove(name);
        }
    }

    /// Gives a channel another name, and with it perhaps another kind.
    pub(super) fn rename(&mut self, id: &str, name: &str, settings: &Settings) {
        let Some(channel) = self.by_id.get_mut(id) else { return };
        (channel.kind, channel.endpoint) = settings.kind(name);
        let before = std::mem::replace(&mut channel.name, name.to_owned());
        self.unindex_name(id, &before);
        self.index_name(id, name);
    }

    fn regroup(&mut self, id: &str, linked_id: &str) {
        let Some(channel) = self.by_id.get_mut(id) else { return };
        if linked_id.is_empty() || channel.linked_id == linked_id {
            return;
        }
        let before = std::mem::replace(&mut channel.linked_id, linked_id.to_owned());
        self.leave_group(id, &before);
        self.by_group.entry(linked_id.to_owned()).or_default().insert(id);
    }

    fn leave_group(&mut self, id: &str, linked_id: &str) {
        if let Some(members) = self.by_group.get_mut(linked_id) {
            members.remove(id);
            if members.is_empty() {
                self.by_group.remove(linked_id);
            }
        }
    }

    /// Forgets a channel that ended.
    pub(super) fn remove(&mut self, id: &str) -> Option<Channel> {
        self.ended.insert(id.to_owned(), ENDED_MAX);
        let channel = self.by_id.remove(id)?;
        self.unindex_name(id, &channel.name);
        self.leave_group(id, &channel.linked_id);
        Some(channel)
    }

    /// The channels of a group, by ID.
    pub(super) fn group(&self, linked_id: &str) -> impl Iterator<Item = (&String, &Channel)> {
        let members = self.by_group.get(linked_id).into_iter().flatten();
        members.filter_map(|id| self.by_id.get(id).map(|channel| (id, channel)))
    }

    /// The other half of a Local channel.
    pub(super) fn other_half(&self, channel: &Channel) -> Option<&String> {
        kind::other_half(&channel.name).and_then(|name| self.local_by_name.get(&name))
    }
}

/// Orders channel IDs by age: `9` before `10` after the last dot.
pub(super) fn age(id: &str) -> (usize, &str) {
    let number = id.rsplit('.').next().unwrap_or_default();
    (number.len(), number)
}
