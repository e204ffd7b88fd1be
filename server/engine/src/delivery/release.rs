//! Releases leased deliveries, so that they wait in the database.

use std::collections::BTreeSet;

use domain::{UnixMs, id::AccountId};

use crate::store::{deliveries::queue, endpoints, error::StoreResult, nodes::HeartbeatOutcome};

use super::{leased::LeasedDelivery, outcome::Outcome, sender::Sender, throttle};

impl Sender {
    /// Releases the deliveries of an endpoint that was paused, changed or deleted.
    ///
    /// # Errors
    /// When the database cannot be written; reconciliation then finds the leases.
    pub async fn release_endpoint(&self, endpoint: &str) -> StoreResult<()> {
        self.targets.forget(endpoint);
        let dropped = {
            let mut queues = self.queues();
            queues.reset_throttle(endpoint);
            queues.drop_endpoint(endpoint)
        };
        self.release(dropped).await
    }

    /// Releases the deliveries of endpoints whose servers requested a long pause: memory is for what is sent soon.
    pub(super) async fn release_throttled(&self, batch: &[Outcome]) {
        let soon = self.now().plus_ms(throttle::IN_MEMORY_MS);
        let paused = batch.iter().filter_map(Outcome::attempt).filter(|attempt| attempt.throttled_until > Some(soon));
        let paused: BTreeSet<&str> = paused.map(|attempt| &*attempt.delivery.endpoint_id).collect();
        for endpoint in paused {
            let dropped = self.queues().drop_endpoint(endpoint);
            if let Err(error) = self.release(dropped).await {
                tracing::warn!(%error, endpoint, "deliveries that wait could not be released yet");
            }
        }
    }

    /// The same for all endpoints of an account.
    ///
    /// # Errors
    /// As [`Self::release_endpoint`].
    pub async fn release_account(&self, account: &str) -> StoreResult<()> {
        let Ok(account) = AccountId::parse(account) else { return Ok(()) };
        for endpoint in endpoints::ids(&self.context.db, &account).await? {
            self.release_endpoint(&endpoint).await?;
        }
        Ok(())
    }

    async fn release(&self, dropped: Vec<LeasedDelivery>) -> StoreResult<()> {
        let dropped: Vec<String> = dropped.into_iter().map(|delivery| delivery.id).collect();
        if dropped.is_empty() {
            return Ok(());
        }
        let released = async {
            let mut tx = self.context.db.begin().await?;
            queue::release(&mut tx, &self.context.node, &dropped).await?;
            tx.commit().await
        };
        released.await.inspect_err(|_| self.mark_uncertain())
    }

    /// This node reported at `at` that it lives. If the others had declared it dead before, its leases are theirs by now,
    /// apart from those it has acquired since.
    ///
    /// # Errors
    /// As [`Self::release_endpoint`].
    pub async fn on_heartbeat(&self, heartbeat: HeartbeatOutcome, at: UnixMs) -> StoreResult<()> {
        if heartbeat.was_declared_dead {
            let dropped = self.queues().drop_all();
            tracing::warn!(
                deliveries = dropped.len(),
                "other nodes had declared this one dead; it releases its leases"
            );
            self.release(dropped).await?;
            self.wake_at(self.now());
        }
        self.leases.heartbeat(at);
        if heartbeat.released > 0 {
            self.wake_at(self.now());
        }
        Ok(())
    }
}
