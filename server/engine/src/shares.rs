//! What each client holds at once, up to a limit: connections of an address, live streams of a user, passwords being checked.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// Counts by client. A client that holds nothing takes no memory.
#[derive(Debug)]
pub struct Shares<K>(Arc<Mutex<HashMap<K, usize>>>);

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// One more for this client, if it holds fewer than `max`. It is given back on drop.
    pub fn take(&self, client: K, max: usize) -> Option<Share<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(&client).copied().unwrap_or_default();
        if count >= max {
            return None;
        }
        counts.insert(client.clone(), count + 1);
        Some(Share { client, counts: Arc::clone(&self.0) })
    }
}

/// Something that a client holds.
#[derive(Debug)]
pub struct Share<K: Eq + Hash> {
    client: K,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_own_limit_and_dropped_shares_are_free_again() {
        let shares = Shares::default();
        let held = [shares.take("ana", 2), shares.take("ana", 2)];
        assert!(held.iter().all(Option::is_some));
        assert!(shares.take("ana", 2).is_none());
        assert!(shares.take("bob", 2).is_some());
        drop(held);
        assert!(shares.0.lock().is_ok_and(|counts| counts.is_empty()), "idle clients take no memory");
        assert!(shares.take("ana", 2).is_some());
    }
}
