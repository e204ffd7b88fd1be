//! How an endpoint goes. Its row stays, since deliveries tell of it; what waits for it is cancelled.
//!
//! These are two transactions. Who records an outcome has the delivery first and its endpoint after it, so one that had the
//! endpoint and then asked for deliveries would wait for somebody who waits for it. What was being accepted at that
//! moment, and what a crash in between leaves, is cancelled by [`crate::background::stuck_deliveries`].

use domain::{
    actor::Actor,
    audit::{Change, Deed},
    endpoint::EndpointState,
    error::Result,
    id::{AccountId, EndpointId},
};

use crate::{
    Engine,
    store::{deliveries, endpoints, recover, rotations},
};

impl Engine {
    /// From now on nothing is accepted for it. On record once, however often it is asked for.
    pub(super) async fn mark_deleted(
        &self,
        actor: &Actor,
        account: &AccountId,
        id: &EndpointId,
        name: &str,
    ) -> Result<()> {
        let now = self.now();
        let mut tx = self.db().begin().await?;
        // First, as everywhere: jobs and rotations are locked before their endpoint, and that before the log.
        let job = recover::cancel_of_endpoint(&mut tx, account, id, now).await?;
        rotations::end_all(&mut tx, account, id).await?;
        if endpoints::set_state(&mut tx, account, id, EndpointState::Deleted, None, now).await? {
            let entry = self.entry(actor, account, Deed::EndpointDeleted).about(id.as_str(), name);
            self.note(&mut tx, entry).await?;
        }
        if let Some(job) = job {
            let entry = self.entry(actor, account, Deed::RecoveryCancelled).about(id.as_str(), name);
            self.note(&mut tx, entry.with([Change::noted("job", job.to_string())])).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Ends what has not ended for a deleted endpoint; returns how many.
    pub(super) async fn cancel_what_waits(&self, account: &AccountId, id: &EndpointId) -> Result<u64> {
        let mut tx = self.db().begin().await?;
        let cancelled = deliveries::cancel_of_endpoint(&mut tx, account, id, self.now()).await?;
        tx.commit().await?;
        self.wake(account).await;
        Ok(cancelled)
    }
}
