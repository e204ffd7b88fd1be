//! Letting go of what is in hand, and not sending what may have become another node's.

use std::sync::atomic::Ordering;

use domain::{UnixMs, id::AccountId};

use crate::store::{
    db::Dialect,
    endpoints,
    error::StoreResult,
    jobs,
    nodes::{self, HeartbeatOutcome},
};

use super::{Sender, lane::Job};

impl Sender {
    /// Drops what is in hand for an endpoint that was paused, changed or deleted, so that it waits in the database.
    ///
    /// # Errors
    /// When the database cannot be written; the leases are then found astray.
    pub async fn release_endpoint(&self, endpoint: &str) -> StoreResult<()> {
        self.targets.forget(endpoint);
        let dropped = self.queues().drop_endpoint(endpoint);
        self.release(dropped).await
    }

    /// The same for all endpoints of an account.
    ///
    /// # Errors
    /// As [`Self::release_endpoint`].
    pub async fn release_account(&self, account: &str) -> StoreResult<()> {
        let Ok(account) = AccountId::parse(account) else { return Ok(()) };
        for endpoint in endpoints::ids(&self.db, &account).await? {
            self.release_endpoint(&endpoint).await?;
        }
        Ok(())
    }

    async fn release(&self, dropped: Vec<Job>) -> StoreResult<()> {
        let dropped: Vec<String> = dropped.into_iter().map(|job| job.id).collect();
        if dropped.is_empty() {
            return Ok(());
        }
        let released = async {
            let mut tx = self.db.begin().await?;
            jobs::release(&mut tx, &self.node, &dropped).await?;
            tx.commit().await
        };
        released.await.inspect_err(|_| self.mark_uncertain())
    }

    /// This node has said at `at` that it lives. If the others had given it up before, what it has in hand is theirs by now,
    /// apart from what it has leased since.
    ///
    /// # Errors
    /// As [`Self::release_endpoint`].
    pub async fn beaten(&self, beaten: HeartbeatOutcome, at: UnixMs) -> StoreResult<()> {
        if beaten.was_declared_dead {
            let dropped = self.queues().drop_all();
            tracing::warn!(deliveries = dropped.len(), "other nodes had given this one up; it starts anew");
            self.release(dropped).await?;
            self.wake_at(self.now());
        }
        self.beaten_at.store(at.0, Ordering::Release);
        if beaten.freed > 0 {
            self.wake_at(self.now());
        }
        Ok(())
    }

    /// Whether what is in hand is surely this node's. One that was silent for too long asks before it sends.
    pub(super) fn is_heard(&self) -> bool {
        let beaten_at = UnixMs(self.beaten_at.load(Ordering::Acquire));
        self.db.dialect == Dialect::Sqlite || self.now().since_ms(beaten_at) < nodes::SILENT_MS
    }
}
