//! Items that were set aside, tried again by an operator.

use std::sync::Arc;

use domain::{
    Error,
    actor::Actor,
    audit::{AuditAction, Change},
    error::Result,
    id::{AccountId, DeliveryId},
    ops::parked::DELIVERIES,
};

use crate::{
    Engine,
    background::phone_indexer::PHONE_INDEXER,
    store::{
        audit::{self, Entry},
        deliveries,
        events::phone_index,
        ops::parked,
    },
};

impl Engine {
    /// Removes a parked item, so that its worker takes it up. A delivery that was ended with it is resent.
    pub(super) async fn try_again(&self, actor: &Actor, worker: &str, item: &str) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let removed = parked::remove(&mut tx, worker, item).await?;
        let account = removed.ok_or_else(|| Error::NotFound("Parked item".into()))?;
        let account = account.and_then(|account| AccountId::parse(&account).ok());
        if let (DELIVERIES, Some(account), Ok(id)) = (worker, &account, DeliveryId::parse(item)) {
            deliveries::resend_parked(&mut tx, account, &id, self.now()).await?;
        }
        if worker == PHONE_INDEXER {
            // The index has passed this row, and doesn't come back.
            phone_index::add_at(&mut tx, item).await?;
        }
        let entry = Entry::new(self.next_id(), self.now(), audit::OPS_CHAIN, AuditAction::ParkedRetried).by(actor);
        let entry = entry.about(item, "").with([Change::noted("task", worker)]);
        self.record(&mut tx, entry).await?;
        let sender = Arc::clone(self.sender());
        let woken = async move {
            sender.context.rotation_changed.notify_one();
            sender.context.recovery_changed.notify_one();
            sender.wake_at(sender.now());
            sender.changed(account.map(String::from)).await;
        };
        Ok(tx.commit_then(woken).await?)
    }
}
