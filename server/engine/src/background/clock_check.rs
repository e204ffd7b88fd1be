//! Notices a clock that was set back, and makes due what it would otherwise delay.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::Relaxed},
};

use async_trait::async_trait;

use crate::{
    delivery::Sender,
    store::{error::StoreResult, nodes::HEARTBEAT_MS},
};

use super::{
    takeover,
    worker::{Pause, Worker},
};

/// Compares the clock with its previous reading.
pub(super) struct ClockCheck {
    sender: Arc<Sender>,
    before_ms: AtomicI64,
}

impl ClockCheck {
    pub(super) fn new(sender: Arc<Sender>) -> Self {
        let before_ms = sender.now().0.into();
        Self { sender, before_ms }
    }
}

#[async_trait]
impl Worker for ClockCheck {
    fn name(&self) -> &'static str {
        "clock_check"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        let now = self.sender.now();
        if now.0 < self.before_ms.load(Relaxed) {
            let due = takeover::reset_future_due(&self.sender).await?;
            tracing::warn!(due, "the clock has been set back");
            self.sender.wake_at(now);
        }
        self.before_ms.store(now.0, Relaxed);
        Ok(Pause::Fixed(HEARTBEAT_MS.unsigned_abs()))
    }

    fn retry_after_ms(&self) -> u64 {
        HEARTBEAT_MS.unsigned_abs()
    }
}
