//! Bridges, and the talk in them.

use std::collections::{BTreeMap, BTreeSet};

use domain::time::UnixMs;

use super::{
    Calls, channels,
    input::{Bridge, BridgeKind, Facts},
    kind::Kind,
    open::OpenCall,
    reach::{Reached, reach},
    talk::With,
};
use crate::event::{CallType, Party};

impl Calls {
    pub(super) fn bridge_entered(&mut self, at: UnixMs, facts: &Facts, bridge: &Bridge) {
        if bridge.id.is_empty() || !self.refresh(facts) {
            return;
        }
        let alone = self.leave_bridge(&facts.id);
        self.enter_bridge(&facts.id, bridge);
        self.check_talk(at, alone.into_iter().chain([facts.id.clone()]));
    }

    pub(super) fn enter_bridge(&mut self, channel_id: &str, bridge: &Bridge) {
        self.entries += 1;
        if let Some(channel) = self.channels.get_mut(channel_id) {
            self.bridges.enter(bridge, channel_id, self.entries);
            channel.bridge = Some(bridge.id.clone());
            channel.joined = self.entries;
        }
        let parked_in = (bridge.kind == BridgeKind::Holding).then(|| bridge.id.clone());
        for key in self.book.of_channel(channel_id).to_vec() {
            if let Some(call) = self.book.get_mut(&key).filter(|call| call.legs.contains(channel_id)) {
                call.parked_in.clone_from(&parked_in);
            }
        }
    }

    /// Removes a channel from its bridge, and returns a channel that remained there.
    pub(super) fn leave_bridge(&mut self, channel_id: &str) -> Option<String> {
        let channel = self.channels.get_mut(channel_id)?;
        let bridge_id = channel.bridge.take()?;
        self.bridges.leave(&bridge_id, channel.joined);
        self.bridges.talking(&bridge_id).next().cloned()
    }

    pub(super) fn bridge_left(&mut self, at: UnixMs, facts: &Facts, bridge: &Bridge) {
        if !self.refresh(facts) {
            return;
        }
        // A late report must not remove the channel from the bridge it is in now.
        let is_there = self.channels.get(&facts.id).is_some_and(|channel| channel.bridge.as_ref() == Some(&bridge.id));
        let alone = if is_there { self.leave_bridge(&facts.id) } else { None };
        self.check_talk(at, alone.into_iter().chain([facts.id.clone()]));
    }

    pub(super) fn bridge_destroyed(&mut self, at: UnixMs, bridge_id: &str) {
        let members = self.bridges.destroy(bridge_id);
        for id in &members {
            if let Some(channel) = self.channels.get_mut(id) {
                channel.bridge = None;
            }
        }
        self.check_talk(at, members);
    }

    /// Decides for the calls around these channels whether someone talks.
    pub(super) fn check_talk(&mut self, at: UnixMs, around: impl IntoIterator<Item = String>) {
        let mut keys = BTreeSet::new();
        let mut examined = 0;
        for start in around {
            let reached = reach(&self.channels, &self.bridges, &start);
            examined += reached.len();
            for key in reached.iter().flat_map(|reached| self.book.of_channel(&reached.id)) {
                keys.insert(key.clone());
            }
        }
        self.examined += examined as u64;
        for key in keys {
            self.check_talk_of(at, &key);
        }
    }

    pub(super) fn check_talk_of(&mut self, at: UnixMs, key: &str) {
        let Some(call) = self.book.get(key) else { return };
        let parties = self.parties(call);
        self.examined += 1 + parties.len() as u64;
        let latest = parties.iter().max_by_key(|(id, (since, kind))| (*since, *kind, channels::age(id)));
        let with = latest.and_then(|(id, (since, _))| self.with(call, id, *since));
        let is_silent = call.talk.since.is_none() && with.is_none();
        if is_silent {
            return;
        }
        let Some(call) = self.book.get_mut(key) else { return };
        match with {
            Some(with) => call.talk.hear(at, with),
            None => call.talk.fall_silent(at),
        }
    }

    /// Whom a call's outside legs reach: extensions, and outside legs that are not its own.
    pub(super) fn parties(&self, call: &OpenCall) -> BTreeMap<String, (u64, Kind)> {
        let reached = call.legs.iter().flat_map(|leg| reach(&self.channels, &self.bridges, leg).into_iter().skip(1));
        let foreign = reached.filter(|reached| !call.legs.contains(&reached.id));
        let talking = foreign.filter_map(|Reached { id, since }| {
            let kind = self.channels.get(&id)?.kind;
            (kind != Kind::Plumbing).then_some((id, (since, kind)))
        });
        talking.collect()
    }

    fn with(&self, call: &OpenCall, channel_id: &str, arrived: u64) -> Option<With> {
        let channel = self.channels.get(channel_id)?;
        let party = match channel.kind {
            Kind::Extension => Party::extension(&channel.endpoint),
            // Someone who called, too, has no number here: it may be withheld.
            _ if call.kind == CallType::Internal => Party::extension(&call.called),
            _ => Party::Number(channel.dialled.clone().unwrap_or_else(|| call.called.clone())),
        };
        Some(With { channel_id: channel_id.to_owned(), party, arrived })
    }
}
