//! Suspending an account: one write, whatever waits for it. That its deliveries are held is derived from it.

use domain::{
    account::{Account, Suspension},
    actor::Actor,
    audit::{Change, Deed},
    error::Result,
    id::AccountId,
};

use crate::{
    Engine,
    sender::news::News,
    store::{endpoints, operate},
};

impl Engine {
    /// Suspends an account for a reason, or without one ends its suspension.
    pub(super) async fn suspend(&self, actor: &Actor, id: &AccountId, reason: Option<String>) -> Result<Account> {
        let before = self.account_to_operate(actor, id).await?;
        let now = self.now();
        let since = before.suspended.as_ref().map_or(now, |suspension| suspension.since);
        let suspended = reason.map(|reason| Suspension { since, reason });
        if suspended == before.suspended {
            return Ok(before);
        }
        let ends = suspended.is_none();
        let said = |suspension: &Option<Suspension>| suspension.as_ref().map(|one| one.reason.clone());
        let change = Change { what: "reason".to_owned(), before: said(&before.suspended), after: said(&suspended) };
        let after = Account { suspended, ..before };
        let mut tx = self.db().begin().await?;
        operate::lock(&mut tx, id).await?;
        operate::suspend(&mut tx, id, after.suspended.as_ref()).await?;
        if ends {
            // Nothing was tried meanwhile: a row of failures from before says nothing about the time since.
            endpoints::reset_health_of_account(&mut tx, id).await?;
        }
        let deed = if ends { Deed::AccountRestored } else { Deed::AccountSuspended };
        self.record_both(&mut tx, actor, &after, deed, vec![change]).await?;
        tx.commit().await?;
        self.suspension_changed(id).await?;
        Ok(after)
    }

    /// What is in hand for the account goes back, and its tokens are asked for again, here and on the other nodes.
    async fn suspension_changed(&self, id: &AccountId) -> Result<()> {
        self.believed().actors.clear();
        self.sender().release_account(id.as_str()).await?;
        self.sender().tell(News::Suspension(id.to_string())).await;
        self.wake(id).await;
        Ok(())
    }
}
