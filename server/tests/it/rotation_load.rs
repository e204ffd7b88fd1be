//! Rotates both credentials while events stream to a receiver that checks them: it never has a reason to refuse one.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use domain::{secret::SigningSecret, signature};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::test_app::{Tenant, TestApp};

/// Concurrent connections that post events.
const LINES: usize = 8;
/// Deliveries between two steps of a rotation.
const BETWEEN: usize = 150;

/// A customer's server that accepts only known tokens and signatures.
#[derive(Default)]
struct Strict {
    tokens: Mutex<Vec<String>>,
    secrets: Mutex<Vec<SigningSecret>>,
    taken: AtomicUsize,
    refused: AtomicUsize,
    /// Accepted with the newest known token.
    with_latest: AtomicUsize,
}

impl Strict {
    async fn start(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/calls", listener.local_addr().unwrap());
        let strict = Arc::clone(self);
        let router =
            Router::new().fallback(async move |headers: HeaderMap, body: Bytes| strict.respond(&headers, &body));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn respond(&self, headers: &HeaderMap, body: &[u8]) -> StatusCode {
        let sent: Value = serde_json::from_slice(body).unwrap();
        let token = sent["auth_token"].as_str().unwrap();
        let tokens = self.tokens.lock().unwrap();
        if !tokens.iter().any(|known| known == token) || !self.is_signed(headers, body) {
            self.refused.fetch_add(1, SeqCst);
            return StatusCode::UNAUTHORIZED;
        }
        self.with_latest.fetch_add(usize::from(tokens.last().is_some_and(|known| known == token)), SeqCst);
        self.taken.fetch_add(1, SeqCst);
        StatusCode::OK
    }

    fn is_signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let header = |name: &str| headers[name].to_str().unwrap();
        let at = header("webhook-timestamp").parse().unwrap();
        self.secrets.lock().unwrap().iter().any(|secret| {
            let wanted = signature::header(std::slice::from_ref(secret), header("webhook-id"), at, body);
            header("webhook-signature").split(' ').any(|one| one == wanted)
        })
    }

    /// Waits until this many more are accepted, so that each step of a rotation happens amid a running stream.
    async fn until_accepted(&self, app: &TestApp, more: usize) {
        let goal = self.taken.load(SeqCst) + more;
        app.until(async || (self.taken.load(SeqCst) >= goal).then_some(())).await;
    }
}

async fn step(tenant: &Tenant<'_>, path: &str, body: Value) -> Value {
    let response = tenant.post(path, &body).await;
    assert!(response.status.is_success(), "{path}: {response:?}");
    response.json()
}

/// Waits until a successful test has verified a credential.
async fn until_proved(app: &TestApp, tenant: &Tenant<'_>, rotation: &str, what: &str) {
    app.until(async || {
        let standing = tenant.get(rotation).await.json();
        standing[what]["rotation"]["proved_at"].is_string().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_delivery_is_refused_while_both_credentials_are_rotated_under_load() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let strict = Arc::new(Strict::default());
    let endpoint = tenant.endpoint(&strict.start().await).await;
    strict.tokens.lock().unwrap().push(endpoint["auth_token"].as_str().unwrap().to_owned());
    let secret = SigningSecret::parse(endpoint["signing_secret"].as_str().unwrap()).unwrap();
    strict.secrets.lock().unwrap().push(secret);
    let (stop, posted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut stream = stream(&app, &tenant, &stop, &posted);

    let base = format!("/api/v1/endpoints/{}", endpoint["id"].as_str().unwrap());
    strict.until_accepted(&app, BETWEEN).await;
    rotate_token(&app, &tenant, &strict, &base).await;
    rotate_secret(&app, &tenant, &strict, &base).await;

    stop.store(true, SeqCst);
    while let Some(line) = stream.join_next().await {
        line.unwrap();
    }
    let all = posted.load(SeqCst) + 2;
    app.until(async || (strict.taken.load(SeqCst) >= all).then_some(())).await;
    assert_eq!(strict.refused.load(SeqCst), 0, "of {all}");
    assert!(all > 6 * BETWEEN, "{all}");
}

/// Posts events until `stop`, each with its own call.
fn stream(app: &TestApp, tenant: &Tenant<'_>, stop: &Arc<AtomicBool>, posted: &Arc<AtomicUsize>) -> JoinSet<()> {
    let mut lines = JoinSet::new();
    for line in 0..LINES {
        let (http, url, token) = (app.http.clone(), app.url("/api/v1/events"), tenant.token.clone());
        let (stop, posted) = (Arc::clone(stop), Arc::clone(posted));
        lines.spawn(async move {
            for n in 0.. {
                if stop.load(SeqCst) {
                    break;
                }
                let call = format!("{n:08x}-{line:04x}-11e7-b600-7ac8e42434d2");
                let payload =
                    json!({ "event": "IncomingCall", "call_id": call, "callee_number": "1", "caller_number": "2" });
                let body = json!({ "payload": payload }).to_string();
                let request = http.request(Method::POST, &url).bearer_auth(&token);
                let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
                assert_eq!(response.status(), StatusCode::ACCEPTED);
                posted.fetch_add(1, SeqCst);
            }
        });
    }
    lines
}

/// Prepare, install on the receiver, verify, switch, retire.
async fn rotate_token(app: &TestApp, tenant: &Tenant<'_>, strict: &Strict, base: &str) {
    let prepared = step(tenant, &format!("{base}/auth-token/prepare"), json!({})).await;
    let next = prepared["next_auth_token"].as_str().unwrap_or_else(|| panic!("{prepared}")).to_owned();
    strict.until_accepted(app, BETWEEN).await;
    strict.tokens.lock().unwrap().push(next);
    strict.with_latest.store(0, SeqCst);
    step(tenant, &format!("{base}/auth-token/test"), json!({})).await;
    until_proved(app, tenant, &format!("{base}/rotation"), "auth_token").await;
    assert_eq!(strict.with_latest.load(SeqCst), 1, "before the switch only the test has the next token");
    step(tenant, &format!("{base}/auth-token/switch"), json!({})).await;
    strict.until_accepted(app, BETWEEN).await;
    assert!(strict.with_latest.load(SeqCst) > BETWEEN / 2, "events after the switch have the new token");
    step(tenant, &format!("{base}/auth-token/retire"), json!({})).await;
    strict.tokens.lock().unwrap().remove(0);
    strict.until_accepted(app, BETWEEN).await;
}

/// Both secrets sign; the receiver switches halfway; the old one is retired.
async fn rotate_secret(app: &TestApp, tenant: &Tenant<'_>, strict: &Strict, base: &str) {
    let rotated = step(tenant, &format!("{base}/signing-secret/rotate"), json!({ "overlap_s": 3600 })).await;
    let next = rotated["signing_secret"].as_str().unwrap_or_else(|| panic!("{rotated}"));
    let next = SigningSecret::parse(next).unwrap();
    strict.until_accepted(app, BETWEEN).await;
    *strict.secrets.lock().unwrap() = vec![next];
    step(tenant, &format!("{base}/signing-secret/test"), json!({})).await;
    until_proved(app, tenant, &format!("{base}/rotation"), "signing_secret").await;
    strict.until_accepted(app, BETWEEN).await;
    step(tenant, &format!("{base}/signing-secret/retire"), json!({})).await;
    strict.until_accepted(app, BETWEEN).await;
}
