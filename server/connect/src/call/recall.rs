//! The channels that exist, saved for a phone system that keeps its events while no one is connected: they continue where the
//! last observation ended. Other phone systems list their channels instead.

use serde::{Deserialize, Serialize};

use super::{
    Calls,
    channels::Channel,
    input::{Bridge, BridgeKind, ChannelState, Facts},
};

/// A channel as it was last observed. Without its caller's number, which may be withheld.
#[derive(Clone, Serialize, Deserialize)]
pub struct KnownChannel {
    id: String,
    name: String,
    linked_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bridge: Option<(String, BridgeKind)>,
    /// When it entered the bridge, as a count of such events.
    joined: u64,
    /// The number that was dialled to reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dialled: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    context: String,
    is_inbound: bool,
}

impl std::fmt::Debug for KnownChannel {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KnownChannel").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Calls {
    /// All channels.
    #[must_use]
    pub fn known_channels(&self) -> Vec<KnownChannel> {
        self.channels.all().map(|(id, channel)| self.known(id, channel)).collect()
    }

    fn known(&self, id: &str, channel: &Channel) -> KnownChannel {
        let bridge = channel.bridge.as_ref().and_then(|bridge| Some((bridge.clone(), self.bridges.kind(bridge)?)));
        KnownChannel {
            id: id.to_owned(),
            name: channel.name.clone(),
            linked_id: channel.linked_id.clone(),
            bridge,
            joined: channel.joined,
            dialled: channel.dialled.clone(),
            context: channel.context.clone(),
            is_inbound: channel.is_inbound,
        }
    }

    /// Continues with these channels, after [`Calls::restore`]. What has happened since is fed next.
    pub fn recall(&mut self, mut channels: Vec<KnownChannel>) {
        // Who joined last counts.
        channels.sort_by_key(|channel| channel.joined);
        for known in channels {
            let facts = Facts {
                id: known.id,
                name: known.name,
                linked_id: known.linked_id,
                state: if known.is_inbound { ChannelState::Ring } else { ChannelState::Other },
                context: known.context,
                ..Facts::default()
            };
            if !self.refresh(&facts) {
                continue;
            }
            if let Some(channel) = self.channels.get_mut(&facts.id) {
                channel.dialled = known.dialled;
            }
            if let Some((id, kind)) = known.bridge {
                self.enter_bridge(&facts.id, &Bridge { id, kind });
            }
        }
        self.book.take_touched();
    }
}
