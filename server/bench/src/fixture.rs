//! A server with its own database, accounts, tokens and endpoints.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    event::EventKind,
    id::{AccountId, EndpointId},
};
use engine::{Engine, SystemClock, key_ring::KeyRing, mail::InMemoryMailer};
use http::{Method, StatusCode};
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::{
    load::{Http, send},
    server::{KEY, Server, Setup},
};

/// Scopes of an account's token.
const SCOPES: &str = "events:write,endpoints:write,deliveries:read";

/// A folder that is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(parent: &Path) -> std::io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let path = parent.join(format!("offhook-bench-{}-{number}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A customer account.
pub(crate) struct Tenant {
    /// The account.
    pub id: AccountId,
    /// A token of the account.
    pub bearer: Arc<str>,
}

/// A running server, its database, and a client.
pub(crate) struct Fixture {
    /// The server; it ends before its folder is removed.
    pub server: Server,
    /// A client with a connection pool.
    pub http: Http,
    setup: Setup,
    _folder: Folder,
}

#[derive(Deserialize)]
struct Created {
    #[serde(default)]
    id: String,
    #[serde(default)]
    token: String,
}

impl Fixture {
    /// Starts a server in a new folder in `parent`, on this database or on SQLite in the folder.
    pub(crate) async fn start(
        offhook: &Path,
        parent: &Path,
        database_url: Option<&str>,
        http: &Http,
    ) -> anyhow::Result<Self> {
        let folder = Folder::new(parent)?;
        let data = folder.0.clone();
        let sqlite = || format!("sqlite://{}/offhook.db", data.display());
        let database_url = database_url.map_or_else(sqlite, str::to_owned);
        let setup = Setup { offhook: offhook.to_owned(), data, database_url };
        let server = Server::start(&setup, http).await?;
        Ok(Self { server, http: http.clone(), setup, _folder: folder })
    }

    /// Kills the server and starts it again.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.server.kill();
        self.server = Server::start(&self.setup, &self.http).await?;
        Ok(())
    }

    /// An engine beside the server, on the same database. Only for the build this program was compiled with.
    pub(crate) async fn engine(&self) -> anyhow::Result<Arc<Engine>> {
        let unused = SocketAddr::from(([127, 0, 0, 1], 0));
        let key: [u8; 32] = STANDARD.decode(KEY)?.try_into().map_err(|_| anyhow::anyhow!("a key has 32 bytes"))?;
        let config = engine::Config {
            trust: engine::outbound::Trust::default(),
            database: self.setup.database_url.as_str().into(),
            keys: KeyRing::one(key).into(),
            egress_allow: Vec::new(),
            sign_up: domain::account::SignUpPolicy::Invite,
            retention_max_days: domain::account::RETENTION_MAX_DAYS,
            public_url: format!("http://{unused}").parse()?,
            own_address: unused,
            mail: Arc::new(InMemoryMailer::default()),
            password_cost: engine::password::HashCost::default(),
            numbers: Arc::new(domain::phone::InternationalOnly),
        };
        Ok(Engine::open(config, Arc::new(SystemClock)).await?)
    }

    /// Creates an account with a token.
    pub(crate) async fn tenant(&self) -> anyhow::Result<Tenant> {
        let created = self.command(&["account", "create", "--name", "Bench"]).await?;
        let id = AccountId::parse(&created.id)?;
        let token = ["token", "create", "--account", id.as_str(), "--name", "bench", "--scope", SCOPES];
        Ok(Tenant { bearer: self.command(&token).await?.token.into(), id })
    }

    /// Creates a platform token.
    pub(crate) async fn platform(&self) -> anyhow::Result<Arc<str>> {
        let token = ["token", "create", "--platform", "--name", "bench", "--scope", "events:write"];
        Ok(self.command(&token).await?.token.into())
    }

    /// Runs a command of the measured binary, so that any two builds can be compared.
    async fn command(&self, arguments: &[&str]) -> anyhow::Result<Created> {
        let mut command = tokio::process::Command::from(self.setup.command());
        let output = command.args(arguments).output().await?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "offhook {}: {stderr}", arguments.join(" "));
        serde_json::from_slice(&output.stdout).context("output of a command")
    }

    /// Creates an endpoint.
    pub(crate) async fn endpoint(&self, tenant: &Tenant, url: &str, kinds: &[EventKind]) -> anyhow::Result<EndpointId> {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let form = json!({ "url": url, "events": kinds, "allow_duplicate": true }).to_string();
        let uri = format!("http://{}/api/v1/endpoints", self.server.address);
        let (status, body) = send(&self.http, Method::POST, &uri, &tenant.bearer, form.into()).await?;
        anyhow::ensure!(status == StatusCode::CREATED, "{status}: {}", String::from_utf8_lossy(&body));
        Ok(EndpointId::parse(&serde_json::from_slice::<Created>(&body)?.id)?)
    }

    /// Deletes an endpoint and its waiting deliveries.
    pub(crate) async fn delete(&self, tenant: &Tenant, endpoint: &EndpointId) -> anyhow::Result<()> {
        let uri = format!("http://{}/api/v1/endpoints/{endpoint}", self.server.address);
        let (status, body) = send(&self.http, Method::DELETE, &uri, &tenant.bearer, Bytes::new()).await?;
        anyhow::ensure!(status == StatusCode::OK, "{status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }
}
