//! Which channels are together in a bridge.

use std::collections::HashMap;

use super::input::{Bridge, BridgeKind};

/// All bridges with members.
#[derive(Debug, Default)]
pub(super) struct Bridges(HashMap<String, Members>);

#[derive(Debug)]
struct Members {
    kind: BridgeKind,
    /// By when they entered, as a count of entries into any bridge. A list takes a quarter of a tree's memory.
    by_entry: Vec<(u64, String)>,
}

impl Bridges {
    /// A channel that is in no bridge enters one, as the `entry`th of all.
    pub(super) fn enter(&mut self, bridge: &Bridge, channel_id: &str, entry: u64) {
        let members = self.0.entry(bridge.id.clone());
        let members = members.or_insert_with(|| Members { kind: bridge.kind, by_entry: Vec::with_capacity(2) });
        if bridge.kind == BridgeKind::Holding {
            members.kind = BridgeKind::Holding;
        }
        members.by_entry.push((entry, channel_id.to_owned()));
    }

    /// Removes the channel that entered so; a bridge without members is forgotten, in case its end is never reported.
    pub(super) fn leave(&mut self, bridge_id: &str, entry: u64) {
        let Some(members) = self.0.get_mut(bridge_id) else { return };
        if let Ok(at) = members.by_entry.binary_search_by_key(&entry, |(entry, _)| *entry) {
            members.by_entry.remove(at);
        }
        if members.by_entry.is_empty() {
            self.0.remove(bridge_id);
        }
    }

    /// Forgets a bridge, and returns who was in it.
    pub(super) fn destroy(&mut self, bridge_id: &str) -> Vec<String> {
        let members = self.0.remove(bridge_id).map(|members| members.by_entry).unwrap_or_default();
        members.into_iter().map(|(_, id)| id).collect()
    }

    /// The members, if they hear each other: who entered last comes first.
    pub(super) fn talking(&self, bridge_id: &str) -> impl Iterator<Item = &String> {
        let bridge = self.0.get(bridge_id).filter(|members| members.kind == BridgeKind::Mixing);
        bridge.into_iter().flat_map(|members| members.by_entry.iter().rev().map(|(_, id)| id))
    }

    pub(super) fn kind(&self, bridge_id: &str) -> Option<BridgeKind> {
        self.0.get(bridge_id).map(|members| members.kind)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
