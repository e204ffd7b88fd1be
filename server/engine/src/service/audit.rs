//! Reading and writing the audit log.

use async_trait::async_trait;
use domain::{
    account::Account,
    actor::{Actor, Permission},
    audit::{Audit, AuditAction, AuditFilter, AuditPage, AuditRecord, Change},
    error::Result,
    id::AccountId,
    query::page_size,
};

use crate::{
    Engine,
    store::{
        audit::{self, AuditVerification, Entry},
        db::Tx,
    },
};

/// Records shown on the page of an object.
const LOG_SHOWN: u32 = 50;

#[async_trait]
impl Audit for Engine {
    async fn audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage> {
        self.records(actor.account_if(Permission::ReadAudit)?.as_str(), filter).await
    }

    async fn ops_audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage> {
        actor.require(Permission::Ops)?;
        self.records(audit::OPS_CHAIN, filter).await
    }
}

impl Engine {
    async fn records(&self, chain: &str, filter: &AuditFilter) -> Result<AuditPage> {
        let mut rows = audit::list(self.db(), chain, filter).await?;
        let size = page_size(filter.limit) as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(|record| record.position.to_string());
        Ok(AuditPage { rows, next })
    }

    /// The latest records about an object, newest first.
    pub(crate) async fn object_log(&self, actor: &Actor, chain: &str, object: &str) -> Result<Vec<AuditRecord>> {
        let filter = AuditFilter { object: Some(object.to_owned()), limit: LOG_SHOWN, ..AuditFilter::default() };
        let records = audit::list(self.db(), chain, &filter).await?;
        // Client addresses are for those who may read the audit log.
        let in_full = actor.may(Permission::ReadAudit) || actor.may(Permission::Ops);
        let shown = |record: AuditRecord| AuditRecord { address: record.address.filter(|_| in_full), ..record };
        Ok(records.into_iter().take(LOG_SHOWN as usize).map(shown).collect())
    }

    /// A record of what the actor does now, in this account's chain.
    pub(crate) fn entry(&self, actor: &Actor, account: &AccountId, action: AuditAction) -> Entry {
        Entry::new(self.next_id(), self.now(), account.as_str(), action).by(actor)
    }

    /// Appends a record, in the transaction of the change.
    pub(crate) async fn record(&self, tx: &mut Tx, entry: Entry) -> Result<()> {
        Ok(audit::add(tx, [entry]).await?)
    }

    /// Appends a record of what an operator does to an account, to the account's log and to the ops log, in the
    /// transaction of the change.
    pub(crate) async fn record_both(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        account: &Account,
        action: AuditAction,
        changes: Vec<Change>,
    ) -> Result<()> {
        let entry = |chain: &str| {
            let entry = Entry::new(self.next_id(), self.now(), chain, action).by(actor);
            entry.about(account.id.as_str(), &account.name).with(changes.clone())
        };
        Ok(audit::add(tx, [entry(account.id.as_str()), entry(audit::OPS_CHAIN)]).await?)
    }

    /// Verifies every record of every account's log and of the ops log.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read.
    pub async fn verify_audit(&self) -> Result<AuditVerification> {
        Ok(audit::verify(self.db()).await?)
    }
}
