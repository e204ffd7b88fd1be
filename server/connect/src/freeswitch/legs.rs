//! What is remembered of a channel between its events, because not every event states it.

use std::collections::HashMap;

use crate::call::Presentation;

/// Most channels that are remembered; more than any phone system carries.
const LEGS_MAX: usize = 200_000;

/// A channel.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    /// ID of its group.
    pub group: String,
    /// Its name, in the form that [`crate::call`] reads.
    pub name: String,
    /// Whether its number may be shown. Once withheld, it stays so.
    pub presentation: Presentation,
    /// Whether it has been reported that it is being called.
    pub is_dialled: bool,
    pub is_answered: bool,
    /// ID of the bridge of two in which it was last.
    pub bridge: Option<String>,
}

/// The channels that exist.
#[derive(Debug, Default)]
pub(super) struct Legs(HashMap<String, Leg>);

impl Legs {
    pub(super) fn get(&self, id: &str) -> Option<&Leg> {
        self.0.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Leg> {
        self.0.get_mut(id)
    }

    /// Records what an event states.
    pub(super) fn state(&mut self, id: &str, name: &str, group: &str, presentation: Presentation) {
        if let Some(leg) = self.0.get_mut(id) {
            name.clone_into(&mut leg.name);
            group.clone_into(&mut leg.group);
            if presentation == Presentation::Withheld {
                leg.presentation = presentation;
            }
        } else if self.0.len() < LEGS_MAX {
            let (group, name) = (group.to_owned(), name.to_owned());
            self.0.insert(
                id.to_owned(),
                Leg { group, name, presentation, is_dialled: false, is_answered: false, bridge: None },
            );
        }
    }

    /// These channels are in a bridge.
    pub(super) fn bridge(&mut self, ids: &[&str], bridge_id: &str) {
        for id in ids {
            if let Some(leg) = self.0.get_mut(*id) {
                leg.bridge = Some(bridge_id.to_owned());
            }
        }
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Forgets those that no longer exist.
    pub(super) fn retain(&mut self, exists: impl Fn(&str) -> bool) {
        self.0.retain(|id, _| exists(id));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
