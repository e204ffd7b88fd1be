//! The audit log: records are made where something is done; here they are shown.

use async_trait::async_trait;
use domain::{
    account::Account,
    actor::{Actor, Permission},
    audit::{Audit, AuditFilter, AuditPage, Change, Deed},
    error::Result,
    id::AccountId,
    query::page_size,
};

use crate::{
    Engine,
    store::{
        audit::{self, Entry, Verdict},
        db::Tx,
    },
};

#[async_trait]
impl Audit for Engine {
    async fn audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage> {
        self.records(actor.account_if(Permission::ReadAudit)?.as_str(), filter).await
    }

    async fn installation_audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage> {
        actor.require(Permission::Operate)?;
        self.records(audit::OPS_CHAIN, filter).await
    }
}

impl Engine {
    async fn records(&self, chain: &str, filter: &AuditFilter) -> Result<AuditPage> {
        let mut rows = audit::list(self.db(), chain, filter).await?;
        let size = page_size(filter.limit) as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(|(position, _)| position.to_string());
        Ok(AuditPage { rows: rows.into_iter().map(|(_, record)| record).collect(), next })
    }

    /// The record of something that somebody does now, in the chain of this account.
    pub(crate) fn entry(&self, actor: &Actor, account: &AccountId, deed: Deed) -> Entry {
        Entry::new(self.next_id(), self.now(), account.as_str(), deed).by(actor)
    }

    /// Adds one record in the transaction of what it tells.
    pub(crate) async fn note(&self, tx: &mut Tx, entry: Entry) -> Result<()> {
        Ok(audit::add(tx, [entry]).await?)
    }

    /// Adds what an operator does to an account to its own log and to the installation's, in the transaction of what
    /// they tell.
    pub(crate) async fn record_both(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        account: &Account,
        deed: Deed,
        changes: Vec<Change>,
    ) -> Result<()> {
        let entry = |chain: &str| {
            let entry = Entry::new(self.next_id(), self.now(), chain, deed).by(actor);
            entry.about(account.id.as_str(), &account.name).with(changes.clone())
        };
        Ok(audit::add(tx, [entry(account.id.as_str()), entry(audit::OPS_CHAIN)]).await?)
    }

    /// Checks every record of every account's log and of the installation's.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read.
    pub async fn verify_audit(&self) -> Result<Verdict> {
        Ok(audit::verify(self.db()).await?)
    }
}
