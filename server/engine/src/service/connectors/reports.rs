//! What connectors report: their state, and gaps.

use std::sync::Arc;

use domain::{
    audit::AuditAction,
    connector::{Connector, ConnectorOwner, ConnectorProblem, Gap, StateReport},
    error::Result,
    event::Page,
    id::ConnectorId,
    query::page_size,
};

use super::not_found;
use crate::{
    Engine,
    store::{
        audit::Entry,
        connectors::{self, gaps, state},
    },
};

impl Engine {
    /// Records a connector's state. One that was down and is connected again is recorded as up.
    pub(super) async fn note_state(
        &self,
        owner: &ConnectorOwner,
        id: &ConnectorId,
        report: &StateReport,
    ) -> Result<Connector> {
        report.check()?;
        let mut tx = self.db().begin().await?;
        let stored = connectors::locked(&mut tx, id).await?.filter(|stored| stored.connector.owner == *owner);
        let before = stored.ok_or_else(not_found)?.connector;
        let mut after = before.state.after(report.clone(), self.now());
        if report.connected
            && after.problem.is_none()
            && let Some(name) = connectors::twin(&mut tx, &before, self.now()).await?
        {
            after.problem = Some(ConnectorProblem::Duplicate);
            after.detail = Some(format!("{name} has the same identity"));
        }
        state::save(&mut tx, id, &after).await?;
        if before.state.down_since.is_some() && after.down_since.is_none() {
            let entry = Entry::new(self.next_id(), self.now(), connectors::key(owner), AuditAction::ConnectorUp);
            self.record(&mut tx, entry.about(id.as_str(), &before.name)).await?;
        }
        tx.commit_then(self.connector_changed(owner)).await?;
        Ok(Connector { state: after, ..before })
    }

    /// Records a gap. True if it is new.
    pub(super) async fn note_gap(&self, owner: &ConnectorOwner, id: &ConnectorId, gap: &Gap) -> Result<bool> {
        gap.check(self.now())?;
        connectors::one(self.db(), owner, id).await?.ok_or_else(not_found)?;
        let mut tx = self.db().begin().await?;
        let added = gaps::set(&mut tx, id, gap).await?;
        tx.commit_then(self.connector_changed(owner)).await?;
        Ok(added)
    }

    /// After the commit: tells the open pages of the account. Those of operators look by themselves.
    pub(super) fn connector_changed(&self, owner: &ConnectorOwner) -> impl Future<Output = ()> + Send + use<> {
        let (sender, account) = (Arc::clone(self.sender()), owner.account().map(ToString::to_string));
        async move { sender.changed(account).await }
    }

    /// One page of gaps, newest first.
    pub(super) async fn page_of_gaps(&self, id: &ConnectorId, cursor: Option<&str>, limit: u32) -> Result<Page<Gap>> {
        let size = page_size(limit);
        let before = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(i64::MAX);
        let mut rows = gaps::list(self.db(), id, before, size + 1).await?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next = rows.last().filter(|_| more).map(|gap| gap.from.0.to_string());
        Ok(Page { rows, next })
    }
}
