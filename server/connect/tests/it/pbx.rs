//! What a phone system would list after these events: the other side of a resynchronisation.

use std::collections::BTreeMap;

use connect::call::{Bridge, ChannelRow, Facts, PbxEvent};

/// The channels that exist.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pbx(BTreeMap<String, (Facts, Option<Bridge>)>);

impl Pbx {
    pub(crate) fn feed(&mut self, event: &PbxEvent) {
        match event {
            PbxEvent::Began(facts) | PbxEvent::Changed(facts) => self.state(facts),
            PbxEvent::DialBegan { caller, callee, .. } | PbxEvent::DialEnded { caller, callee, .. } => {
                caller.iter().chain([callee]).for_each(|facts| self.state(facts));
            }
            PbxEvent::BridgeEntered(facts, bridge) => {
                self.state(facts);
                if let Some(channel) = self.0.get_mut(&facts.id) {
                    channel.1 = Some(bridge.clone());
                }
            }
            PbxEvent::BridgeLeft(facts, _) => {
                self.state(facts);
                if let Some(channel) = self.0.get_mut(&facts.id) {
                    channel.1 = None;
                }
            }
            PbxEvent::HungUp(facts, _) => {
                self.0.remove(&facts.id);
            }
            PbxEvent::HangupRequested(facts, _) | PbxEvent::MessageLeft { caller: facts, .. } => self.state(facts),
            PbxEvent::Renamed { .. } | PbxEvent::BridgeDestroyed { .. } => {}
        }
    }

    fn state(&mut self, facts: &Facts) {
        self.0.entry(facts.id.clone()).or_default().0 = facts.clone();
    }

    pub(crate) fn list(&self) -> Vec<ChannelRow> {
        let row = |(facts, bridge): &(Facts, Option<Bridge>)| ChannelRow {
            facts: facts.clone(),
            bridge: bridge.clone(),
            duration_s: None,
        };
        self.0.values().map(row).collect()
    }
}
