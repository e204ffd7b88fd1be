//! The engine: opened, started, stopped. It only wires its parts together.

use std::{
    fs::File,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use domain::{
    Backend, UnixMs,
    account::SignUpPolicy,
    id::{AccountId, Entropy, Ids},
    ops::health::TaskHealth,
    phone::Numbers,
    time::Clock,
};
use ipnet::IpNet;
use tokio::sync::{broadcast, mpsc};

use crate::{
    auth_cache::AuthCache,
    background::Background,
    clock::{GrowingIds, SteeredClock},
    cluster_time,
    context::Context,
    delivery::{
        Outcome, Sender, claim,
        intake::{self, Intake},
        record, sqlite_writer,
    },
    detached::on_own_thread,
    key_ring::Keys,
    mail::Mail,
    metrics::Backlog,
    outbound::{BuildError, Outbound, Policy, Trust},
    password::HashCost,
    policies::{ActivePolicies, EnvDefaults},
    readiness,
    store::{
        config::DatabaseConfig,
        db::{Db, Dialect},
        deliveries::{backlog, queue},
        error::StoreError,
        sqlite::{self, checkpoints},
    },
    supervisor::{Need, Progress},
    vault::Vault,
};

/// Longest wait for attempts in flight when stopping; an attempt may take 30 s, a stop may not.
const STOP_WAIT_MS: u64 = 10_000;
/// Longest wait for background workers when stopping.
const WORKERS_WAIT_MS: u64 = 1_000;

/// Configuration of the engine.
#[derive(Clone)]
pub struct Config {
    /// The database.
    pub database: DatabaseConfig,
    /// Seal endpoint credentials and sessions.
    pub keys: Keys,
    /// Networks that endpoints may be in besides public ones.
    pub egress_allow: Vec<IpNet>,
    /// How names of endpoints are resolved and whose certificates are trusted.
    pub trust: Trust,
    /// Who may sign up.
    pub sign_up: SignUpPolicy,
    /// Longest retention of an account, in days.
    pub retention_max_days: u32,
    /// The public address of this instance.
    pub public_url: url::Url,
    /// Where this process listens: the test line is called there.
    pub own_address: SocketAddr,
    /// Sends emails to users.
    pub mail: Arc<dyn Mail>,
    /// The cost of hashing a password.
    pub password_cost: HashCost,
    /// Reads national phone numbers.
    pub numbers: Arc<dyn Numbers>,
}

/// The engine could not be opened or started.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The HTTP client.
    #[error(transparent)]
    Outbound(#[from] BuildError),
    /// Another server uses this SQLite file.
    #[error("another offhook server uses this database file: {0}")]
    InUse(std::io::Error),
}

/// What the hot path reads; taken when it starts.
struct Receivers {
    arriving: mpsc::Receiver<intake::Backlog>,
    outcomes: mpsc::Receiver<Outcome>,
}

/// The engine.
pub struct Engine {
    config: Config,
    context: Arc<Context>,
    vault: Arc<Vault>,
    sender: Arc<Sender>,
    intake: Intake,
    background: Background,
    auth_cache: Arc<AuthCache>,
    backlog: Backlog,
    receivers: Mutex<Option<Receivers>>,
    lock: Mutex<Option<File>>,
}

impl Engine {
    /// Connects, brings the schema up to date, and is ready to serve; nothing runs in the background yet.
    ///
    /// # Errors
    /// When the database cannot be reached or TLS cannot be set up.
    pub async fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Arc<Self>, OpenError> {
        let db = Db::open(&config.database).await?;
        let clock = Arc::new(SteeredClock::new(clock));
        cluster_time::measure_at_start(&db, &clock).await?;
        // On SQLite ids decide the order within a call, so they grow from run to run, whatever the clock says.
        let ids: Arc<dyn Ids> = Arc::new(GrowingIds::new(clock.clone(), queue::latest(&db).await?));
        let vault = Arc::new(Vault::new(&config.keys));
        let policy = Policy::new(config.egress_allow.clone());
        let outbound = Outbound::new(policy, &config.public_url, config.own_address, config.trust.clone())?;
        let context = Arc::new(Context::new(db, clock, ids, ActivePolicies::new(env_defaults(&config))));
        let (sender, outcomes) = Sender::new(context.clone(), outbound, vault.clone());
        if sender.read_policies().await.is_err() {
            tracing::warn!("the policies could not be read yet; those of the environment apply");
        }
        let (intake, arriving) = Intake::new();
        let background = Background::new(&sender, &intake, &vault, config.mail.clone(), config.public_url.clone());
        Ok(Arc::new(Self {
            config,
            context,
            vault,
            sender,
            intake,
            background,
            auth_cache: Arc::default(),
            backlog: Backlog::default(),
            receivers: Mutex::new(Some(Receivers { arriving, outcomes })),
            lock: Mutex::default(),
        }))
    }

    /// Accepts events and delivers them, in the background, until [`Engine::stop`]. Takes over what a dead node left.
    ///
    /// # Errors
    /// When another server uses this SQLite file, or the database is unavailable.
    pub async fn start(&self) -> Result<(), OpenError> {
        let file = sqlite::lock(&self.config.database.url).map_err(OpenError::InUse)?;
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = file;
        self.background.arrive().await?;
        let Some(Receivers { arriving, outcomes }) = self.take_receivers() else { return Ok(()) };
        self.background.start().await?;
        self.sender.start();
        if self.db().dialect == Dialect::Postgres {
            self.run_intake(arriving);
            let queue = record::Queue::new(outcomes);
            self.supervise("record", Need::ToTheLast, move |sender, progress| {
                record::run(sender, Arc::clone(&queue), progress)
            });
        } else {
            let queue = sqlite_writer::Queue::new(arriving, outcomes);
            self.supervise("writer", Need::ToTheLast, move |sender, progress| {
                on_own_thread("writer", sqlite_writer::run(sender, Arc::clone(&queue), progress))
            });
            self.supervise("checkpoints", Need::Helpful, |sender, _| async move {
                tokio::select! {
                    () = checkpoints::run(sender.context.db.clone()) => {}
                    () = sender.context.stopped() => {}
                }
            });
        }
        self.supervise("claims", Need::Essential, claim::run);
        Ok(())
    }

    fn run_intake(&self, arriving: mpsc::Receiver<intake::Backlog>) {
        let queue = intake::Queue::new(arriving);
        self.supervise("intake", Need::ToTheLast, move |sender, progress| {
            intake::run(sender, Arc::clone(&queue), progress)
        });
    }

    fn supervise<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: &'static str,
        need: Need,
        task: impl Fn(Arc<Sender>, Progress) -> F + Send + 'static,
    ) {
        let sender = Arc::clone(&self.sender);
        self.context.supervisor.run(name, need, move |progress| task(Arc::clone(&sender), progress));
    }

    /// How each task of this node is, in the order in which they were started.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskHealth> {
        let mut tasks = self.context.supervisor.health();
        for worker in self.background.status() {
            let task = tasks.iter_mut().find(|task| task.name == worker.name);
            if let Some(task) = task.filter(|task| task.problem.is_none()) {
                task.problem = worker.last_error;
            }
        }
        tasks
    }

    /// Returns when an essential task keeps panicking: its name and why. The process has to end then.
    pub async fn gave_up(&self) -> String {
        self.context.supervisor.gave_up().await
    }

    /// Accepts events but sends nothing and runs no worker: tests go step by step with [`Sender::run_once`].
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub async fn start_intake(&self) -> Result<(), OpenError> {
        self.background.arrive().await?;
        if let Some(Receivers { arriving, .. }) = self.take_receivers() {
            self.run_intake(arriving);
        }
        Ok(())
    }

    fn take_receivers(&self) -> Option<Receivers> {
        self.receivers.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Stops in order: no new attempts, those in flight are recorded, all leases are released.
    pub async fn stop(&self) {
        self.sender.stop(STOP_WAIT_MS).await;
        self.background.stop(WORKERS_WAIT_MS).await;
        self.db().close().await;
    }

    /// Reports accounts whose deliveries changed.
    pub fn changes(&self) -> broadcast::Receiver<AccountId> {
        self.sender.changes()
    }

    /// Whether the database can be read and written, and events are accepted.
    ///
    /// # Errors
    /// What is wrong, as text.
    pub async fn ready(&self) -> Result<(), String> {
        if self.context.is_stopping() {
            return Err("stopping".to_owned());
        }
        if let Some(task) = self.tasks().into_iter().find(|task| task.essential && task.down) {
            return Err(format!("{} is down: {}", task.name, task.problem.unwrap_or_default()));
        }
        if let Some(refusal) = cluster_time::refusal(self.context.clock.ahead_ms()) {
            return Err(refusal);
        }
        readiness::check(&self.context).await
    }

    /// The deliveries that wait in the database, counted recently.
    pub(crate) async fn backlog(&self) -> domain::Result<backlog::Backlog> {
        Ok(self.backlog.get(self.db(), self.now()).await?)
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// The database, the clock, ids and counters.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    pub(crate) fn db(&self) -> &Db {
        &self.context.db
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    pub(crate) const fn intake(&self) -> &Intake {
        &self.intake
    }

    pub(crate) const fn auth_cache(&self) -> &Arc<AuthCache> {
        &self.auth_cache
    }

    /// The sender.
    #[must_use]
    pub const fn sender(&self) -> &Arc<Sender> {
        &self.sender
    }

    /// The background workers.
    #[must_use]
    pub const fn background(&self) -> &Background {
        &self.background
    }

    pub(crate) fn now(&self) -> UnixMs {
        self.context.now()
    }

    pub(crate) fn next_id(&self) -> (UnixMs, Entropy) {
        self.context.ids.next()
    }

    pub(crate) fn new_id<T>(&self, id: impl FnOnce(UnixMs, Entropy) -> T) -> T {
        let (at, entropy) = self.next_id();
        id(at, entropy)
    }
}

fn env_defaults(config: &Config) -> EnvDefaults {
    EnvDefaults {
        egress_allow: config.egress_allow.clone(),
        sign_up: config.sign_up,
        retention_max_days: config.retention_max_days,
    }
}

#[async_trait]
impl Backend for Engine {
    fn clock(&self) -> &dyn Clock {
        &*self.context.clock
    }

    async fn ready(&self) -> Result<(), String> {
        Self::ready(self).await
    }

    fn mail_configured(&self) -> bool {
        self.config.mail.is_configured()
    }
}
