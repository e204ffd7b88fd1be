//! Heartbeats: this node reports that it lives. Nothing else happens here, so that nothing delays them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    clock::stopwatch,
    cluster_time,
    delivery::{LeaseStart, Sender},
    store::{
        error::StoreResult,
        nodes::{self, HEARTBEAT_MS},
    },
    supervisor::Need,
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

    fn need(&self) -> Need {
        Need::Essential
    }

    fn first_after_ms(&self) -> u64 {
        HEARTBEAT_MS.unsigned_abs()
    }

    fn retry_after_ms(&self) -> u64 {
        HEARTBEAT_MS.unsigned_abs()
    }
}

impl Heartbeat {
    pub(crate) async fn first(&self) -> StoreResult<()> {
        self.beat(nodes::Heartbeat::First).await
    }

    async fn beat(&self, which: nodes::Heartbeat) -> StoreResult<()> {
        let context = &self.0.context;
        // Before the transaction: the lease is valid from here on, however long the commit takes.
        let (now, since) = (self.0.now(), stopwatch());
        let mut tx = context.db.begin().await?;
        let at = cluster_time::measure(&context.db, &mut tx, &context.clock).await?;
        let was_declared_dead = nodes::heartbeat(&mut tx, &context.node, at, context.clock.ahead_ms(), which).await?;
        tx.commit().await?;
        self.0.on_heartbeat(was_declared_dead, LeaseStart { at: now, since }).await
    }
}
