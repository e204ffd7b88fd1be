//! What the command line does: connectors of any account, and of the platform.

use domain::{
    Error,
    actor::{Actor, Permission},
    connector::{Connector, ConnectorInput, ConnectorOwner, ConnectorWithSecret},
    error::Result,
    id::ConnectorId,
};

use super::not_found;
use crate::{
    Engine,
    store::{accounts, connectors},
};

impl Engine {
    /// The owner with this account's id or reference; the platform without one.
    ///
    /// # Errors
    /// `NotFound` for an unknown account.
    pub async fn connector_owner(&self, account: Option<&str>) -> Result<ConnectorOwner> {
        let Some(named) = account else { return Ok(ConnectorOwner::Platform) };
        let account = accounts::account(self.db(), named).await?.ok_or_else(|| Error::NotFound("Account".into()))?;
        Ok(ConnectorOwner::Account(account.id))
    }

    /// All connectors of an owner, by name.
    ///
    /// # Errors
    /// `Forbidden` for whoever is no operator.
    pub async fn connectors_of(&self, actor: &Actor, owner: &ConnectorOwner) -> Result<Vec<Connector>> {
        actor.require(Permission::Ops)?;
        let stored = connectors::of(self.db(), owner).await?;
        Ok(stored.into_iter().map(|stored| stored.connector).collect())
    }

    /// Creates a connector for an owner.
    ///
    /// # Errors
    /// As [`Self::connectors_of`]; `Invalid` per field, `Conflict` when there are too many.
    pub async fn create_connector_for(
        &self,
        actor: &Actor,
        owner: ConnectorOwner,
        input: &ConnectorInput,
    ) -> Result<ConnectorWithSecret> {
        actor.require(Permission::Ops)?;
        self.add_connector(owner, actor, input).await
    }

    /// A connector, whoever owns it.
    ///
    /// # Errors
    /// As [`Self::connectors_of`]; `NotFound`.
    pub async fn any_connector(&self, actor: &Actor, id: &ConnectorId) -> Result<Connector> {
        actor.require(Permission::Ops)?;
        Ok(connectors::by_id(self.db(), id).await?.ok_or_else(not_found)?.connector)
    }

    /// Gives a connector a new secret, whoever owns it.
    ///
    /// # Errors
    /// As [`Self::any_connector`].
    pub async fn rotate_any_connector(&self, actor: &Actor, id: &ConnectorId) -> Result<ConnectorWithSecret> {
        let connector = self.any_connector(actor, id).await?;
        self.renew_secret(actor, &connector).await
    }

    /// Pauses or resumes a connector, whoever owns it.
    ///
    /// # Errors
    /// As [`Self::any_connector`].
    pub async fn pause_any_connector(&self, actor: &Actor, id: &ConnectorId, paused: bool) -> Result<Connector> {
        let connector = self.any_connector(actor, id).await?;
        self.set_paused(actor, &connector, paused).await
    }

    /// Deletes a connector, whoever owns it.
    ///
    /// # Errors
    /// As [`Self::any_connector`].
    pub async fn delete_any_connector(&self, actor: &Actor, id: &ConnectorId) -> Result<()> {
        let connector = self.any_connector(actor, id).await?;
        self.drop_connector(actor, &connector).await
    }
}
