//! A server on a database of its own, with accounts, tokens and endpoints.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use axum::http::{Method, StatusCode};
use domain::actor::Actor;
use domain::{
    event::EventKind,
    id::{AccountId, EndpointId},
    token::Scope,
};
use engine::Engine;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::{
    child::Server,
    post::{Http, send},
};
use crate::{command, config::Store};

/// The instance key. Each part has a server with a folder of its own, and on a database that is given they share one.
pub const KEY: &str = "b2ZmaG9vay1iZW5jaC1tZWFzdXJlcy1uby1zZWNyZXQ=";
/// Scopes of an account's token.
const SCOPES: [Scope; 3] = [Scope::EventsWrite, Scope::EndpointsWrite, Scope::DeliveriesRead];

/// A folder that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(place: &Path) -> std::io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let path = place.join(format!("offhook-bench-{}-{number}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A customer.
pub struct Tenant {
    /// The account.
    pub id: AccountId,
    /// Its token.
    pub bearer: Arc<str>,
}

/// A running server, its database, and a client.
pub struct Bed {
    /// The server; it ends before its folder goes.
    pub server: Server,
    /// A client with a pool.
    pub http: Http,
    store: Store,
    _folder: Folder,
}

impl Bed {
    /// Starts a server in a new folder below `place`, on this database or on SQLite in the folder.
    pub async fn start(place: &Path, database_url: Option<&str>, http: &Http) -> anyhow::Result<Self> {
        let folder = Folder::new(place)?;
        let data = folder.0.clone();
        let (database_url, secret_key) = (database_url.map(str::to_owned), Some(KEY.parse()?));
        let store = Store { data, database_url, secret_key, secret_key_file: None };
        let server = Server::start(&store, http).await?;
        Ok(Self { server, http: http.clone(), store, _folder: folder })
    }

    /// Starts the server again, after it was killed.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.server.kill();
        self.server = Server::start(&self.store, &self.http).await?;
        Ok(())
    }

    /// An engine beside the server, on the same database.
    pub async fn engine(&self) -> anyhow::Result<Arc<Engine>> {
        Ok(command::engine(&self.store).await?)
    }

    /// A new account with a token.
    pub async fn tenant(&self) -> anyhow::Result<Tenant> {
        let engine = self.engine().await?;
        let id = engine.create_account(&Actor::COMMAND_LINE, "Bench", None).await?.id;
        let (_, bearer) = engine.create_token(&Actor::COMMAND_LINE, Some(&id), "bench", &SCOPES).await?;
        engine.stop().await;
        Ok(Tenant { id, bearer: bearer.into() })
    }

    /// A token for the platform.
    pub async fn platform(&self) -> anyhow::Result<Arc<str>> {
        let engine = self.engine().await?;
        let (_, bearer) = engine.create_token(&Actor::COMMAND_LINE, None, "bench", &[Scope::EventsWrite]).await?;
        engine.stop().await;
        Ok(bearer.into())
    }

    /// A new endpoint of an account.
    pub async fn endpoint(&self, tenant: &Tenant, url: &str, kinds: &[EventKind]) -> anyhow::Result<EndpointId> {
        #[derive(Deserialize)]
        struct Created {
            id: String,
        }
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let wanted = json!({ "url": url, "events": kinds, "allow_duplicate": true }).to_string();
        let uri = format!("http://{}/api/v1/endpoints", self.server.address);
        let (status, said) = send(&self.http, Method::POST, &uri, &tenant.bearer, wanted.into()).await?;
        anyhow::ensure!(status == StatusCode::CREATED, "{status}: {}", String::from_utf8_lossy(&said));
        Ok(EndpointId::parse(&serde_json::from_slice::<Created>(&said)?.id)?)
    }
    /// Deletes an endpoint, and with it what waits for it.
    pub async fn delete(&self, tenant: &Tenant, endpoint: &EndpointId) -> anyhow::Result<()> {
        let uri = format!("http://{}/api/v1/endpoints/{endpoint}", self.server.address);
        let (status, said) = send(&self.http, Method::DELETE, &uri, &tenant.bearer, Bytes::new()).await?;
        anyhow::ensure!(status == StatusCode::OK, "{status}: {}", String::from_utf8_lossy(&said));
        Ok(())
    }
}
