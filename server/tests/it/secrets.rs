//! No secret anywhere: searches everything that Offhook outputs in a run which opens all pages, posts to all functions
//! and makes all REST calls, for the secrets of that run: responses with their headers, the log, metrics, exports, and
//! the database's files.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use domain::account::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt as _};

use crate::{
    browser::{Browser, EMAIL, PASSWORD, with_form},
    policy::{Full, functions, rest_calls, routes},
    receiver::Receiver,
    test_app::{Tenant, TestApp, TestResponse, response},
};

const TOKEN: &str = "auth-token-for-nobody-else";
const NEXT: &str = "next-token-for-nobody-else";
const HEADER: &str = "header-value-for-nobody-else";
const TYPED: &str = "password typed by mistake 4711";
/// Response fields that show a new credential once.
const MADE: [&str; 5] = ["auth_token", "next_auth_token", "signing_secret", "token", "credential"];
/// These end the session or the run, so they come last.
const LAST: [&str; 3] = ["sign-out", "security/", "endpoints/delete"];

/// The captured log.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// As `offhook serve --log debug` would log.
    fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let filter = EnvFilter::new("rustls_platform_verifier=off,debug");
        fmt().with_env_filter(filter).with_writer(move || writer.clone()).finish().init();
        log
    }

    /// The same for what this thread logs until the guard is dropped.
    pub(crate) fn here() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = fmt().with_env_filter(EnvFilter::new("debug")).with_writer(move || writer.clone()).finish();
        let guard = subscriber.set_default();
        (log, guard)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Everything that was output, and what it must not contain.
#[derive(Default)]
struct Run {
    secrets: Vec<String>,
    outputs: Vec<(String, String)>,
}

impl Run {
    fn saw(&mut self, place: &str, response: &TestResponse) {
        let headers = response.headers.iter().filter(|(name, _)| *name != "set-cookie");
        let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
        self.outputs.push((place.to_owned(), format!("{}\n{}", headers.join("\n"), response.text)));
    }

    /// Only the response that creates a credential contains it.
    fn made(&mut self, place: &str, response: &TestResponse) {
        let before = self.secrets.len();
        collect(&serde_json::from_str(&response.text).unwrap_or_default(), &mut self.secrets);
        if before == self.secrets.len() {
            self.saw(place, response);
        }
    }

    fn leaks(&self) -> Vec<String> {
        let found = |(place, text): &(String, String)| {
            let secret = self.secrets.iter().find(|secret| text.contains(secret.as_str()))?;
            let at = text.find(secret.as_str()).unwrap_or_default();
            let around: String = text.chars().skip(text[..at].chars().count().saturating_sub(120)).take(300).collect();
            Some(format!("{place} says {secret}: {around}"))
        };
        self.outputs.iter().filter_map(found).collect()
    }
}

fn collect(json: &Value, found: &mut Vec<String>) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let made = value.as_str().filter(|text| MADE.contains(&name.as_str()) && !text.contains('•'));
                found.extend(made.map(str::to_owned));
                collect(value, found);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn no_output_contains_a_secret() {
    let log = Log::start();
    let app = TestApp::start().await;
    let (tenant, receiver) = (app.account("acme").await, Receiver::start().await);
    let mut run = Run::default();
    run.secrets.extend([TOKEN, NEXT, HEADER, TYPED, PASSWORD].map(str::to_owned));
    run.secrets.push(tenant.token.clone());
    run.secrets.push(std::fs::read_to_string(app.folder.path().join("secret.key")).unwrap().trim().to_owned());
    let full = Full::of(&tenant, &receiver).await;
    keep_secrets(&mut run, &tenant, &receiver).await;

    let mut admin = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    run.secrets.push(admin.cookie().split_once('=').unwrap().1.to_owned());
    for route in routes() {
        let (path, mut nobody) = (full.path(route), Browser::new(&app));
        run.saw(&path, &admin.get(&path).await);
        run.saw(&path, &nobody.get(&path).await);
    }
    wrong_calls(&mut run, &tenant).await;
    let document = app.call(Method::GET, "/api/v1/openapi.json", "", None).await;
    for (method, path, body) in rest_calls(&document.json(), &full) {
        let message = app.call(method.clone(), &path, &tenant.token, body.as_deref()).await;
        if method == Method::GET { run.saw(&path, &message) } else { run.made(&path, &message) }
    }
    all_functions(&mut run, &app, &admin, &full).await;
    emails(&mut run, &app).await;
    exports(&mut run, &app, &tenant).await;
    run.saw("openapi", &document);
    let key = fail_test_line(&app, &tenant).await;

    let logged = log.text();
    assert!(logged.contains("DEBUG"), "debug logging is on");
    assert!(logged.contains("request failed") && !logged.contains(&key), "the key of a test line is in the log");
    run.outputs.push(("the log".to_owned(), logged));
    let leaks = run.leaks();
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert!(run.outputs.len() > 200 && run.secrets.len() > 15, "{} {}", run.outputs.len(), run.secrets.len());
    database(&run, &app);
}

/// An endpoint with known credentials, amid both rotations, with successful and failed deliveries.
async fn keep_secrets(run: &mut Run, tenant: &Tenant<'_>, receiver: &Receiver) {
    let wanted = json!({ "url": format!("{}/secret", receiver.url), "auth_token": TOKEN, "name": "Secret",
        "events": ["CallProcessed"], "headers": { "x-crm": HEADER } });
    let created = tenant.post("/api/v1/endpoints", &wanted).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    run.made("create", &created);
    let base = format!("/api/v1/endpoints/{}", created.json()["id"].as_str().unwrap());
    run.made("prepare", &tenant.post(&format!("{base}/auth-token/prepare"), &json!({ "auth_token": NEXT })).await);
    run.made("rotate", &tenant.post(&format!("{base}/signing-secret/rotate"), &json!({})).await);
    receiver.respond_with(StatusCode::INTERNAL_SERVER_ERROR);
    let tested = tenant.post(&format!("{base}/auth-token/test"), &json!({})).await;
    let delivery = format!("/api/v1/deliveries/{}", tested.json()["delivery_id"].as_str().unwrap());
    let failed = async || (tenant.get(&delivery).await.json()["attempts"][0]).is_object().then_some(());
    tenant.app.until(failed).await;
    run.saw("failed test", &tenant.get(&delivery).await);
    run.saw("changed", &tenant.patch(&base, &json!({ "name": "Still secret" })).await);
}

/// Refused calls that contain a secret where it does not belong.
async fn wrong_calls(run: &mut Run, tenant: &Tenant<'_>) {
    let app = tenant.app;
    for body in [
        format!(r#"{{"url":"https://a.example","events":["IncomingCall"],"auth_token":"{TOKEN}\n"}}"#),
        format!(r#"{{"url":"https://a.example","events":["IncomingCall"],"headers":"x-crm: {HEADER}"}}"#),
        format!(r#"{{"url":"https://a.example","events":["IncomingCall"],"headers":{{"x crm":"{HEADER}"}}}}"#),
        format!(r#"{{"url":"https://a.example","events":["IncomingCall"],"auth_token":["{TOKEN}"]}}"#),
        format!(r#"{{"url":"https://a.example","timeout_ms":"{TOKEN}"}}"#),
        format!(r#"{{"auth_token":"{TOKEN}""#),
    ] {
        let refused = tenant.post_text("/api/v1/endpoints", &body).await;
        assert!(refused.status.is_client_error(), "{body}: {}", refused.text);
        run.saw("a wrong call", &refused);
    }
    for bearer in [&tenant.token[1..], PASSWORD] {
        run.saw("a wrong token", &app.call(Method::GET, "/api/v1/endpoints", bearer, None).await);
    }
    let basic = app.http.get(app.url("/api/v1/endpoints")).basic_auth("x", Some(&tenant.token));
    run.saw("a token in another place", &response(basic).await);
}

/// Posts to every function, with secrets in their fields.
async fn all_functions(run: &mut Run, app: &TestApp, admin: &Browser<'_>, full: &Full) {
    let typed = [("form[auth_token]", NEXT), ("form[password]", TYPED), ("form[current_password]", TYPED)];
    let headers = format!("x-crm: {HEADER}");
    let mut functions = functions();
    functions.sort_by_key(|name| LAST.iter().any(|last| name.starts_with(last)));
    for function in functions {
        let fields = full.fields();
        let mut fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.retain(|(name, _)| *name != "form[password]");
        fields.extend(typed);
        fields.push(("form[headers]", &headers));
        let turn = if function.contains("everywhere") { "test-token" } else { "retire-token" };
        fields.push(("turn", if function.contains("rotation") { turn } else { "pause" }));
        let path = format!("/api/{function}");
        let request = admin.request(Method::POST, &path).header("sec-fetch-site", "same-origin");
        run.saw(&path, &response(with_form(request, &fields).header("accept", "application/json")).await);
    }
    let forgot = app.http.post(app.url("/api/forgot")).header("sec-fetch-site", "same-origin");
    run.saw("/api/forgot", &response(with_form(forgot, &[("form[email]", EMAIL)])).await);
}

/// Links in emails grant access, so they must appear nowhere else.
async fn emails(run: &mut Run, app: &TestApp) {
    let links = app.emails().await.into_iter().filter_map(|email| {
        let line = email.text.lines().find(|line| line.starts_with("http"))?;
        Some(line.rsplit('/').next()?.to_owned())
    });
    let links: Vec<String> = links.filter(|end| end.len() > 20).collect();
    assert!(!links.is_empty(), "an invitation and a reset were sent");
    run.secrets.extend(links);
}

async fn exports(run: &mut Run, app: &TestApp, tenant: &Tenant<'_>) {
    let mut admin = Browser::new(app);
    assert!(admin.sign_in(PASSWORD, "/").await.status.is_redirection());
    for form in ["csv", "json"] {
        let path = format!("/a/{}/audit/export.{form}", tenant.account.id);
        let exported = admin.get(&path).await;
        assert!(exported.text.contains("credentials.token_prepared"), "{}", exported.text);
        run.saw(&path, &exported);
    }
    for path in ["/metrics", "/healthz", "/readyz"] {
        run.saw(path, &app.call(Method::GET, path, "", None).await);
    }
}

/// A failing test line is logged as a server error, without its key. Returns the key.
async fn fail_test_line(app: &TestApp, tenant: &Tenant<'_>) -> String {
    let mut admin = Browser::new(app);
    assert!(admin.sign_in(PASSWORD, "/").await.status.is_redirection());
    let acct = tenant.account.id.as_str();
    admin.post("/api/test-line/behave", &[("acct", acct), ("behaviour", "error")]).await;
    let page = admin.get(&format!("/a/{acct}/test-line")).await.text;
    let mut keys = page.split("/test-line/").map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect());
    let key: String = keys.find(|key: &String| key.len() == 26).unwrap();
    let failed = app.call(Method::POST, &format!("/test-line/{key}"), "", Some("{}")).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    key
}

/// The database's files, including free pages and the write-ahead log.
fn database(run: &Run, app: &TestApp) {
    let files = std::fs::read_dir(app.folder.path()).unwrap().map(|file| file.unwrap().path());
    for file in files.filter(|path| path.to_string_lossy().contains("offhook.db")) {
        let bytes = std::fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let found: Vec<&String> = run.secrets.iter().filter(|secret| text.contains(secret.as_str())).collect();
        assert!(found.is_empty(), "{} holds {found:?}", file.display());
    }
}
