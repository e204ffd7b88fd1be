//! Connectors: create, change, pause, delete; what they report; how their calls are routed.

mod command;
mod doors;
mod manage;
mod reports;
mod routing;
mod secret;

use async_trait::async_trait;
use domain::{
    Error,
    actor::{Actor, Permission, Who},
    audit::{AuditAction, AuditRecord},
    connector::{
        Connector, ConnectorInput, ConnectorOwner, ConnectorWithSecret, Connectors, Gap, RawRequest, StateReport,
        route::{CallRoute, Destination, NewRoute, Pattern, Route, RoutesChanged, Unrouted},
    },
    error::Result,
    event::Page,
    id::ConnectorId,
};

use crate::{
    Engine,
    store::{
        audit::Entry,
        connectors::{self, StoredConnector},
    },
};

#[async_trait]
impl Connectors for Engine {
    async fn connectors(&self, actor: &Actor) -> Result<Vec<Connector>> {
        let owner = owner(actor, Permission::ReadConnectors)?;
        let stored = connectors::of(self.db(), &owner).await?;
        Ok(stored.into_iter().map(|stored| shown(actor, stored.connector)).collect())
    }

    async fn connector(&self, actor: &Actor, id: &ConnectorId) -> Result<Connector> {
        Ok(shown(actor, self.stored_connector(actor, id, Permission::ReadConnectors).await?.connector))
    }

    async fn create_connector(&self, actor: &Actor, input: &ConnectorInput) -> Result<ConnectorWithSecret> {
        self.add_connector(owner(actor, Permission::ManageConnectors)?, actor, input).await
    }

    async fn update_connector(
        &self,
        actor: &Actor,
        id: &ConnectorId,
        input: &ConnectorInput,
        version: Option<u32>,
    ) -> Result<Connector> {
        let before = self.stored_connector(actor, id, Permission::ManageConnectors).await?.connector;
        self.change_connector(actor, before, input, version).await
    }

    async fn pause_connector(&self, actor: &Actor, id: &ConnectorId) -> Result<Connector> {
        let before = self.stored_connector(actor, id, Permission::ManageConnectors).await?.connector;
        self.set_paused(actor, &before, true).await
    }

    async fn resume_connector(&self, actor: &Actor, id: &ConnectorId) -> Result<Connector> {
        let before = self.stored_connector(actor, id, Permission::ManageConnectors).await?.connector;
        self.set_paused(actor, &before, false).await
    }

    async fn rotate_connector_secret(&self, actor: &Actor, id: &ConnectorId) -> Result<ConnectorWithSecret> {
        let before = self.stored_connector(actor, id, Permission::ManageConnectors).await?.connector;
        self.renew_secret(actor, &before).await
    }

    async fn delete_connector(&self, actor: &Actor, id: &ConnectorId) -> Result<()> {
        let before = self.stored_connector(actor, id, Permission::ManageConnectors).await?.connector;
        self.drop_connector(actor, &before).await
    }

    async fn report_state(&self, actor: &Actor, id: &ConnectorId, report: &StateReport) -> Result<Connector> {
        let owner = reporter(actor, id)?;
        self.note_state(&owner, id, report).await
    }

    async fn report_gap(&self, actor: &Actor, id: &ConnectorId, gap: &Gap) -> Result<bool> {
        let owner = reporter(actor, id)?;
        self.note_gap(&owner, id, gap).await
    }

    async fn gaps(&self, actor: &Actor, id: &ConnectorId, cursor: Option<&str>, limit: u32) -> Result<Page<Gap>> {
        self.stored_connector(actor, id, Permission::ReadConnectors).await?;
        self.page_of_gaps(id, cursor, limit).await
    }

    async fn routes(
        &self,
        actor: &Actor,
        id: &ConnectorId,
        text: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Route>> {
        self.platform_connector(actor, id, Permission::ReadConnectors).await?;
        self.page_of_routes(id, text, cursor, limit).await
    }

    async fn replace_routes(&self, actor: &Actor, id: &ConnectorId, routes: Vec<NewRoute>) -> Result<RoutesChanged> {
        let connector = self.platform_connector(actor, id, Permission::ManageConnectors).await?;
        self.replace_table(actor, &connector, routes).await
    }

    async fn set_route(&self, actor: &Actor, id: &ConnectorId, route: NewRoute) -> Result<()> {
        let connector = self.platform_connector(actor, id, Permission::ManageConnectors).await?;
        self.set_one_route(actor, &connector, route).await
    }

    async fn remove_route(&self, actor: &Actor, id: &ConnectorId, pattern: &Pattern) -> Result<()> {
        let connector = self.platform_connector(actor, id, Permission::ManageConnectors).await?;
        self.remove_one_route(actor, &connector, pattern).await
    }

    async fn unrouted(&self, actor: &Actor, id: &ConnectorId) -> Result<Vec<Unrouted>> {
        self.platform_connector(actor, id, Permission::ReadConnectors).await?;
        Ok(connectors::unrouted::list(self.db(), id).await?)
    }

    async fn clear_unrouted(&self, actor: &Actor, id: &ConnectorId) -> Result<()> {
        self.platform_connector(actor, id, Permission::ManageConnectors).await?;
        let mut tx = self.db().begin().await?;
        connectors::unrouted::clear(&mut tx, id).await?;
        Ok(tx.commit().await?)
    }

    async fn raw_requests(&self, actor: &Actor, id: &ConnectorId) -> Result<Vec<RawRequest>> {
        self.stored_connector(actor, id, Permission::ManageConnectors).await?;
        self.kept_requests(id).await
    }

    async fn connector_log(&self, actor: &Actor, id: &ConnectorId) -> Result<Vec<AuditRecord>> {
        let stored = self.stored_connector(actor, id, Permission::ReadConnectors).await?;
        self.object_log(actor, connectors::key(&stored.connector.owner), id.as_str()).await
    }

    async fn route_event(&self, actor: &Actor, id: &ConnectorId, route: Option<&CallRoute>) -> Result<Destination> {
        self.destination(actor, id, route).await
    }
}

/// Whose connectors the actor sees: their account's, or the platform's for operators and platform tokens.
fn owner(actor: &Actor, permission: Permission) -> Result<ConnectorOwner> {
    if actor.may(Permission::Ops) {
        return Ok(ConnectorOwner::Platform);
    }
    actor.require(permission)?;
    match &actor.who {
        Who::Token { account: None, .. } => Ok(ConnectorOwner::Platform),
        _ => actor.account().cloned().map(ConnectorOwner::Account),
    }
}

/// Who may report what a connector sees: the connector itself, and whoever manages it.
fn reporter(actor: &Actor, id: &ConnectorId) -> Result<ConnectorOwner> {
    match &actor.who {
        Who::Connector { connector, account, .. } if connector == id => {
            Ok(account.clone().map_or(ConnectorOwner::Platform, ConnectorOwner::Account))
        }
        Who::Connector { .. } => Err(not_found()),
        _ => owner(actor, Permission::ManageConnectors),
    }
}

fn not_found() -> Error {
    Error::NotFound("Connector".into())
}

/// Support staff don't see what may have phone numbers.
fn shown(actor: &Actor, connector: Connector) -> Connector {
    if actor.sees_masked_numbers() { Connector { mapping: None, ..connector } } else { connector }
}

impl Engine {
    async fn stored_connector(&self, actor: &Actor, id: &ConnectorId, needs: Permission) -> Result<StoredConnector> {
        let owner = owner(actor, needs)?;
        connectors::one(self.db(), &owner, id).await?.ok_or_else(not_found)
    }

    /// A connector with routes: one of the platform.
    async fn platform_connector(&self, actor: &Actor, id: &ConnectorId, needs: Permission) -> Result<Connector> {
        let connector = self.stored_connector(actor, id, needs).await?.connector;
        if connector.owner == ConnectorOwner::Platform { Ok(connector) } else { Err(not_found()) }
    }

    /// A record of what the actor does to a connector now, in its owner's chain.
    fn connector_entry(&self, actor: &Actor, connector: &Connector, action: AuditAction) -> Entry {
        let entry = Entry::new(self.next_id(), self.now(), connectors::key(&connector.owner), action);
        entry.by(actor).about(connector.id.as_str(), &connector.name)
    }
}
