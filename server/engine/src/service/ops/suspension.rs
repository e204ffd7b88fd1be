//! Suspends accounts with one write. That their deliveries are held is derived from it.

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
        let before = self.account_to_operate(actor, id).await?;
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
        tx.commit().await?;
        self.suspension_changed(id).await?;
        Ok(after)
    }

    /// Releases the account's leased deliveries and clears cached tokens, here and on other nodes.
    async fn suspension_changed(&self, id: &AccountId) -> Result<()> {
        self.auth_cache().actors.clear();
        self.sender().release_account(id.as_str()).await?;
        self.sender().broadcast(ClusterMessage::Suspension(id.to_string())).await;
        self.wake(id).await;
        Ok(())
    }
}
