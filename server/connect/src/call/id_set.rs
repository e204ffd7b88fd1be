//! A small set of channel IDs. Groups and bridges have a few members, for which a list takes a quarter of a tree's memory.

use serde::{Deserialize, Serialize};

/// A set of IDs, in the order of their arrival.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct IdSet(Vec<String>);

impl IdSet {
    pub(super) fn insert(&mut self, id: &str) {
        if !self.contains(id) {
            self.0.reserve_exact(1);
            self.0.push(id.to_owned());
        }
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.retain(|member| member != id);
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|member| member == id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, String> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a IdSet {
    type Item = &'a String;
    type IntoIter = std::slice::Iter<'a, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for IdSet {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<String> for IdSet {
    fn from_iter<T: IntoIterator<Item = String>>(ids: T) -> Self {
        ids.into_iter().fold(Self::default(), |mut set, id| {
            set.insert(&id);
            set
        })
    }
}
