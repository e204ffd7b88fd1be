//! The test bed: an engine on a fresh database, driven by hand.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::{
    Backend, UnixMs,
    account::{Accounts, SignUp},
    actor::{Actor, Who},
    delivery::{Deliveries, DeliveryDetail, DeliveryRow},
    endpoint::{Duplicate, Endpoint, EndpointForm, Endpoints},
    event::{Accepted, EventKind, Events, NewEvent, PostedEvent},
    filter::DeliveryFilter,
    id::{DeliveryId, EndpointId},
    time::Clock,
    token::Scope,
};
use engine::{Config, Engine, mail::Drawer};

use crate::receiver::Receiver;

/// A clock that is moved by hand.
#[derive(Clone)]
pub struct HandClock(Arc<AtomicI64>);

/// Where the hand clock begins.
pub const START: UnixMs = UnixMs(1_790_000_000_000);

impl HandClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START.0)))
    }

    pub fn step_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::SeqCst))
    }
}

/// Which database a test runs on.
#[derive(Debug, Clone, Copy)]
pub enum On {
    Sqlite,
    Postgres,
}

/// Stamps a test onto both databases.
macro_rules! on_both {
    ($($name:ident)+) => {
        $(mod $name {
            #[tokio::test]
            async fn sqlite() {
                super::$name($crate::bed::Bed::new($crate::bed::On::Sqlite).await).await;
            }
            #[tokio::test]
            async fn postgres() {
                super::$name($crate::bed::Bed::new($crate::bed::On::Postgres).await).await;
            }
        })+
    };
}
pub(crate) use on_both;

/// An engine with one account, its admin, a token, and a receiver.
pub struct Bed {
    pub engine: Arc<Engine>,
    pub clock: HandClock,
    pub receiver: Receiver,
    pub admin: Actor,
    pub token: Actor,
    pub mail: Arc<Drawer>,
    config: Config,
    _folder: tempfile::TempDir,
}

impl Bed {
    pub async fn new(on: On) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = match on {
            On::Sqlite => format!("sqlite://{}/offhook.db", folder.path().display()),
            On::Postgres => fresh_postgres().await,
        };
        let clock = HandClock::new();
        let mail = Arc::new(Drawer::default());
        let config = Config {
            database_url,
            secret_key: [7; 32],
            egress_allow: vec!["127.0.0.0/8".parse().unwrap()],
            sign_up_open: true,
            retention_max_days: domain::account::RETENTION_MAX_DAYS,
            public_url: "http://127.0.0.1:3000".parse().unwrap(),
            own_address: "127.0.0.1:3000".parse().unwrap(),
            mail: mail.clone(),
        };
        let engine = Engine::open(config.clone(), Arc::new(clock.clone())).await.unwrap();
        engine.start_by_hand().await.unwrap();
        let (admin, token) = newcomer(&engine, "Acme").await;
        Self { engine, clock, receiver: Receiver::start().await, admin, token, mail, config, _folder: folder }
    }

    /// Another engine on the same database, as after a crash or as a second node.
    pub async fn another(&self) -> Arc<Engine> {
        let engine = Engine::open(self.config.clone(), Arc::new(self.clock.clone())).await.unwrap();
        engine.start_by_hand().await.unwrap();
        engine
    }

    /// A second node that sends by itself.
    pub async fn another_running(&self) -> Arc<Engine> {
        let engine = Engine::open(self.config.clone(), Arc::new(self.clock.clone())).await.unwrap();
        engine.start().await.unwrap();
        engine
    }

    /// An endpoint at the receiver for all events.
    pub async fn endpoint(&self) -> Endpoint {
        self.endpoint_with(|_| {}).await
    }

    pub async fn endpoint_with(&self, change: impl FnOnce(&mut EndpointForm)) -> Endpoint {
        let mut form = EndpointForm {
            url: self.receiver.url(),
            events: EventKind::ALL.map(|kind| kind.as_str().to_owned()).to_vec(),
            auth_token: "my-token".into(),
            ..EndpointForm::default()
        };
        change(&mut form);
        self.engine.create_endpoint(&self.admin, &form, Duplicate::Allow).await.unwrap().endpoint
    }

    /// Accepts an event of this kind and call.
    pub async fn accept(&self, kind: EventKind, call: u32) -> Accepted {
        self.accept_as(kind, call, None).await.unwrap()
    }

    pub async fn accept_by(&self, engine: &Engine, kind: EventKind, call: u32) -> Accepted {
        let account = self.token.account().unwrap();
        engine.accept_event(&self.token, account, event(kind, call, None)).await.unwrap()
    }

    pub async fn accept_as(&self, kind: EventKind, call: u32, id: Option<&str>) -> domain::Result<Accepted> {
        let account = self.token.account().unwrap();
        self.engine.accept_event(&self.token, account, event(kind, call, id)).await
    }

    /// One round of the sender; how many attempts it made.
    pub async fn run(&self) -> usize {
        self.engine.sender().run_once().await.unwrap()
    }

    /// Moves the clock, then one round.
    pub async fn run_after_ms(&self, ms: i64) -> usize {
        self.clock.step_ms(ms);
        self.run().await
    }

    /// All deliveries, oldest first.
    pub async fn deliveries(&self) -> Vec<DeliveryRow> {
        self.deliveries_by(&self.engine).await
    }

    pub async fn deliveries_by(&self, engine: &Engine) -> Vec<DeliveryRow> {
        let filter = DeliveryFilter { limit: 250, ..DeliveryFilter::default() };
        let mut rows = engine.deliveries(&self.admin, &filter).await.unwrap().rows;
        rows.reverse();
        rows
    }

    pub async fn only_delivery(&self) -> DeliveryDetail {
        let rows = self.deliveries().await;
        assert_eq!(rows.len(), 1);
        self.engine.delivery(&self.admin, &rows[0].id).await.unwrap()
    }

    pub async fn delivery(&self, id: &DeliveryId) -> DeliveryRow {
        self.engine.delivery(&self.admin, id).await.unwrap().row
    }

    pub async fn pause(&self, id: &EndpointId) {
        self.pause_by(&self.engine, id).await;
    }

    pub async fn pause_by(&self, engine: &Engine, id: &EndpointId) {
        engine.pause_endpoint(&self.admin, id).await.unwrap();
    }

    pub async fn resume(&self, id: &EndpointId) {
        self.resume_by(&self.engine, id).await;
    }

    pub async fn resume_by(&self, engine: &Engine, id: &EndpointId) {
        engine.resume_endpoint(&self.admin, id, None).await.unwrap();
    }

    pub fn now(&self) -> UnixMs {
        self.engine.clock().now()
    }

    /// Runs a statement behind the engine's back.
    pub async fn execute(&self, statement: &'static str) -> sqlx::Result<()> {
        use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
        let url = &self.config.database_url;
        if url.starts_with("postgres") {
            let mut postgres = sqlx::PgConnection::connect(url).await?;
            postgres.execute(statement).await.map(|_| ())
        } else {
            let options: sqlx::sqlite::SqliteConnectOptions = url.parse()?;
            options.foreign_keys(false).connect().await?.execute(statement).await.map(|_| ())
        }
    }

    /// The texts that a statement finds behind the engine's back, a line for each row.
    pub async fn texts(&self, statement: &'static str) -> String {
        use sqlx::{ConnectOptions as _, Connection as _};
        let url = &self.config.database_url;
        let rows: Vec<String> = if url.starts_with("postgres") {
            let mut postgres = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::query_scalar(statement).fetch_all(&mut postgres).await.unwrap()
        } else {
            let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
            let mut sqlite = options.connect().await.unwrap();
            sqlx::query_scalar(statement).fetch_all(&mut sqlite).await.unwrap()
        };
        rows.join("\n")
    }

    /// Changes records of the audit log as somebody could who owns the database: the guards are taken off first.
    pub async fn tamper(&self, statement: &'static str) {
        let guards = if self.config.database_url.starts_with("postgres") {
            &["DROP TRIGGER IF EXISTS audit_log_stays ON audit_log"][..]
        } else {
            &["DROP TRIGGER IF EXISTS audit_log_stays", "DROP TRIGGER IF EXISTS audit_log_remains"]
        };
        for guard in guards {
            self.execute(guard).await.unwrap();
        }
        self.execute(statement).await.unwrap();
    }
}

/// Signs somebody up; their actor, and a token of their account with every scope.
pub async fn newcomer(engine: &Engine, name: &str) -> (Actor, Actor) {
    let form = SignUp {
        name: "Ana".into(),
        email: format!("ana@{}.example", name.to_lowercase()),
        password: "correct horse battery".into(),
        account: name.into(),
    };
    let (user, account) = engine.sign_up(form).await.unwrap();
    let admin = engine.actor(&user.id, &account.id).await.unwrap();
    let (token, _) = engine.create_token(&admin, Some(&account.id), "test", &Scope::ALL).await.unwrap();
    let who = Who::Token { token, name: "test".into(), account: Some(account.id), scopes: Scope::ALL.to_vec() };
    (admin, Actor::new(who))
}

/// An event of this kind and call.
pub fn event(kind: EventKind, call: u32, id: Option<&str>) -> NewEvent {
    let first = &kind.example()[kind.example().find("call_id").unwrap() + 10..][..36];
    let payload = kind.example().replace(first, &call_id(call));
    let posted = match id {
        Some(id) => format!(r#"{{"id":"{id}","payload":{payload},"timestamp":1507305504}}"#),
        None => format!(r#"{{"payload":{payload},"timestamp":1507305504}}"#),
    };
    let posted: PostedEvent = serde_json::from_str(&posted).unwrap();
    NewEvent::parse(&posted).unwrap()
}

/// The call id of a numbered call.
pub fn call_id(call: u32) -> String {
    format!("{call:08x}-aaaf-11e7-b600-7ac8e42434d2")
}

/// A fresh database in the throw-away cluster that the test command starts. A missing one is a failure.
#[expect(clippy::disallowed_methods, reason = "the test command names the cluster, and database names must differ")]
async fn fresh_postgres() -> String {
    let admin = std::env::var("OFFHOOK_TEST_POSTGRES_URL")
        .expect("OFFHOOK_TEST_POSTGRES_URL names a throw-away Postgres; `make test` starts one");
    let name = format!("t_{:x}", rand::random::<u64>());
    let pool = sqlx::PgPool::connect(&admin).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.unwrap();
    pool.close().await;
    let (base, query) = admin.split_once('?').map_or((admin.as_str(), None), |(base, query)| (base, Some(query)));
    let (server, _) = base.rsplit_once('/').unwrap();
    match query {
        Some(query) => format!("{server}/{name}?{query}"),
        None => format!("{server}/{name}"),
    }
}
