//! A set that keeps the latest entries only.

use std::collections::{HashSet, VecDeque};

/// The latest entries.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: HashSet<String>,
    order: VecDeque<String>,
}

impl Recent {
    pub(super) fn contains(&self, entry: &str) -> bool {
        self.entries.contains(entry)
    }

    /// Adds an entry, and drops the oldest beyond `max`.
    pub(super) fn insert(&mut self, entry: String, max: usize) {
        if self.entries.insert(entry.clone()) {
            self.order.push_back(entry);
        }
        while self.order.len() > max {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The entries, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &String> {
        self.order.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_are_dropped() {
        let mut recent = Recent::default();
        for entry in ["a", "b", "a", "c"] {
            recent.insert(entry.to_owned(), 2);
        }
        assert!(!recent.contains("a") && recent.contains("b") && recent.contains("c"));
        assert_eq!(recent.iter().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(recent.len(), 2);
    }
}
