//! A complete Offhook for one test: the real router and engine, with its own database, folder and port.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::http::HeaderMap;
use domain::actor::Actor;
use domain::{
    account::{Account, SignUpPolicy},
    id::AccountId,
    time::Clock,
    token::Scope,
};
use engine::{
    Engine, SystemClock,
    background::Worker as _,
    mail::{Email, InMemoryMailer},
};
use reqwest::{Client, Method, StatusCode, redirect::Policy};
use serde_json::Value;
use server::{
    app_state::{AppState, SharedState},
    config, listen, secret_key, web,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::broadcast::error::RecvError,
};

/// How long to wait for something that should happen at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running Offhook.
pub(crate) struct TestApp {
    pub room: SharedState,
    pub address: SocketAddr,
    pub http: Client,
    pub folder: TempDir,
    pub mail: Arc<InMemoryMailer>,
}

/// An account and an API token with every scope.
pub(crate) struct Tenant<'a> {
    pub app: &'a TestApp,
    pub account: Account,
    pub token: String,
}

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl TestResponse {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The fields named in the `errors` of a problem document.
    pub(crate) fn fields(&self) -> Vec<String> {
        self.json()["errors"].as_object().map(|errors| errors.keys().cloned().collect()).unwrap_or_default()
    }

    /// Asserts that this is a problem document with that status.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let document = self.json();
        assert_eq!(document["status"], status);
        for key in ["type", "title", "detail"] {
            assert!(document[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {}", self.text);
        }
        self
    }
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_at("").await
    }

    /// Starts one that browsers reach at this URL, or at its own address if that is empty.
    pub(crate) async fn start_at(public_url: &str) -> Self {
        Self::start_with(public_url, Arc::new(SystemClock)).await
    }

    /// As [`Self::start_at`], with a clock of the test's own.
    pub(crate) async fn start_with(public_url: &str, clock: Arc<dyn Clock>) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), public_url, clock).await
    }

    /// Stops it, and starts another with a copy of its database and keys: the process that held them may take a moment to end.
    pub(crate) async fn restarted(self) -> Self {
        self.room.stopping.cancel();
        self.room.engine.stop().await;
        let folder = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        Self::start_in(folder, "", Arc::new(SystemClock)).await
    }

    async fn start_in(folder: TempDir, public_url: &str, clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let own = || config::local_url(address).unwrap();
        let public_url = if public_url.is_empty() { own() } else { public_url.parse().unwrap() };
        let mail = Arc::new(InMemoryMailer::default());
        let engine_config = engine::Config {
            trust: engine::outbound::Trust::default(),
            database: format!("sqlite://{}", folder.path().join("offhook.db").display()).into(),
            keys: secret_key::of_data_folder(folder.path()).unwrap(),
            egress_allow: vec!["127.0.0.0/8".parse().unwrap()],
            sign_up: SignUpPolicy::Open,
            retention_max_days: domain::account::RETENTION_MAX_DAYS,
            public_url: public_url.clone(),
            own_address: address,
            mail: mail.clone(),
            password_cost: engine::password::HashCost::FOR_TESTS,
            numbers: Arc::new(server::phone_numbers::PhoneNumbers),
        };
        let engine = Engine::open(engine_config, clock).await.unwrap();
        engine.start().await.unwrap();
        let trusted = vec!["127.0.0.0/8".parse().unwrap()];
        let room = Arc::new(AppState::new(engine, public_url, trusted));
        server::imports::start(&room);
        tokio::spawn(listen::serve(listener, web::router(&room), Arc::clone(&room.admission), room.stopping.clone()));
        Self { room, address, http: client(), folder, mail }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn account(&self, name: &str) -> Tenant<'_> {
        let reference = format!("ref-{name}");
        let account = self.room.engine.create_account(&Actor::COMMAND_LINE, name, Some(&reference)).await.unwrap();
        let token = self.token(Some(&account.id), &Scope::ALL).await;
        Tenant { app: self, account, token }
    }

    pub(crate) async fn token(&self, account: Option<&AccountId>, scopes: &[Scope]) -> String {
        self.room.engine.create_token(&Actor::COMMAND_LINE, account, "test", scopes).await.unwrap().1
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: Option<&str>) -> TestResponse {
        let mut request = self.http.request(method, self.url(path));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        response(request).await
    }

    /// All emails so far, oldest first, once none waits in the outbox.
    pub(crate) async fn emails(&self) -> Vec<Email> {
        let outbox = &self.room.engine.background().outbox;
        while self.room.engine.emails_waiting().await.unwrap() > 0 {
            // The worker may be sending it at this moment.
            outbox.tick().await.unwrap();
        }
        self.mail.emails()
    }

    /// Waits until the check succeeds, checking again whenever a delivery has changed.
    pub(crate) async fn until<T>(&self, mut check: impl AsyncFnMut() -> Option<T>) -> T {
        let mut changes = self.room.engine.changes();
        let waiting = async {
            loop {
                if let Some(found) = check().await {
                    return found;
                }
                match changes.recv().await {
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => panic!("the engine has stopped"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it did not happen")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.room.stopping.cancel();
    }
}

impl Tenant<'_> {
    pub(crate) async fn get(&self, path: &str) -> TestResponse {
        self.app.call(Method::GET, path, &self.token, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> TestResponse {
        self.app.call(Method::POST, path, &self.token, Some(&body.to_string())).await
    }

    pub(crate) async fn post_text(&self, path: &str, body: &str) -> TestResponse {
        self.app.call(Method::POST, path, &self.token, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> TestResponse {
        self.app.call(Method::PATCH, path, &self.token, Some(&body.to_string())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> TestResponse {
        self.app.call(Method::DELETE, path, &self.token, None).await
    }

    /// Creates an endpoint subscribed to everything; returns it with its credentials.
    pub(crate) async fn endpoint(&self, url: &str) -> Value {
        let wanted = serde_json::json!({ "url": url, "auth_token": "my-token",
            "events": ["IncomingCall", "OutgoingCall", "CallProcessed"] });
        let created = self.post("/api/v1/endpoints", &wanted).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        created.json()
    }

    /// Waits until the only delivery of the account has this status.
    pub(crate) async fn until_delivery_is(&self, status: &str) -> Value {
        self.app
            .until(async || {
                let row = self.get("/api/v1/deliveries").await.json()["data"][0].clone();
                (row["status"] == status).then_some(row)
            })
            .await
    }
}

/// Sends exactly this, which no client would, and returns everything up to the end of the connection.
pub(crate) async fn raw(app: &TestApp, text: &str) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let read =
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut received)).await.expect("the connection stays open");
    // A reset after the response is no concern of ours.
    let _ = read;
    String::from_utf8_lossy(&received).into_owned()
}

pub(crate) async fn response(request: reqwest::RequestBuilder) -> TestResponse {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    TestResponse { status, headers, text: response.text().await.unwrap() }
}

/// A client that follows no redirects and keeps no cookies, so that tests see the response itself.
pub(crate) fn client() -> Client {
    client_at(None)
}

/// As [`client`], from this address.
#[expect(clippy::disallowed_methods, reason = "the test's own client, which calls this machine")]
pub(crate) fn client_at(address: Option<IpAddr>) -> Client {
    // Only the first call in a process can set it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).no_proxy().local_address(address).build().unwrap()
}
