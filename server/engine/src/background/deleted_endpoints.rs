//! Cancels what waits for deleted endpoints: what was accepted during a deletion comes after the deletion has looked.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    UnixMs,
    time::{MINUTE_MS, SECOND_MS},
};

use crate::{
    delivery::Sender,
    parking::Parking,
    store::{deliveries::stuck, error::StoreResult},
};

use super::worker::{Pause, Worker};

/// Its name.
const NAME: &str = "deleted_endpoints";
/// Time between two rounds.
const ROUND_MS: u64 = 10 * SECOND_MS.unsigned_abs();
/// How long after its deletion an endpoint is checked this often.
const RECENT_MS: i64 = 10 * MINUTE_MS;

/// Cancels deliveries of recently deleted endpoints.
pub struct DeletedEndpoints(pub(super) Arc<Sender>);

#[async_trait]
impl Worker for DeletedEndpoints {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn tick(&self) -> StoreResult<Pause> {
        self.round().await?;
        Ok(Pause::Fixed(ROUND_MS))
    }

    fn first_after_ms(&self) -> u64 {
        ROUND_MS
    }

    fn retry_after_ms(&self) -> u64 {
        ROUND_MS
    }
}

impl DeletedEndpoints {
    /// Cancels what waits for recently deleted endpoints. Returns how many.
    ///
    /// # Errors
    /// When the database cannot be used. What was committed stays.
    pub async fn round(&self) -> StoreResult<usize> {
        cancel_since(&self.0, self.0.now().plus_ms(-RECENT_MS)).await
    }
}

pub(super) async fn cancel_since(sender: &Sender, since: UnixMs) -> StoreResult<usize> {
    let mut cancelled = 0;
    let parking = Parking::of(&sender.context, NAME).await?;
    for endpoint in stuck::of_deleted(&sender.context.db, since).await? {
        let ended = async {
            let (account, id) = endpoint.ids()?;
            sender.cancel_of_endpoint(&account, &id).await
        };
        cancelled += parking.one(&endpoint.id, Some(&endpoint.account_id), ended).await?.unwrap_or(0);
        sender.changed([endpoint.account_id]).await;
    }
    Ok(usize::try_from(cancelled).unwrap_or(usize::MAX))
}
