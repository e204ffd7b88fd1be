//! Releases leased deliveries, so that they wait in the database, and cancels those of deleted endpoints.
//!
//! Both change memory and database together, so they run detached: a caller that goes away leaves neither half done.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    id::{AccountId, EndpointId},
    ops::parked::DELIVERIES,
};

use crate::{
    detached::detached,
    parking::Parking,
    store::{
        deliveries::{self, queue},
        endpoints,
        error::StoreResult,
    },
};

use super::{leased::LeasedDelivery, leases::LeaseStart, outcome::Outcome, queues::Queues, sender::Sender, throttle};

/// Deliveries of one transaction, so that it never holds the writer for long.
const STEP_ROWS: usize = 500;

impl Sender {
    /// Releases the deliveries of an endpoint that was paused, changed or deleted.
    ///
    /// # Errors
    /// When the database cannot be written; reconciliation then finds the leases.
    pub async fn release_endpoint(self: &Arc<Self>, endpoint: &str) -> StoreResult<()> {
        self.targets.forget(endpoint);
        let endpoint = endpoint.to_owned();
        self.release(move |queues| {
            queues.reset_throttle(&endpoint);
            queues.drop_endpoint(&endpoint)
        })
        .await
    }

    /// Releases the deliveries of endpoints whose servers requested a long pause: memory is for what is sent soon.
    pub(super) async fn release_throttled(self: &Arc<Self>, batch: &[Outcome]) {
        let soon = self.now().plus_ms(throttle::IN_MEMORY_MS);
        let paused = batch.iter().filter_map(Outcome::attempt).filter(|attempt| attempt.throttled_until > Some(soon));
        let paused: BTreeSet<_> = paused.map(|attempt| attempt.delivery.endpoint_id.clone()).collect();
        for endpoint in paused {
            let dropped = endpoint.clone();
            if let Err(error) = self.release(move |queues| queues.drop_endpoint(&dropped)).await {
                tracing::warn!(%error, %endpoint, "deliveries that wait could not be released yet");
            }
        }
    }

    /// The same for all endpoints of an account.
    ///
    /// # Errors
    /// As [`Self::release_endpoint`].
    pub async fn release_account(self: &Arc<Self>, account: &str) -> StoreResult<()> {
        let Ok(account) = AccountId::parse(account) else { return Ok(()) };
        for endpoint in endpoints::ids(&self.context.db, &account).await? {
            self.release_endpoint(&endpoint).await?;
        }
        Ok(())
    }

    /// Takes deliveries out of memory and releases them.
    async fn release(
        self: &Arc<Self>,
        dropped: impl FnOnce(&mut Queues) -> Vec<LeasedDelivery> + Send + 'static,
    ) -> StoreResult<()> {
        let sender = Arc::clone(self);
        detached(async move {
            let dropped = dropped(&mut sender.queues());
            let ids: Vec<String> = dropped.into_iter().map(|delivery| delivery.id).collect();
            sender.release_leases(&ids).await.inspect_err(|_| sender.mark_uncertain())
        })
        .await
    }

    /// Releases leases of this node that are in no memory.
    ///
    /// # Errors
    /// When the database cannot be written. What was committed stays.
    pub(crate) async fn release_leases(&self, ids: &[String]) -> StoreResult<()> {
        for ids in ids.chunks(STEP_ROWS) {
            let mut tx = self.context.db.begin().await?;
            queue::release(&mut tx, &self.context.node, ids).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Cancels the unfinished deliveries of a deleted endpoint, in steps. Returns how many.
    ///
    /// # Errors
    /// When the database cannot be used. What was committed stays; the rest is cancelled within seconds.
    pub(crate) async fn cancel_of_endpoint(&self, account: &AccountId, id: &EndpointId) -> StoreResult<u64> {
        let (mut cancelled, mut after) = (0, <(String, String)>::default());
        let (db, limit) = (&self.context.db, u32::try_from(STEP_ROWS).unwrap_or(u32::MAX));
        let parking = Parking::of(&self.context, DELIVERIES).await?;
        loop {
            let found = deliveries::unfinished_of_endpoint(db, account, id, &after, limit).await?;
            let step = |rows| self.cancel_step(rows);
            cancelled += parking.all(&found, |(_, id)| id, Some(account.as_str()), step).await?;
            if found.len() < STEP_ROWS {
                return Ok(cancelled as u64);
            }
            after = found.into_iter().next_back().unwrap_or_default();
        }
    }

    async fn cancel_step(&self, rows: Vec<&(String, String)>) -> StoreResult<usize> {
        let ids: Vec<&str> = rows.into_iter().map(|(_, id)| id.as_str()).collect();
        let mut tx = self.context.db.begin().await?;
        let cancelled = deliveries::cancel_with_endpoint(&mut tx, &ids, self.now()).await?;
        tx.commit().await?;
        Ok(usize::try_from(cancelled).unwrap_or(usize::MAX))
    }

    /// This node reported at `start` that it lives. If the others had declared it dead before, its leases are theirs by now,
    /// apart from those it has acquired since.
    ///
    /// # Errors
    /// As [`Self::release_endpoint`].
    pub async fn on_heartbeat(self: &Arc<Self>, was_declared_dead: bool, start: LeaseStart) -> StoreResult<()> {
        if was_declared_dead {
            tracing::warn!("other nodes had declared this one dead; it releases its leases");
            self.release(Queues::drop_all).await?;
            self.wake_at(self.now());
        }
        self.leases.heartbeat(start);
        Ok(())
    }
}
