//! Deliveries that nothing would ever move again. No transaction leaves any, as far as we know; an earlier version did.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{UnixMs, time::MINUTE_MS};

use crate::{
    delivery::Sender,
    parking::Parking,
    store::{
        deliveries::{
            ordering_keys::{self, OrderingKey},
            stuck,
        },
        error::StoreResult,
    },
};

use super::{
    adaptive_batch::Pacing,
    deleted_endpoints,
    worker::{Pause, Worker},
};

/// Deliveries checked by one step.
const STEP_ROWS: u32 = 2_000;
/// Time between two sweeps.
const SWEEP_MS: u64 = 10 * MINUTE_MS.unsigned_abs();

/// Finds stuck deliveries and moves them.
pub struct StuckDeliveries(pub(super) Arc<Sender>);

#[async_trait]
impl Worker for StuckDeliveries {
    fn name(&self) -> &'static str {
        "stuck_deliveries"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        self.sweep(Pacing::Spaced).await?;
        Ok(Pause::Fixed(SWEEP_MS))
    }

    fn retry_after_ms(&self) -> u64 {
        SWEEP_MS
    }
}

impl StuckDeliveries {
    /// Makes the first delivery of each call due where none is, and cancels what waits for deleted endpoints. Returns how
    /// many were moved.
    ///
    /// # Errors
    /// When the database cannot be used. What was committed stays.
    pub async fn sweep(&self, pacing: Pacing) -> StoreResult<usize> {
        let mut moved = deleted_endpoints::cancel_since(&self.0, UnixMs(0)).await?;
        let (mut after, parking) = (None, Parking::of(&self.0.context, self.name()).await?);
        while !self.0.context.is_stopping() {
            let parts = stuck::step(&self.0.context.db, after.as_ref(), STEP_ROWS).await?;
            let Some(last) = parts.last() else { break };
            after = Some(last.clone());
            // A call that a step has cut in two may look stuck; promoting reads all of it.
            let stuck: Vec<OrderingKey> = parts.into_iter().filter(|part| part.due == 0).map(|part| part.key).collect();
            if !stuck.is_empty() {
                moved += parking.all(&stuck, |key| &key.call_id, None, |keys| self.promote(keys)).await?;
            }
            pacing.rest().await;
        }
        Ok(moved)
    }

    async fn promote(&self, keys: Vec<&OrderingKey>) -> StoreResult<usize> {
        let keys: Vec<OrderingKey> = keys.into_iter().cloned().collect();
        let mut tx = self.0.context.db.begin().await?;
        ordering_keys::lock(&mut tx, keys.iter().cloned()).await?;
        let due = ordering_keys::promote_next(&mut tx, &keys, None, self.0.now()).await?.len();
        tx.commit().await?;
        if due > 0 {
            tracing::warn!(due, "made stuck deliveries due");
            self.0.wake_at(self.0.now());
        }
        Ok(due)
    }
}
