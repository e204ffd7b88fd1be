//! Takes over the leases of dead nodes.
//!
//! Apart from the heartbeat, which no amount of leases may delay, and in small steps.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use async_trait::async_trait;

use crate::{
    cluster_time,
    delivery::Sender,
    store::{
        deliveries::queue,
        error::StoreResult,
        nodes::{self, HEARTBEAT_MS},
    },
};

use super::worker::{Pause, Worker};

/// Deliveries of one transaction.
const STEP_ROWS: u32 = 500;

/// Takes over from dead nodes.
pub struct Takeover {
    sender: Arc<Sender>,
    /// Whether dead nodes may have leases left: at the start, and after a failure.
    unfinished: AtomicBool,
}

#[async_trait]
impl Worker for Takeover {
    fn name(&self) -> &'static str {
        "takeover"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        self.round().await?;
        Ok(Pause::Fixed(HEARTBEAT_MS.unsigned_abs()))
    }

    fn first_after_ms(&self) -> u64 {
        HEARTBEAT_MS.unsigned_abs()
    }

    fn retry_after_ms(&self) -> u64 {
        HEARTBEAT_MS.unsigned_abs()
    }
}

impl Takeover {
    pub(super) const fn new(sender: Arc<Sender>) -> Self {
        Self { sender, unfinished: AtomicBool::new(true) }
    }

    /// The first round also makes due what a clock that was set back has left in the future.
    pub(crate) async fn first(&self) -> StoreResult<()> {
        self.round().await?;
        reset_future_due(&self.sender).await.map(drop)
    }

    /// Releases the deliveries of nodes that have died since. Returns how many.
    ///
    /// # Errors
    /// When the database cannot be used. The next round continues.
    pub async fn round(&self) -> StoreResult<u64> {
        let context = &self.sender.context;
        let mut tx = context.db.begin().await?;
        let now = cluster_time::measure(&context.db, &mut tx, &context.clock).await?;
        let died = nodes::delete_silent(&mut tx, &context.node, now).await?;
        tx.commit().await?;
        if !self.unfinished.fetch_or(died > 0, Relaxed) && died == 0 {
            return Ok(0);
        }
        let mut released = 0;
        loop {
            let mut tx = context.db.begin().await?;
            let step = nodes::release_orphans(&mut tx, STEP_ROWS).await?;
            tx.commit().await?;
            released += step;
            if step < u64::from(STEP_ROWS) {
                break;
            }
        }
        self.unfinished.store(false, Relaxed);
        if released > 0 {
            tracing::info!(deliveries = released, "took over deliveries of a dead node");
            self.sender.wake_at(self.sender.now());
        }
        Ok(released)
    }
}

/// Makes deliveries due that a clock set back since has left in the future, in steps. Returns how many.
pub(super) async fn reset_future_due(sender: &Sender) -> StoreResult<u64> {
    let mut reset = 0;
    loop {
        let mut tx = sender.context.db.begin().await?;
        let step = queue::reset_future_due(&mut tx, sender.now(), STEP_ROWS).await?;
        tx.commit().await?;
        reset += step;
        if step < u64::from(STEP_ROWS) {
            return Ok(reset);
        }
    }
}
