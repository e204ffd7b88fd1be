//! Releases leases of this node that it does not know of.
//!
//! When a connection breaks during a commit, its result is unknown. If it succeeded, its leases exist in the database and
//! not in memory: no node would ever send those deliveries, for this one is alive. So each failed commit marks the leases as
//! uncertain, and this compares them with memory; now and then also without a reason, for no fault of this program may
//! strand a delivery. What is missing twice in a row is released; once may be the moment between a commit and queueing.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use domain::ops::parked::DELIVERIES;

use crate::{
    delivery::Sender,
    parking::Parking,
    store::{deliveries::queue, error::StoreResult, nodes::HEARTBEAT_MS},
};

use super::worker::{Pause, Worker};

/// While nothing is uncertain, one tick in this many compares: once a minute. On PostgreSQL that may walk all that waits.
const UNPROMPTED_TICKS: u32 = 24;

/// Compares leases with memory.
pub struct LeaseReconciliation {
    sender: Arc<Sender>,
    /// Missing in memory at the last comparison.
    missing: Mutex<HashSet<String>>,
    /// Ticks since the last comparison.
    skipped: AtomicU32,
    /// Panics of this node at the last tick: each may have left leases behind.
    panics: AtomicU64,
}

#[async_trait]
impl Worker for LeaseReconciliation {
    fn name(&self) -> &'static str {
        "lease_reconciliation"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        let panics = self.sender.context.supervisor.panics();
        if self.panics.swap(panics, Relaxed) != panics {
            self.sender.mark_uncertain();
        }
        if self.sender.leases.is_uncertain() || self.skipped.fetch_add(1, Relaxed) + 1 >= UNPROMPTED_TICKS {
            self.skipped.store(0, Relaxed);
            self.reconcile().await?;
        }
        Ok(Pause::Fixed(HEARTBEAT_MS.unsigned_abs()))
    }

    fn first_after_ms(&self) -> u64 {
        HEARTBEAT_MS.unsigned_abs()
    }

    fn retry_after_ms(&self) -> u64 {
        HEARTBEAT_MS.unsigned_abs()
    }
}

impl LeaseReconciliation {
    pub(super) fn new(sender: Arc<Sender>) -> Self {
        Self { sender, missing: Mutex::default(), skipped: AtomicU32::new(0), panics: AtomicU64::new(0) }
    }

    /// Releases leases that are not in memory, and were not at the last comparison. Returns how many.
    ///
    /// # Errors
    /// When the database cannot be used; the leases stay uncertain.
    pub async fn reconcile(&self) -> StoreResult<usize> {
        // Before reading: a commit that fails meanwhile makes them uncertain again.
        self.sender.leases.set_certain();
        let compared = self.compare().await;
        if compared.as_ref().map_or(true, |(_, again)| *again) {
            self.sender.mark_uncertain();
        }
        compared.map(|(released, _)| released)
    }

    /// Returns how many leases were released, and whether some are missing for the first time.
    async fn compare(&self) -> StoreResult<(usize, bool)> {
        let (sender, context) = (&self.sender, &self.sender.context);
        let leased = queue::leased(&context.db, &context.node).await?;
        let known = sender.queues().ids();
        let missing: HashSet<String> = leased.into_iter().filter(|id| !known.contains(id.as_str())).collect();
        let before = self.missing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lost: Vec<String> = missing.intersection(&before).cloned().collect();
        let new: HashSet<String> = missing.difference(&before).cloned().collect();
        let again = !new.is_empty();
        *self.missing.lock().unwrap_or_else(PoisonError::into_inner) = new;
        if lost.is_empty() {
            return Ok((0, again));
        }
        let parking = Parking::of(context, DELIVERIES).await?;
        let released = parking.all(&lost, String::as_str, None, |ids| self.release(ids)).await?;
        tracing::warn!(deliveries = released, "released deliveries that were leased and in no memory");
        sender.wake_at(sender.now());
        Ok((released, again))
    }

    async fn release(&self, ids: Vec<&String>) -> StoreResult<usize> {
        let ids: Vec<String> = ids.into_iter().cloned().collect();
        self.sender.release_leases(&ids).await?;
        Ok(ids.len())
    }
}
