//! Deliveries that are leased to this node while nobody here has them in hand.
//!
//! When a connection breaks in the middle of a commit, nobody knows whether it happened. If it did, what it leased stands
//! in the database and not in memory: no node would ever send it, for this one lives. So each commit that failed raises
//! a doubt, and at the next heartbeats the node compares its leases with what it has in hand. What is missing twice in a
//! row is let go of; once may be the moment between a commit and its hand-over.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::store::{error::StoreResult, jobs};

use super::Sender;

/// Whether leases may have gone astray, and which were missing at the last look.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    raised: AtomicBool,
    missing: Mutex<HashSet<String>>,
}

impl Sender {
    /// Says that a commit failed whose leases may stand.
    pub fn mark_uncertain(&self) {
        self.doubt.raised.store(true, Ordering::Release);
    }

    /// Lets go of leases that are in nobody's hands, where there is a doubt. Returns how many.
    ///
    /// # Errors
    /// When the database cannot be used; the doubt stays.
    pub async fn find_astray(&self) -> StoreResult<usize> {
        if !self.doubt.raised.load(Ordering::Acquire) {
            return Ok(0);
        }
        let leased = jobs::leased(&self.db, &self.node).await?;
        let in_hand = self.queues().ids();
        let missing: HashSet<String> = leased.into_iter().filter(|id| !in_hand.contains(id.as_str())).collect();
        let before = self.missing_before();
        let astray: Vec<String> = missing.intersection(&before).cloned().collect();
        if !astray.is_empty() {
            let mut tx = self.db.begin().await?;
            jobs::release(&mut tx, &self.node, &astray).await?;
            tx.commit().await?;
            tracing::warn!(deliveries = astray.len(), "took up deliveries whose commit had no answer");
            self.wake_at(self.now());
        }
        let still: HashSet<String> = missing.difference(&before).cloned().collect();
        self.doubt.raised.store(!still.is_empty(), Ordering::Release);
        *self.doubt.missing.lock().unwrap_or_else(PoisonError::into_inner) = still;
        Ok(astray.len())
    }

    fn missing_before(&self) -> HashSet<String> {
        self.doubt.missing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
