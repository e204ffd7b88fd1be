//! The test harness: an engine on a fresh database, driven step by step.

use std::{sync::Arc, time::Duration};

use domain::{
    Backend, UnixMs,
    account::{Accounts, RequestOrigin, SignUp, SignUpOutcome},
    actor::{Actor, Who},
    attempt::Attempt,
    delivery::{Deliveries, DeliveryDetail, DeliveryRow},
    endpoint::{Duplicate, Endpoint, EndpointForm, Endpoints},
    event::{Accepted, EventKind, Events, NewEvent, PostedEvent},
    filter::DeliveryFilter,
    id::{DeliveryId, EndpointId},
    time::Clock,
    token::Scope,
};
use engine::{
    Config, DatabaseConfig, Engine,
    background::{Pause, Worker as _},
    key_ring::KeyRing,
    mail::{Email, InMemoryMailer},
    outbound::Trust,
};

pub(crate) use crate::hand_clock::{HandClock, START};
use crate::{british::British, database, receiver::Receiver};

/// Which database a test runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum On {
    Sqlite,
    Postgres,
}

/// Runs each test on both databases.
macro_rules! on_both {
    (@ one [$($mark:tt)*] $name:ident) => {
        mod $name {
            $($mark)*
            #[tokio::test]
            async fn sqlite() {
                super::$name($crate::harness::TestHarness::new($crate::harness::On::Sqlite).await).await;
            }
            $($mark)*
            #[tokio::test]
            async fn postgres() {
                super::$name($crate::harness::TestHarness::new($crate::harness::On::Postgres).await).await;
            }
        }
    };
    (@ $marks:tt $($name:ident)+) => { $($crate::harness::on_both! { @ one $marks $name })+ };
    ($(#[$($mark:tt)*])* $($name:ident)+) => { $crate::harness::on_both! { @ [$(#[$($mark)*])*] $($name)+ } };
}
pub(crate) use on_both;

/// An engine with one account, its admin, an API token and a receiver.
pub(crate) struct TestHarness {
    pub engine: Arc<Engine>,
    pub clock: HandClock,
    pub receiver: Receiver,
    pub admin: Actor,
    pub token: Actor,
    pub mail: Arc<InMemoryMailer>,
    config: Config,
    folder: tempfile::TempDir,
}

impl TestHarness {
    pub(crate) async fn new(on: On) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = match on {
            On::Sqlite => format!("sqlite://{}/offhook.db", folder.path().display()),
            On::Postgres => database::fresh().await,
        };
        Self::on(database_url, folder).await
    }

    /// A harness on an existing, empty database.
    pub(crate) async fn on(database_url: String, folder: tempfile::TempDir) -> Self {
        Self::trusting(Trust::default(), database_url, folder).await
    }

    /// A harness on SQLite with its own names and authorities.
    pub(crate) async fn with_trust(trust: Trust) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite://{}/offhook.db", folder.path().display());
        Self::trusting(trust, database_url, folder).await
    }

    async fn trusting(trust: Trust, database_url: String, folder: tempfile::TempDir) -> Self {
        let clock = HandClock::new();
        let mail = Arc::new(InMemoryMailer::default());
        let config = Config {
            database: DatabaseConfig { clock: Some(Arc::new(clock.clone())), ..database_url.into() },
            trust,
            keys: [7; 32].into(),
            egress_allow: vec!["127.0.0.0/8".parse().unwrap()],
            sign_up: domain::account::SignUpPolicy::Open,
            retention_max_days: domain::account::RETENTION_MAX_DAYS,
            public_url: "http://127.0.0.1:3000".parse().unwrap(),
            own_address: "127.0.0.1:3000".parse().unwrap(),
            mail: mail.clone(),
            password_cost: engine::password::HashCost::FOR_TESTS,
            numbers: Arc::new(British),
        };
        let engine = Engine::open(config.clone(), Arc::new(clock.clone())).await.unwrap();
        engine.start_intake().await.unwrap();
        mail.configure(false);
        let (admin, token) = newcomer(&engine, "Acme").await;
        mail.configure(true);
        Self { engine, clock, receiver: Receiver::start().await, admin, token, mail, config, folder }
    }

    /// Signs up another user, without a link by email; as [`newcomer`].
    pub(crate) async fn newcomer(&self, name: &str) -> (Actor, Actor) {
        self.mail.configure(false);
        let made = newcomer(&self.engine, name).await;
        self.mail.configure(true);
        made
    }

    /// Another engine on the same database: after a crash, or a second node.
    pub(crate) async fn another(&self) -> Arc<Engine> {
        let engine = Engine::open(self.config.clone(), Arc::new(self.clock.clone())).await.unwrap();
        engine.start_intake().await.unwrap();
        engine
    }

    /// A second node with a clock of its own, which is off by this much. The database keeps the harness's.
    pub(crate) async fn another_off_by_ms(&self, ms: i64) -> (Arc<Engine>, HandClock) {
        let clock = HandClock::new();
        clock.step_ms(self.clock.now().since_ms(START) + ms);
        let engine = Engine::open(self.config.clone(), Arc::new(clock.clone())).await.unwrap();
        engine.start_intake().await.unwrap();
        (engine, clock)
    }

    /// Another engine on the same database, with other keys.
    pub(crate) async fn another_with(&self, keys: KeyRing) -> Arc<Engine> {
        let config = Config { keys: keys.into(), ..self.config.clone() };
        let engine = Engine::open(config, Arc::new(self.clock.clone())).await.unwrap();
        engine.start_intake().await.unwrap();
        engine
    }

    /// A node that sends in the background, with a clock of its own, which starts where the test's is.
    pub(crate) async fn another_with_clock(&self, clock: &HandClock) -> Arc<Engine> {
        let engine = Engine::open(self.config.clone(), Arc::new(clock.clone())).await.unwrap();
        engine.start().await.unwrap();
        engine
    }

    /// A second node that sends in the background.
    pub(crate) async fn another_running(&self) -> Arc<Engine> {
        let engine = Engine::open(self.config.clone(), Arc::new(self.clock.clone())).await.unwrap();
        engine.start().await.unwrap();
        engine
    }

    /// Shortens the time that this engine waits for SQLite's lock, so that a test of a locked file takes a moment.
    pub(crate) async fn shorten_lock_timeout(&self, engine: &Engine) {
        let engine::store::db::Pool::Sqlite(writer) = &engine.context().db.writer else {
            panic!("this harness uses SQLite")
        };
        sqlx::query("PRAGMA busy_timeout = 200").execute(writer).await.unwrap();
        let shorten = |direct: &rusqlite::Connection| direct.busy_timeout(Duration::from_millis(200));
        engine.context().db.set_direct(shorten).await.unwrap();
    }

    /// An endpoint at the receiver, subscribed to all events.
    pub(crate) async fn endpoint(&self) -> Endpoint {
        self.endpoint_with(|_| {}).await
    }

    pub(crate) async fn endpoint_with(&self, change: impl FnOnce(&mut EndpointForm)) -> Endpoint {
        let mut form = EndpointForm {
            url: self.receiver.url(),
            events: EventKind::ALL.map(|kind| kind.as_str().to_owned()).to_vec(),
            auth_token: "my-token".into(),
            ..EndpointForm::default()
        };
        change(&mut form);
        self.engine.create_endpoint(&self.admin, &form.input().unwrap(), Duplicate::Allow).await.unwrap().endpoint
    }

    /// Accepts an event of this kind and call.
    pub(crate) async fn accept(&self, kind: EventKind, call: u32) -> Accepted {
        self.accept_as(kind, call, None).await.unwrap()
    }

    pub(crate) async fn accept_by(&self, engine: &Engine, kind: EventKind, call: u32) -> Accepted {
        let account = self.token.account().unwrap();
        engine.accept_event(&self.token, account, event(kind, call, None)).await.unwrap()
    }

    pub(crate) async fn try_accept_by(&self, engine: &Engine, call: u32, id: Option<&str>) -> domain::Result<Accepted> {
        let account = self.token.account().unwrap();
        engine.accept_event(&self.token, account, event(EventKind::CallProcessed, call, id)).await
    }

    pub(crate) async fn accept_as(&self, kind: EventKind, call: u32, id: Option<&str>) -> domain::Result<Accepted> {
        let account = self.token.account().unwrap();
        self.engine.accept_event(&self.token, account, event(kind, call, id)).await
    }

    /// Runs the sender once; returns the number of attempts.
    pub(crate) async fn run(&self) -> usize {
        let attempts = self.engine.sender().run_once().await.unwrap();
        self.engine.background().alerts.tick().await.unwrap();
        self.emails().await;
        attempts
    }

    /// All emails so far, oldest first, after the due ones were sent.
    pub(crate) async fn emails(&self) -> Vec<Email> {
        while self.engine.background().outbox.tick().await.unwrap() == Pause::Fixed(0) {}
        self.mail.emails()
    }

    /// Advances the clock, then runs the sender once.
    pub(crate) async fn run_after_ms(&self, ms: i64) -> usize {
        self.clock.step_ms(ms);
        self.run().await
    }

    /// All deliveries, oldest first.
    pub(crate) async fn deliveries(&self) -> Vec<DeliveryRow> {
        self.deliveries_by(&self.engine).await
    }

    pub(crate) async fn deliveries_by(&self, engine: &Engine) -> Vec<DeliveryRow> {
        let filter = DeliveryFilter { limit: 250, ..DeliveryFilter::default() };
        let mut rows = engine.deliveries(&self.admin, &filter).await.unwrap().rows;
        rows.reverse();
        rows
    }

    pub(crate) async fn only_delivery(&self) -> DeliveryDetail {
        let rows = self.deliveries().await;
        assert_eq!(rows.len(), 1);
        self.engine.delivery(&self.admin, &rows[0].id, None).await.unwrap()
    }

    pub(crate) async fn delivery(&self, id: &DeliveryId) -> DeliveryRow {
        self.engine.delivery(&self.admin, id, None).await.unwrap().row
    }

    /// The attempts of a delivery, oldest first.
    pub(crate) async fn attempts(&self, id: &DeliveryId) -> Vec<Attempt> {
        self.engine.delivery(&self.admin, id, None).await.unwrap().attempts
    }

    pub(crate) async fn pause(&self, id: &EndpointId) {
        self.pause_by(&self.engine, id).await;
    }

    pub(crate) async fn pause_by(&self, engine: &Engine, id: &EndpointId) {
        engine.pause_endpoint(&self.admin, id).await.unwrap();
    }

    pub(crate) async fn resume(&self, id: &EndpointId) {
        self.resume_by(&self.engine, id).await;
    }

    pub(crate) async fn resume_by(&self, engine: &Engine, id: &EndpointId) {
        engine.resume_endpoint(&self.admin, id, None).await.unwrap();
    }

    pub(crate) fn now(&self) -> UnixMs {
        self.engine.clock().now()
    }

    /// URL of the database.
    pub(crate) fn database_url(&self) -> &str {
        &self.config.database.url
    }

    /// The text column of a query, read without the engine.
    pub(crate) async fn texts(&self, query: String) -> Vec<String> {
        use sqlx::{ConnectOptions as _, Connection as _};
        let (url, query) = (&self.config.database.url, sqlx::AssertSqlSafe(query));
        if url.starts_with("postgres") {
            let mut postgres = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::query_scalar(query).fetch_all(&mut postgres).await.unwrap()
        } else {
            let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
            let mut sqlite = options.foreign_keys(false).connect().await.unwrap();
            sqlx::query_scalar(query).fetch_all(&mut sqlite).await.unwrap()
        }
    }

    /// Every text column of the schema as `table.column`.
    pub(crate) async fn columns(&self) -> Vec<String> {
        let query = if self.config.database.url.starts_with("postgres") {
            "SELECT table_name || '.' || column_name FROM information_schema.columns \
             WHERE table_schema = 'public' AND data_type = 'text' ORDER BY 1"
        } else {
            "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND c.type = 'TEXT' ORDER BY 1"
        };
        self.texts(query.to_owned()).await
    }

    /// Asserts that the database's files contain none of these, including free pages and the write-ahead log.
    pub(crate) fn raw_file_is_free_of(&self, secrets: &[&str]) {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        for file in files.filter(|path| path.to_string_lossy().contains("offhook.db")) {
            let bytes = std::fs::read(&file).unwrap();
            for secret in secrets {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{secret} is in {}", file.display());
            }
        }
    }

    /// Runs a statement without the engine.
    pub(crate) async fn execute(&self, statement: impl Into<String>) -> sqlx::Result<()> {
        use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
        let (url, statement) = (&self.config.database.url, sqlx::AssertSqlSafe(statement.into()));
        if url.starts_with("postgres") {
            let mut postgres = sqlx::PgConnection::connect(url).await?;
            postgres.execute(statement).await.map(|_| ())
        } else {
            let options: sqlx::sqlite::SqliteConnectOptions = url.parse()?;
            options.foreign_keys(false).connect().await?.execute(statement).await.map(|_| ())
        }
    }

    /// The single text that a query returns.
    pub(crate) async fn text(&self, query: &'static str) -> String {
        use engine::store::db::Pool;
        match &self.engine.context().db.readers {
            Pool::Sqlite(pool) => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
            Pool::Postgres(pool) => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
        }
    }

    /// Tampers with the audit log as the owner of the database could: drops the triggers first.
    pub(crate) async fn tamper(&self, statement: &'static str) {
        let guards = if self.config.database.url.starts_with("postgres") {
            &["DROP TRIGGER IF EXISTS audit_log_stays ON audit_log"][..]
        } else {
            &["DROP TRIGGER IF EXISTS audit_log_stays", "DROP TRIGGER IF EXISTS audit_log_remains"]
        };
        for guard in guards {
            self.execute(*guard).await.unwrap();
        }
        self.execute(statement).await.unwrap();
    }
}

/// Signs up a user; returns their actor and an API token of their account with every scope.
async fn newcomer(engine: &Engine, name: &str) -> (Actor, Actor) {
    let form = SignUp {
        name: "Ana".into(),
        email: format!("ana@{}.example", name.to_lowercase()),
        password: "correct horse battery".into(),
        account: name.into(),
    };
    let SignUpOutcome::SignedUp(user, account) =
        engine.sign_up(form, RequestOrigin::Elsewhere, "203.0.113.9").await.unwrap()
    else {
        panic!("a mail server is configured");
    };
    let admin = engine.actor(&user, &account).await.unwrap();
    let (token, _) = engine.create_token(&admin, Some(&account), "test", &Scope::ALL).await.unwrap();
    let who = Who::Token { token, name: "test".into(), account: Some(account), scopes: Scope::ALL.to_vec() };
    (admin, Actor::new(who))
}

/// An event of this kind for a call.
pub(crate) fn event(kind: EventKind, call: u32, id: Option<&str>) -> NewEvent {
    let first = &kind.example()[kind.example().find("call_id").unwrap() + 10..][..36];
    let payload = kind.example().replace(first, &call_id(call));
    let posted = match id {
        Some(id) => format!(r#"{{"id":"{id}","payload":{payload},"timestamp":1507305504}}"#),
        None => format!(r#"{{"payload":{payload},"timestamp":1507305504}}"#),
    };
    let posted: PostedEvent = serde_json::from_str(&posted).unwrap();
    NewEvent::parse(&posted).unwrap()
}

/// The call id with this number.
pub(crate) fn call_id(call: u32) -> String {
    format!("{call:08x}-aaaf-11e7-b600-7ac8e42434d2")
}
