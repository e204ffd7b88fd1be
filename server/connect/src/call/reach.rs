//! Who hears whom: over bridges, and through pairs of Local channels.

use std::collections::HashSet;

use super::{bridges::Bridges, channels::Channels};

/// A channel within reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    pub id: String,
    /// When the way to it was completed, as a count of entries into bridges.
    pub since: u64,
}

/// All channels that a channel reaches, with itself first.
pub(super) fn reach(channels: &Channels, bridges: &Bridges, from: &str) -> Vec<Reached> {
    let joined = |id: &str| channels.get(id).map_or(0, |channel| channel.joined);
    let mut seen = HashSet::from([from.to_owned()]);
    let mut found = vec![Reached { id: from.to_owned(), since: joined(from) }];
    let mut next = 0;
    while let Some(here) = found.get(next).cloned() {
        next += 1;
        let Some(channel) = channels.get(&here.id) else { continue };
        let beside = channel.bridge.iter().flat_map(|bridge| bridges.talking(bridge));
        for id in beside.chain(channels.other_half(channel)) {
            if !seen.contains(id) {
                seen.insert(id.clone());
                found.push(Reached { id: id.clone(), since: here.since.max(joined(id)) });
            }
        }
    }
    found
}
