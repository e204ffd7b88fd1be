//! Which channels are together in a bridge.

use std::collections::HashMap;

use super::{
    id_set::IdSet,
    input::{Bridge, BridgeKind},
};

/// All bridges with members.
#[derive(Debug, Default)]
pub(super) struct Bridges(HashMap<String, Members>);

#[derive(Debug)]
struct Members {
    kind: BridgeKind,
    ids: IdSet,
}

impl Bridges {
    pub(super) fn enter(&mut self, bridge: &Bridge, channel_id: &str) {
        let members = self.0.entry(bridge.id.clone());
        let members = members.or_insert_with(|| Members { kind: bridge.kind, ids: IdSet::default() });
        if bridge.kind == BridgeKind::Holding {
            members.kind = BridgeKind::Holding;
        }
        members.ids.insert(channel_id);
    }

    /// Removes a channel; a bridge without members is forgotten, in case its end is never reported.
    pub(super) fn leave(&mut self, bridge_id: &str, channel_id: &str) {
        if let Some(members) = self.0.get_mut(bridge_id) {
            members.ids.remove(channel_id);
            if members.ids.is_empty() {
                self.0.remove(bridge_id);
            }
        }
    }

    /// Forgets a bridge, and returns who was in it.
    pub(super) fn destroy(&mut self, bridge_id: &str) -> IdSet {
        self.0.remove(bridge_id).map(|members| members.ids).unwrap_or_default()
    }

    /// The members, if they hear each other.
    pub(super) fn talking(&self, bridge_id: &str) -> impl Iterator<Item = &String> {
        let bridge = self.0.get(bridge_id).filter(|members| members.kind == BridgeKind::Mixing);
        bridge.into_iter().flat_map(|members| &members.ids)
    }

    pub(super) fn kind(&self, bridge_id: &str) -> Option<BridgeKind> {
        self.0.get(bridge_id).map(|members| members.kind)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
