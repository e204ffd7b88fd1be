//! An amount that all clients share: none may hold more than is left for all others. One alone can have half of it, and
//! however many there are, the next still gets something.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// An amount of something: bytes of request bodies, for example.
#[derive(Debug)]
pub struct FairBudget<K>(Arc<Mutex<Balance<K>>>);

#[derive(Debug)]
struct Balance<K> {
    free: usize,
    by_client: HashMap<K, usize>,
}

impl<K: Clone + Eq + Hash> Balance<K> {
    /// Moves an amount to a client. False if it would then hold more than is left.
    fn take(&mut self, client: &K, amount: usize) -> bool {
        let held = self.by_client.get(client).copied().unwrap_or_default() + amount;
        let Some(left) = self.free.checked_sub(amount).filter(|left| held <= *left) else { return false };
        self.free = left;
        self.by_client.insert(client.clone(), held);
        true
    }

    /// A client that holds nothing takes no memory.
    fn give_back(&mut self, client: &K, amount: usize) {
        self.free += amount;
        if let Some(held) = self.by_client.get_mut(client) {
            *held -= amount;
            if *held == 0 {
                self.by_client.remove(client);
            }
        }
    }
}

impl<K: Clone + Eq + Hash> FairBudget<K> {
    /// A budget of this amount.
    #[must_use]
    pub fn new(amount: usize) -> Self {
        Self(Arc::new(Mutex::new(Balance { free: amount, by_client: HashMap::new() })))
    }

    /// Something of this client, which holds nothing yet.
    #[must_use]
    pub fn part_of(&self, client: K) -> Part<K> {
        Part { balance: Arc::clone(&self.0), client, held: 0 }
    }
}

/// What a client holds for one purpose, given back when it is dropped.
#[derive(Debug)]
pub struct Part<K: Clone + Eq + Hash> {
    balance: Arc<Mutex<Balance<K>>>,
    client: K,
    held: usize,
}

impl<K: Clone + Eq + Hash> Part<K> {
    /// Takes what is missing to hold this amount. False if the client may not hold as much; it then keeps what it has.
    #[must_use]
    pub fn grow_to(&mut self, amount: usize) -> bool {
        let more = amount.saturating_sub(self.held);
        let is_taken = more == 0 || self.balance().take(&self.client, more);
        if is_taken {
            self.held += more;
        }
        is_taken
    }

    fn balance(&self) -> MutexGuard<'_, Balance<K>> {
        self.balance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Drop for Part<K> {
    fn drop(&mut self) {
        if self.held > 0 {
            self.balance().give_back(&self.client, self.held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_holds_at_most_as_much_as_is_left_for_all_others() {
        let budget = FairBudget::new(80);
        let mut held = Vec::new();
        for (client, share) in [("ana", 40), ("bob", 20), ("cem", 10), ("dan", 5)] {
            let parts = std::iter::repeat_with(|| budget.part_of(client));
            let parts = parts.map_while(|mut part| part.grow_to(1).then_some(part)).collect::<Vec<_>>();
            assert_eq!(parts.len(), share, "{client}");
            held.push(parts);
        }
        held.remove(0);
        assert!(budget.part_of("dan").grow_to(20), "what was dropped is free again");
        drop(held);
        assert!(budget.0.lock().is_ok_and(|balance| balance.free == 80 && balance.by_client.is_empty()));
    }

    #[test]
    fn a_part_that_may_not_grow_keeps_what_it_has() {
        let budget = FairBudget::new(10);
        let mut part = budget.part_of("ana");
        assert!(part.grow_to(3) && !part.grow_to(6) && part.grow_to(5));
        assert!(part.grow_to(1), "it never shrinks");
        assert_eq!(part.held, 5);
    }
}
