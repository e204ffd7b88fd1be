//! Deletes endpoints. The row is kept, since deliveries refer to it; unfinished deliveries are cancelled.
//!
//! This takes two transactions. Recording an outcome locks the delivery first and its endpoint second, so a transaction that
//! locked the endpoint and then deliveries could deadlock. Deliveries accepted at that moment, or left by a crash in
//! between, are cancelled by [`crate::background::stuck_deliveries`].

use std::sync::Arc;

use domain::{
    actor::Actor,
    audit::{AuditAction, Change},
    endpoint::EndpointState,
    error::Result,
    id::{AccountId, EndpointId},
};

use crate::{
    Engine,
    store::{credentials::rotations, deliveries::recovery_jobs, endpoints},
};

impl Engine {
    /// Marks the endpoint as deleted, so that it gets no new deliveries, then cancels those that wait and returns how many
    /// there were. Recorded once, even if repeated.
    pub(super) async fn mark_deleted(
        &self,
        actor: &Actor,
        account: &AccountId,
        id: &EndpointId,
        name: &str,
    ) -> Result<u64> {
        let now = self.now();
        let mut tx = self.db().begin().await?;
        // The order of locks: job, rotation, endpoint, log.
        let jobs = recovery_jobs::cancel_of_endpoint(&mut tx, account, id, now).await?;
        rotations::end_all(&mut tx, account, id).await?;
        if endpoints::set_state(&mut tx, account, id, EndpointState::Deleted, None, now).await? {
            let entry = self.entry(actor, account, AuditAction::EndpointDeleted).about(id.as_str(), name);
            self.record(&mut tx, entry).await?;
        }
        for job in jobs {
            let entry = self.entry(actor, account, AuditAction::RecoveryCancelled).about(id.as_str(), name);
            self.record(&mut tx, entry.with([Change::noted("job", job.to_string())])).await?;
        }
        tx.commit_then(self.endpoint_deleted(account, id)).await?
    }

    /// After the commit: releases and cancels the unfinished deliveries. Returns how many.
    fn endpoint_deleted(
        &self,
        account: &AccountId,
        id: &EndpointId,
    ) -> impl Future<Output = Result<u64>> + Send + use<> {
        let (sender, changed, woken) =
            (Arc::clone(self.sender()), self.endpoint_changed(account, id), self.wake(account));
        let (account, id) = (account.clone(), id.clone());
        async move {
            changed.await?;
            let cancelled = sender.cancel_of_endpoint(&account, &id).await?;
            woken.await;
            Ok(cancelled)
        }
    }
}
