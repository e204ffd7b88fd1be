//! Reads the policies again: the message of the node that set one may have been lost.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    delivery::Sender,
    store::{error::StoreResult, nodes::HEARTBEAT_MS},
};

use super::worker::{Pause, Worker};

/// Reads the policies.
pub(super) struct PolicyRefresh(pub(super) Arc<Sender>);

#[async_trait]
impl Worker for PolicyRefresh {
    fn name(&self) -> &'static str {
        "policy_refresh"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        if self.0.read_policies().await.is_err() {
            tracing::warn!("the policies could not be read; trying again soon");
        }
        Ok(Pause::Fixed(HEARTBEAT_MS.unsigned_abs()))
    }

    fn first_after_ms(&self) -> u64 {
        HEARTBEAT_MS.unsigned_abs()
    }
}
