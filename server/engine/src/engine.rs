//! The engine put together: opened, started, stopped, and what the server asks of it beside the port.

use crate::clock;
use std::{
    fs::File,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    Backend, UnixMs,
    error::Result,
    id::{AccountId, Entropy, Ids},
    time::Clock,
};
use ipnet::IpNet;
use tokio::sync::{broadcast, mpsc};

use crate::{
    clock::GrowingIds,
    figures::QueueSeen,
    key_ring::Keys,
    mail::Mail,
    outbound::{BuildError, Outbound, Policy},
    policies::Given,
    sender::{
        Gear, Sender, alerts::Alerts, claim, cleaning, following, ingest, ingest::Ingest, left_behind, news,
        outcome::Outcome, recorder, recover, rotating, writer,
    },
    service::tokens::Believed,
    store::{
        accounts,
        checkpoints::Checkpoints,
        db::{Db, Dialect},
        error::StoreError,
        jobs,
        nodes::{self, Beat},
        postgres, probe, resets,
        sessions::{self, Stored},
        sqlite,
    },
    vault::Vault,
};

/// Beats between sweeps: five minutes.
const SWEEP_BEATS: u32 = 120;
/// Beats between looks for what waits for deleted endpoints: ten seconds.
const DELETED_BEATS: u32 = 4;
/// Beats between looks for support sessions whose time is over: a minute. Nobody looks through one before that: each
/// look asks for the time.
const SUPPORT_BEATS: u32 = 24;
/// How long a link that sets a password is remembered after it expired, so that it can be called expired.
const RESETS_KEPT_MS: i64 = domain::time::DAY_MS;
/// How long failed sign-ins count after the latest of them has made nobody wait any more. Far longer than the longest wait:
/// whoever rests so long to guess again at once guesses less than whoever waits each time.
const FAILURES_KEPT_MS: i64 = domain::time::DAY_MS;
/// Longest wait for attempts in flight when stopping; an attempt may take 30 s, a stop may not.
const STOP_WAIT_MS: u64 = 10_000;

/// What the engine must be told.
#[derive(Clone)]
pub struct Config {
    /// `sqlite:///path/offhook.db` or `postgres://…`.
    pub database_url: String,
    /// Seal endpoint credentials and sessions.
    pub keys: Keys,
    /// Networks that endpoints may point to besides public ones.
    pub egress_allow: Vec<IpNet>,
    /// Whether anybody may sign up.
    pub sign_up_open: bool,
    /// Most days that an account may keep what belongs to it.
    pub retention_max_days: u32,
    /// Where the world reaches this installation.
    pub public_url: url::Url,
    /// Where this process listens: the test line is called there.
    pub own_address: SocketAddr,
    /// Takes invitations and resets to people.
    pub mail: Arc<dyn Mail>,
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
    /// Another server works on this SQLite file.
    #[error("another offhook server uses this database file: {0}")]
    InUse(std::io::Error),
}

/// What the background tasks read; taken when they start.
struct Inflow {
    door: mpsc::Receiver<ingest::Waiting>,
    outcomes: mpsc::Receiver<Outcome>,
}

/// The engine.
pub struct Engine {
    config: Config,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    vault: Arc<Vault>,
    sender: Arc<Sender>,
    ingest: Ingest,
    believed: Believed,
    queue_seen: QueueSeen,
    inflow: Mutex<Option<Inflow>>,
    lock: Mutex<Option<File>>,
}

impl Engine {
    /// Connects, brings the schema up to date, and is ready to serve; nothing runs in the background yet.
    ///
    /// # Errors
    /// When the database cannot be reached or TLS cannot be set up.
    pub async fn open(config: Config, clock: Arc<dyn Clock>) -> std::result::Result<Arc<Self>, OpenError> {
        let db = Db::open(&config.database_url).await?;
        // The order within a call goes by ids, so they grow from run to run, whatever the clock says.
        let ids: Arc<dyn Ids> = Arc::new(GrowingIds::new(clock.clone(), jobs::latest(&db).await?));
        let vault = Arc::new(Vault::new(&config.keys));
        let policy = Policy::new(config.egress_allow.clone());
        let outbound = Outbound::new(policy, &config.public_url, config.own_address)?;
        let alerts = Alerts { mail: config.mail.clone(), public_url: config.public_url.clone() };
        let gear = Gear { outbound, vault: vault.clone(), alerts, given: Given::from(&config) };
        let (sender, outcomes) = Sender::new(db, clock.clone(), ids.clone(), gear);
        if sender.read_policies().await.is_err() {
            tracing::warn!("the policies could not be read yet; what the environment says is in force");
        }
        let (ingest, door) = Ingest::new();
        let inflow = Mutex::new(Some(Inflow { door, outcomes }));
        let (believed, queue_seen, lock) = (Believed::default(), QueueSeen::default(), Mutex::default());
        Ok(Arc::new(Self { config, clock, ids, vault, sender, ingest, believed, queue_seen, inflow, lock }))
    }

    /// Takes events in and delivers, in the background, until [`Engine::stop`]. Takes up what a dead node left.
    ///
    /// # Errors
    /// When another server works on this SQLite file, or the database is away.
    pub async fn start(self: &Arc<Self>) -> std::result::Result<(), OpenError> {
        let file = sqlite::lock(&self.config.database_url).map_err(OpenError::InUse)?;
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = file;
        self.beat(Beat::First).await?;
        let inflow = self.inflow.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Inflow { door, outcomes }) = inflow else { return Ok(()) };
        // Before anything else: a node that is said to have started misses nothing that others tell.
        let ears = postgres::listener(self.db()).await?;
        let checkpoints = Checkpoints::of(self.db()).await?;
        self.sender.set_running();
        if self.db().dialect == Dialect::Postgres {
            tokio::spawn(ingest::run(self.sender.clone(), door));
            tokio::spawn(recorder::run(self.sender.clone(), outcomes));
        } else {
            tokio::spawn(writer::run(self.sender.clone(), door, outcomes));
        }
        tokio::spawn(claim::run(self.sender.clone()));
        tokio::spawn(cleaning::run(self.sender.clone()));
        tokio::spawn(following::run(self.sender.clone(), self.ingest.clone()));
        tokio::spawn(recover::run(self.sender.clone()));
        tokio::spawn(rotating::run(self.sender.clone()));
        if let Some(ears) = ears {
            tokio::spawn(news::run(self.sender.clone(), ears));
        }
        if let Some(checkpoints) = checkpoints {
            tokio::spawn(checkpoints.run());
        }
        let (engine, began) = (Arc::clone(self), self.now());
        tokio::spawn(async move { engine.keep_house(began).await });
        Ok(())
    }

    /// Takes events in but sends nothing by itself: tests then go step by step with [`Sender::run_once`].
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub async fn start_intake(self: &Arc<Self>) -> std::result::Result<(), OpenError> {
        self.beat(Beat::First).await?;
        let inflow = self.inflow.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Inflow { door, .. }) = inflow {
            tokio::spawn(ingest::run(self.sender.clone(), door));
        }
        Ok(())
    }

    async fn beat(&self, which: Beat) -> std::result::Result<(), StoreError> {
        let (mut tx, now) = (self.db().begin().await?, self.now());
        let mut beaten = nodes::beat(&mut tx, &self.sender.node, now, which).await?;
        if which == Beat::First {
            beaten.freed += jobs::reset_future_due(&mut tx, now).await?;
        }
        tx.commit().await?;
        if beaten.freed > 0 {
            tracing::info!(beaten.freed, "took up deliveries that a dead node had in hand");
        }
        self.sender.beaten(beaten, now).await
    }

    /// Says that this node lives, and takes up what dead ones had in hand. Tests go by hand with it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn heartbeat(&self) -> std::result::Result<(), StoreError> {
        self.beat(Beat::Later).await?;
        // Nothing goes out while it is not sure whose it is.
        self.sender.pump();
        Ok(())
    }

    async fn clock_set_back(&self) -> std::result::Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let due = jobs::reset_future_due(&mut tx, self.now()).await?;
        tx.commit().await?;
        tracing::warn!(due, "the clock has been set back");
        self.sender.wake_at(self.now());
        Ok(())
    }

    /// Heartbeats, and forgets what has expired. A SQLite server is alone, so its first heartbeat is enough.
    async fn keep_house(&self, began: UnixMs) {
        let (mut beats, mut before): (u32, _) = (0, began);
        while !self.sender.is_stopping() {
            clock::sleep_ms(nodes::HEARTBEAT_MS.unsigned_abs()).await;
            beats = beats.wrapping_add(1);
            let alone = self.db().dialect == Dialect::Sqlite;
            let result = if alone { Ok(()) } else { self.heartbeat().await };
            // What another node said may have been lost.
            if !alone && self.sender.read_policies().await.is_err() {
                tracing::warn!("the policies could not be read; looking again soon");
            }
            let swept = if beats.is_multiple_of(SWEEP_BEATS) { self.sweep().await } else { Ok(()) };
            if beats.is_multiple_of(SUPPORT_BEATS) && self.end_expired_support().await.is_err() {
                tracing::warn!("the end of support sessions is not recorded yet; trying again");
            }
            let looks = beats.is_multiple_of(DELETED_BEATS);
            let cancelled = if looks { left_behind::cancel_of_deleted(&self.sender).await } else { Ok(0) };
            let found = self.sender.find_astray().await;
            let clock = if self.now() < before { self.clock_set_back().await } else { Ok(()) };
            before = self.now();
            for error in [result.err(), swept.err(), cancelled.err(), found.err(), clock.err()].into_iter().flatten() {
                tracing::warn!(%error, "housekeeping failed; trying again");
            }
        }
    }

    /// Forgets expired sessions and links, and failed sign-ins that count no longer. Tests go by hand with it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn sweep(&self) -> std::result::Result<(), StoreError> {
        sessions::delete_expired(self.db(), self.now()).await?;
        resets::forget(self.db(), self.now().plus_ms(-RESETS_KEPT_MS)).await?;
        accounts::forget_failures(self.db(), self.now().plus_ms(-FAILURES_KEPT_MS)).await
    }

    /// Stops in order: no new attempts, those in flight are recorded, the rest is let go of.
    pub async fn stop(&self) {
        self.sender.stop(STOP_WAIT_MS).await;
        self.db().close().await;
    }

    /// Tells of accounts whose deliveries changed.
    pub fn changes(&self) -> broadcast::Receiver<AccountId> {
        self.sender.changes()
    }

    /// Whether the database answers and can be written, and events can be taken in.
    ///
    /// # Errors
    /// What is the matter, in words.
    pub async fn ready(&self) -> std::result::Result<(), String> {
        if self.sender.is_stopping() {
            return Err("stopping".to_owned());
        }
        let began = async {
            let mut tx = self.db().begin().await?;
            probe::look(&mut tx).await?;
            tx.commit().await
        };
        began.await.map_err(|error: StoreError| error.to_string())
    }

    /// A browser session's data, unless it has expired.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn load_session(&self, id: &str) -> Result<Option<String>> {
        let Some(sealed) = sessions::load(self.db(), id, self.now()).await? else { return Ok(None) };
        let open = self.vault.open(&sealed, &sessions::place(id));
        Ok(open.inspect_err(|error| tracing::warn!(%error, "a session is over")).ok())
    }

    /// Stores a session under a new id; false when the id is taken.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn create_session(&self, session: Stored<'_>) -> Result<bool> {
        let sealed = self.vault.seal(session.data, &sessions::place(session.id));
        Ok(sessions::create(self.db(), Stored { data: &sealed, ..session }, self.now()).await?)
    }

    /// Stores a session.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn save_session(&self, session: Stored<'_>) -> Result<()> {
        let sealed = self.vault.seal(session.data, &sessions::place(session.id));
        Ok(sessions::save(self.db(), Stored { data: &sealed, ..session }, self.now()).await?)
    }

    /// Forgets a session.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn delete_session(&self, id: &str) -> Result<()> {
        Ok(sessions::delete(self.db(), id).await?)
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn db(&self) -> &Db {
        &self.sender.db
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    pub(crate) const fn ingest(&self) -> &Ingest {
        &self.ingest
    }

    pub(crate) const fn queue_seen(&self) -> &QueueSeen {
        &self.queue_seen
    }

    pub(crate) const fn believed(&self) -> &Believed {
        &self.believed
    }

    /// The sender, for tests that drive it step by step.
    pub const fn sender(&self) -> &Arc<Sender> {
        &self.sender
    }

    pub(crate) fn now(&self) -> UnixMs {
        self.clock.now()
    }

    pub(crate) fn next_id(&self) -> (UnixMs, Entropy) {
        self.ids.next()
    }

    pub(crate) fn new_id<T>(&self, make: impl FnOnce(UnixMs, Entropy) -> T) -> T {
        let (at, entropy) = self.ids.next();
        make(at, entropy)
    }
}

impl Backend for Engine {
    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    fn letters_leave(&self) -> bool {
        self.config().mail.is_configured()
    }
}
