//! Deletes endpoints. The row is kept, since deliveries refer to it; unfinished deliveries are cancelled.
//!
//! This takes two transactions. Recording an outcome locks the delivery first and its endpoint second, so a transaction that
//! locked the endpoint and then deliveries could deadlock. Deliveries accepted at that moment, or left by a crash in
//! between, are cancelled by [`crate::background::stuck_deliveries`].

use domain::{
    actor::Actor,
    audit::{AuditAction, Change},
    endpoint::EndpointState,
    error::Result,
    id::{AccountId, EndpointId},
};

use crate::{
    Engine,
    store::{
        credentials::rotations,
        deliveries::{self, recovery_jobs},
        endpoints,
    },
};

impl Engine {
    /// Marks the endpoint as deleted, so that it gets no new deliveries. Recorded once, even if repeated.
    pub(super) async fn mark_deleted(
        &self,
        actor: &Actor,
        account: &AccountId,
        id: &EndpointId,
        name: &str,
    ) -> Result<()> {
        let now = self.now();
        let mut tx = self.db().begin().await?;
        // The order of locks: job, rotation, endpoint, log.
        let job = recovery_jobs::cancel_of_endpoint(&mut tx, account, id, now).await?;
        rotations::end_all(&mut tx, account, id).await?;
        if endpoints::set_state(&mut tx, account, id, EndpointState::Deleted, None, now).await? {
            let entry = self.entry(actor, account, AuditAction::EndpointDeleted).about(id.as_str(), name);
            self.record(&mut tx, entry).await?;
        }
        if let Some(job) = job {
            let entry = self.entry(actor, account, AuditAction::RecoveryCancelled).about(id.as_str(), name);
            self.record(&mut tx, entry.with([Change::noted("job", job.to_string())])).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Cancels the unfinished deliveries of a deleted endpoint. Returns how many.
    pub(super) async fn cancel_unfinished(&self, account: &AccountId, id: &EndpointId) -> Result<u64> {
        let mut tx = self.db().begin().await?;
        let cancelled = deliveries::cancel_of_endpoint(&mut tx, account, id, self.now()).await?;
        tx.commit().await?;
        self.wake(account).await;
        Ok(cancelled)
    }
}
