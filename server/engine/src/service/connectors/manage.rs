//! Creating, changing, pausing and deleting connectors.

use std::sync::Arc;

use domain::{
    Error,
    actor::Actor,
    audit::{AuditAction, Change},
    connector::{
        CONNECTORS_MAX, Connector, ConnectorInput, ConnectorOwner, ConnectorState, ConnectorWithSecret, NewConnector,
        PLATFORM_CONNECTORS_MAX,
    },
    country::Country,
    error::Result,
    id::ConnectorId,
};

use super::{not_found, secret};
use crate::{
    Engine,
    store::connectors::{self, StoredConnector},
};

impl Engine {
    /// Creates a connector with a new secret.
    pub(super) async fn add_connector(
        &self,
        owner: ConnectorOwner,
        actor: &Actor,
        input: &ConnectorInput,
    ) -> Result<ConnectorWithSecret> {
        let NewConnector(new) = input.check(&owner)?;
        let id = self.new_id(ConnectorId::new);
        let (secret, stored_secret) = secret::generate(self.vault(), new.way, &owner, &id);
        let connector = Connector {
            identity: new.identity.unwrap_or_else(|| id.to_string()),
            id,
            owner,
            name: new.name,
            system: new.system,
            way: new.way,
            country: new.country,
            time_zone: new.time_zone,
            trunks: new.trunks,
            include_internal: new.include_internal,
            ami_address: new.ami_address,
            mapping: new.mapping,
            records: None,
            paused_at: None,
            secret_hint: stored_secret.hint.clone(),
            version: 1,
            created_at: self.now(),
            state: ConnectorState::default(),
        };
        let mut tx = self.db().begin().await?;
        let changes =
            [Change::noted("phone system", connector.system.as_str()), Change::noted("way", connector.way.as_str())];
        // First: it locks the owner's chain, so that two at once are counted one after the other.
        let entry = self.connector_entry(actor, &connector, AuditAction::ConnectorCreated);
        self.record(&mut tx, entry.with(changes)).await?;
        let most = if connector.owner == ConnectorOwner::Platform { PLATFORM_CONNECTORS_MAX } else { CONNECTORS_MAX };
        if connectors::count(&mut tx, &connector.owner).await? >= i64::from(most) {
            let detail = format!("There can be at most {most} connectors. Delete one that is no longer used.");
            return Err(Error::Conflict { detail, existing: None });
        }
        connectors::add(&mut tx, &StoredConnector { connector: connector.clone(), secret: stored_secret }).await?;
        tx.commit().await?;
        Ok(ConnectorWithSecret { connector, secret })
    }

    /// Changes a connector's settings. Phone system, way and identity stay.
    pub(super) async fn change_connector(
        &self,
        actor: &Actor,
        before: Connector,
        input: &ConnectorInput,
        version: Option<u32>,
    ) -> Result<Connector> {
        let fixed = ConnectorInput { system: before.system, way: before.way, identity: None, ..input.clone() };
        let NewConnector(new) = fixed.check(&before.owner)?;
        let after = Connector {
            name: new.name,
            country: new.country,
            time_zone: new.time_zone,
            trunks: new.trunks,
            include_internal: new.include_internal,
            ami_address: new.ami_address,
            mapping: new.mapping,
            ..before.clone()
        };
        let mut tx = self.db().begin().await?;
        if !connectors::update(&mut tx, &after, version.unwrap_or(0)).await? {
            return Err(edit_conflict(&before.id));
        }
        let entry = self.connector_entry(actor, &after, AuditAction::ConnectorChanged);
        self.record(&mut tx, entry.with(differences(&before, &after))).await?;
        tx.commit_then(self.forget_connector(&before.id)).await?;
        self.connector_of(&before.owner, &before.id).await
    }

    /// Pauses or resumes a connector; no effect if it is that already.
    pub(super) async fn set_paused(&self, actor: &Actor, before: &Connector, paused: bool) -> Result<Connector> {
        let (owner, id) = (&before.owner, &before.id);
        let mut tx = self.db().begin().await?;
        let (changed, action) = if paused {
            (connectors::pause(&mut tx, owner, id, self.now()).await?, AuditAction::ConnectorPaused)
        } else {
            (connectors::resume(&mut tx, owner, id).await?, AuditAction::ConnectorResumed)
        };
        if changed {
            self.record(&mut tx, self.connector_entry(actor, before, action)).await?;
            tx.commit_then(self.forget_connector(id)).await?;
        }
        self.connector_of(owner, id).await
    }

    /// Gives a connector a new secret.
    pub(super) async fn renew_secret(&self, actor: &Actor, before: &Connector) -> Result<ConnectorWithSecret> {
        let (secret, stored) = secret::generate(self.vault(), before.way, &before.owner, &before.id);
        let mut tx = self.db().begin().await?;
        if !connectors::set_secret(&mut tx, &before.owner, &before.id, &stored).await? {
            return Err(not_found());
        }
        self.record(&mut tx, self.connector_entry(actor, before, AuditAction::ConnectorSecretRotated)).await?;
        tx.commit().await?;
        Ok(ConnectorWithSecret { connector: self.connector_of(&before.owner, &before.id).await?, secret })
    }

    /// Deletes a connector, its requests and open calls. Its gaps, imports, routes and numbers are deleted in the background.
    pub(super) async fn drop_connector(&self, actor: &Actor, before: &Connector) -> Result<()> {
        let mut tx = self.db().begin().await?;
        if !connectors::delete(&mut tx, &before.owner, &before.id, self.now()).await? {
            return Err(not_found());
        }
        // The session first, as whoever saves its open calls.
        connectors::sessions::clear(&mut tx, &before.id).await?;
        connectors::open_calls::clear(&mut tx, &before.id).await?;
        connectors::requests::clear(&mut tx, &before.id).await?;
        self.record(&mut tx, self.connector_entry(actor, before, AuditAction::ConnectorDeleted)).await?;
        Ok(tx.commit_then(self.forget_connector(&before.id)).await?)
    }

    /// After the commit: routing on this node reads the connector again at once; other nodes do so when their entry expires.
    pub(super) fn forget_connector(&self, id: &ConnectorId) -> impl Future<Output = ()> + Send + use<> {
        let (auth_cache, id) = (Arc::clone(self.auth_cache()), id.to_string());
        async move { auth_cache.connectors.remove(&id) }
    }

    async fn connector_of(&self, owner: &ConnectorOwner, id: &ConnectorId) -> Result<Connector> {
        let stored = connectors::one(self.db(), owner, id).await?;
        stored.map(|stored| stored.connector).ok_or_else(not_found)
    }
}

/// What an update changed. A mapping may have phone numbers, so only its length is recorded.
fn differences(before: &Connector, after: &Connector) -> Vec<Change> {
    let country = |of: &Connector| of.country.map(String::from as fn(Country) -> String).unwrap_or_default();
    let zone = |of: &Connector| of.time_zone.clone().unwrap_or_default();
    let yes = |is: bool| if is { "yes" } else { "no" };
    let address = |of: &Connector| of.ami_address.clone().unwrap_or_default();
    let bytes = |of: &Connector| of.mapping.as_ref().map(|mapping| format!("{} bytes", mapping.len()));
    let mapping = (before.mapping != after.mapping).then(|| Change {
        what: "mapping".to_owned(),
        before: bytes(before),
        after: bytes(after),
    });
    let changes = [
        Change::between("name", &*before.name, &*after.name),
        Change::between("country", country(before), country(after)),
        Change::between("time zone", zone(before), zone(after)),
        Change::between("trunks", before.trunks.join(", "), after.trunks.join(", ")),
        Change::between("internal calls", yes(before.include_internal), yes(after.include_internal)),
        Change::between("AMI address", address(before), address(after)),
        mapping,
    ];
    changes.into_iter().flatten().collect()
}

fn edit_conflict(id: &ConnectorId) -> Error {
    Error::Conflict {
        detail: "Someone else changed this connector while you were editing it. Review the changes, then save again."
            .into(),
        existing: Some(id.to_string()),
    }
}
