//! The audit log: records are made where something is done; here they are shown.

use async_trait::async_trait;
use domain::{
    actor::{Actor, Permission},
    audit::{Audit, AuditFilter, AuditPage, Deed},
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
        let account = actor.account_if(Permission::ReadAudit)?;
        let mut rows = audit::list(self.db(), account.as_str(), filter).await?;
        let size = page_size(filter.limit) as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(|(position, _)| position.to_string());
        Ok(AuditPage { rows: rows.into_iter().map(|(_, record)| record).collect(), next })
    }
}

impl Engine {
    /// The record of something that somebody does now, in the chain of this account.
    pub(crate) fn entry(&self, actor: &Actor, account: &AccountId, deed: Deed) -> Entry {
        Entry::new(self.next_id(), self.now(), account.as_str(), deed).by(actor)
    }

    /// Adds one record in the transaction of what it tells.
    pub(crate) async fn note(&self, tx: &mut Tx, entry: Entry) -> Result<()> {
        Ok(audit::add(tx, [entry]).await?)
    }

    /// Checks every record of every account's log and of the installation's.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read.
    pub async fn verify_audit(&self) -> Result<Verdict> {
        Ok(audit::verify(self.db()).await?)
    }
}
