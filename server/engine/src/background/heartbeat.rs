//! Heartbeats: this node reports that it lives, and takes over the leases of dead ones.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    clock::stopwatch,
    cluster_time,
    delivery::{LeaseStart, Sender},
    store::{
        deliveries::queue,
        error::StoreResult,
        nodes::{self, HEARTBEAT_MS},
    },
};

use super::worker::{Pause, Worker};

/// Reports that this node lives.
pub struct Heartbeat(pub(super) Arc<Sender>);

#[async_trait]
impl Worker for Heartbeat {
    fn name(&self) -> &'static str {
        "heartbeat"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        self.beat(nodes::Heartbeat::Later).await?;
        // Nothing was sent while it was uncertain which node holds the leases.
        self.0.pump();
        Ok(Pause::Fixed(HEARTBEAT_MS.unsigned_abs()))
    }

    fn first_after_ms(&self) -> u64 {
        HEARTBEAT_MS.unsigned_abs()
    }

    fn retry_after_ms(&self) -> u64 {
        HEARTBEAT_MS.unsigned_abs()
    }
}

impl Heartbeat {
    /// The first heartbeat also makes due what a clock that was set back has left in the future.
    pub(crate) async fn first(&self) -> StoreResult<()> {
        self.beat(nodes::Heartbeat::First).await
    }

    async fn beat(&self, which: nodes::Heartbeat) -> StoreResult<()> {
        let context = &self.0.context;
        // Before the transaction: the lease is valid from here on, however long the commit takes.
        let (now, since) = (self.0.now(), stopwatch());
        let mut tx = context.db.begin().await?;
        let at = cluster_time::measure(&context.db, &mut tx, &context.clock).await?;
        let mut beat = nodes::heartbeat(&mut tx, &context.node, at, context.clock.ahead_ms(), which).await?;
        if which == nodes::Heartbeat::First {
            beat.released += queue::reset_future_due(&mut tx, now).await?;
        }
        tx.commit().await?;
        if beat.released > 0 {
            tracing::info!(deliveries = beat.released, "took over deliveries of a dead node");
        }
        self.0.on_heartbeat(beat, LeaseStart { at: now, since }).await
    }
}
