//! What the parts of the server need that phone systems talk to.

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    actor::{Actor, Who},
    connector::{
        BegunSession, Connector, ConnectorDoors, InsideConnector, LatestSession, OPEN_CALLS_MAX_BYTES, OpenConnector,
        REQUEST_KEPT_BYTES, RawRequest, Saving, SessionNumber, Way,
    },
    error::Result,
    id::ConnectorId,
};

use super::{not_found, secret::seal_context};
use crate::{
    Engine,
    digest::hash,
    store::connectors::{self, open_calls, requests, sessions, state},
};

#[async_trait]
impl ConnectorDoors for Engine {
    async fn open_connector(&self, id: &str, secret: &str) -> Result<OpenConnector> {
        let id = ConnectorId::parse(id)?;
        let stored = connectors::by_id(self.db(), &id).await?.ok_or_else(not_found)?;
        if stored.secret.hash != Some(hash(secret)) {
            return Err(not_found());
        }
        if stored.connector.paused_at.is_some() {
            let detail = "This connector is paused. Resume it, then connect again.";
            return Err(Error::Conflict { detail: detail.into(), existing: None });
        }
        let events_per_s = self.refuse_suspended(stored.connector.owner.account()).await?;
        let opened = opened(stored.connector);
        Ok(OpenConnector { actor: Actor { events_per_s, ..opened.actor }, ..opened })
    }

    async fn inside_connectors(&self) -> Result<Vec<InsideConnector>> {
        let stored = connectors::platforms_of_way(self.db(), Way::Ami).await?;
        let opened = stored.into_iter().filter_map(|stored| {
            let connector = stored.connector;
            let context = seal_context(&connector.owner, &connector.id);
            let secret = self.vault().open(stored.secret.sealed.as_deref().unwrap_or_default(), &context);
            let secret = secret.inspect_err(|error| tracing::error!(%error, connector = %connector.id)).ok()?;
            Some(InsideConnector { open: opened(connector), secret })
        });
        Ok(opened.collect())
    }

    async fn keep_request(&self, open: &OpenConnector, request: &RawRequest) -> Result<()> {
        let cut = |text: &str| text[..text.floor_char_boundary(REQUEST_KEPT_BYTES)].replace('\0', "\u{fffd}");
        let (connector, now) = (&open.connector.id, self.now());
        let kept = RawRequest {
            received_at: now,
            method: cut(&request.method),
            query: cut(&request.query),
            content_type: cut(&request.content_type),
            body: cut(&request.body),
        };
        let (at, entropy) = self.next_id();
        let id = domain::id::encode(at, entropy);
        let text = serde_json::to_string(&kept).map_err(|_| Error::Internal)?;
        let sealed = self.vault().seal(&text, &request_context(connector, &id));
        let mut tx = self.db().begin().await?;
        state::set_last_event(&mut tx, connector, now).await?;
        requests::add(&mut tx, connector, &id, &sealed, now).await?;
        Ok(tx.commit_then(self.connector_changed(&open.connector.owner)).await?)
    }

    async fn change_open_calls(
        &self,
        open: &OpenConnector,
        change: &mut (dyn for<'a> FnMut(Option<&'a [u8]>) -> Option<Vec<u8>> + Send),
    ) -> Result<()> {
        let id = &open.connector.id;
        let mut tx = self.db().begin().await?;
        // One request after the other, on whichever node it arrived.
        connectors::locked(&mut tx, id).await?.ok_or_else(not_found)?;
        let Some(snapshot) = change(open_calls::within(&mut tx, id).await?.as_deref()) else { return Ok(()) };
        check_size(&snapshot)?;
        open_calls::save(&mut tx, id, &snapshot, self.now()).await?;
        Ok(tx.commit().await?)
    }

    async fn open_calls(&self, open: &OpenConnector) -> Result<Option<Vec<u8>>> {
        Ok(open_calls::latest(self.db(), &open.connector.id).await?)
    }

    async fn begin_session(&self, open: &OpenConnector, held_until: UnixMs) -> Result<Option<BegunSession>> {
        let id = &open.connector.id;
        let mut tx = self.db().begin().await?;
        connectors::locked(&mut tx, id).await?.ok_or_else(not_found)?;
        let Some(number) = sessions::begin(&mut tx, id, held_until, self.now()).await? else { return Ok(None) };
        let open_calls = open_calls::within(&mut tx, id).await?;
        tx.commit().await?;
        Ok(Some(BegunSession { number, open_calls }))
    }

    async fn latest_session(&self, open: &OpenConnector) -> Result<Option<LatestSession>> {
        Ok(sessions::latest(self.db(), &open.connector.id).await?)
    }

    async fn hold_session(&self, open: &OpenConnector, session: SessionNumber, until: UnixMs) -> Result<Saving> {
        let id = &open.connector.id;
        let mut tx = self.db().begin().await?;
        let saving = saving(sessions::locked(&mut tx, id).await?, session)?;
        if saving == Saving::Done {
            sessions::hold(&mut tx, id, until).await?;
            tx.commit().await?;
        }
        Ok(saving)
    }

    async fn save_open_calls(&self, open: &OpenConnector, session: SessionNumber, snapshot: &[u8]) -> Result<Saving> {
        if snapshot.len() > OPEN_CALLS_MAX_BYTES {
            return Ok(Saving::TooLarge);
        }
        let id = &open.connector.id;
        let mut tx = self.db().begin().await?;
        let saving = saving(sessions::locked(&mut tx, id).await?, session)?;
        if saving == Saving::Done {
            open_calls::save(&mut tx, id, snapshot, self.now()).await?;
            tx.commit().await?;
        }
        Ok(saving)
    }
}

/// Whether a session may write. A deleted connector has none.
fn saving(latest: Option<SessionNumber>, session: SessionNumber) -> Result<Saving> {
    let latest = latest.ok_or_else(not_found)?;
    Ok(if latest == session { Saving::Done } else { Saving::Superseded })
}

fn check_size(snapshot: &[u8]) -> Result<()> {
    if snapshot.len() <= OPEN_CALLS_MAX_BYTES {
        return Ok(());
    }
    Err(Error::TooLarge("The open calls of a connector take at most 8 MiB, compressed.".to_owned()))
}

/// A connector with the actor that posts its events.
pub(super) fn opened(connector: Connector) -> OpenConnector {
    let who = Who::Connector {
        connector: connector.id.clone(),
        name: connector.name.clone(),
        account: connector.owner.account().cloned(),
    };
    OpenConnector { actor: Actor::new(who), connector }
}

/// The associated data of a sealed request.
fn request_context(connector: &ConnectorId, id: &str) -> String {
    format!("{connector}/{id}/request")
}

impl Engine {
    /// The requests of the last hour, newest first, as far as they can be decrypted.
    pub(super) async fn kept_requests(&self, id: &ConnectorId) -> Result<Vec<RawRequest>> {
        let sealed = requests::list(self.db(), id, self.now()).await?;
        let open = |(request, text): (String, String)| {
            let opened = self.vault().open(&text, &request_context(id, &request));
            let json = opened.inspect_err(|error| tracing::error!(%error, request)).ok()?;
            serde_json::from_str(&json).ok()
        };
        Ok(sealed.into_iter().filter_map(open).collect())
    }
}
