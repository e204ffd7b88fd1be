//! Who hears whom: over bridges, and through pairs of Local channels.

use std::collections::HashSet;

use super::{bridges::Bridges, channels::Channels};

/// Most channels that are searched for whom a channel hears. In a larger conference, whoever entered last is found.
const REACH_MAX: usize = 32;

/// A channel within reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    pub id: String,
    /// When the way to it was completed, as a count of entries into bridges.
    pub since: u64,
}

/// The channels that a channel reaches, with itself first. Each half of a Local channel is followed at once, so that the
/// limit is not used up by halves with no one behind them.
pub(super) fn reach(channels: &Channels, bridges: &Bridges, from: &str) -> Vec<Reached> {
    let joined = |id: &str| channels.get(id).map_or(0, |channel| channel.joined);
    let mut seen = HashSet::from([from.to_owned()]);
    let (mut found, mut followed) = (Vec::new(), HashSet::new());
    let mut next = vec![Reached { id: from.to_owned(), since: joined(from) }];
    while let Some(here) = next.pop() {
        let channel = channels.get(&here.id);
        let bridge = channel.and_then(|channel| channel.bridge.as_deref()).filter(|bridge| followed.insert(*bridge));
        let beside = bridge.into_iter().flat_map(|bridge| bridges.talking(bridge)).take(REACH_MAX);
        let half = channel.and_then(|channel| channels.other_half(channel));
        let since = here.since;
        found.push(here);
        if found.len() >= REACH_MAX {
            break;
        }
        let first = next.len();
        for id in half.into_iter().chain(beside) {
            if !seen.contains(id) {
                seen.insert(id.clone());
                next.push(Reached { id: id.clone(), since: since.max(joined(id)) });
            }
        }
        // The last is followed first.
        next[first..].reverse();
    }
    found
}
