//! Suspends accounts with one write. That their deliveries are held is derived from it.

use std::sync::Arc;

use domain::{
    account::{Account, Suspension},
    actor::Actor,
    audit::{AuditAction, Change},
    error::Result,
    id::AccountId,
};

use crate::{
    Engine,
    delivery::cluster::ClusterMessage,
    store::{accounts, endpoints},
};

impl Engine {
    /// Suspends an account for a reason, or lifts its suspension without one.
    pub(super) async fn suspend(&self, actor: &Actor, id: &AccountId, reason: Option<String>) -> Result<Account> {
        let before = self.account_for_ops(actor, id).await?;
        let now = self.now();
        let since = before.suspended.as_ref().map_or(now, |suspension| suspension.since);
        let suspended = reason.map(|reason| Suspension { since, reason });
        if suspended == before.suspended {
            return Ok(before);
        }
        let ends = suspended.is_none();
        let reason_of = |suspension: &Option<Suspension>| suspension.as_ref().map(|one| one.reason.clone());
        let change =
            Change { what: "reason".to_owned(), before: reason_of(&before.suspended), after: reason_of(&suspended) };
        let after = Account { suspended, ..before };
        let mut tx = self.db().begin().await?;
        accounts::lock(&mut tx, id).await?;
        accounts::suspend(&mut tx, id, after.suspended.as_ref()).await?;
        if ends {
            // Nothing was attempted since: earlier failures say nothing about the endpoints now.
            endpoints::reset_health_of_account(&mut tx, id).await?;
        }
        let action = if ends { AuditAction::AccountRestored } else { AuditAction::AccountSuspended };
        self.record_both(&mut tx, actor, &after, action, vec![change]).await?;
        tx.commit_then(self.suspension_changed(id)).await??;
        Ok(after)
    }

    /// After the commit: releases the account's leased deliveries and clears cached tokens, here and on other nodes.
    fn suspension_changed(&self, id: &AccountId) -> impl Future<Output = Result<()>> + Send + use<> {
        let (auth_cache, sender) = (Arc::clone(self.auth_cache()), Arc::clone(self.sender()));
        let (id, woken) = (id.to_string(), self.wake(id));
        async move {
            auth_cache.actors.clear();
            sender.release_account(&id).await?;
            sender.broadcast(ClusterMessage::Suspension(id)).await;
            woken.await;
            Ok(())
        }
    }
}
