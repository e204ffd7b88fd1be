//! `serve`

use std::{
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use domain::{UnixMs, time::Clock};
use engine::SystemClock;
use reqwest::StatusCode;
use server::command::serve::until_stopped;
use sqlx::Connection as _;

use super::{installed, offhook};
use crate::{
    browser::{PASSWORD, with_form},
    test_app::{PATIENCE, TestApp, client, response},
};

/// Resident memory of a process that is no file's, in KiB.
pub(crate) fn own_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A server that is killed when its test ends.
pub(crate) struct Serving {
    child: Child,
    /// None once nothing more is read: a full pipe would block the server.
    lines: Option<Lines<BufReader<ChildStderr>>>,
    log: Vec<String>,
    /// Reads the rest of the log, if a test needs it.
    reader: Option<JoinHandle<Vec<String>>>,
}

impl Serving {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory that is no file's, in KiB.
    pub(crate) fn own_kib(&self) -> u64 {
        own_kib(self.id())
    }

    pub(crate) fn log(&self) -> &[String] {
        &self.log
    }

    /// Stops it in order, and waits for its end.
    pub(crate) async fn stop(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        let waiting = tokio::task::spawn_blocking(move || self.child.wait().unwrap());
        let status = tokio::time::timeout(PATIENCE, waiting).await.expect("it does not stop").unwrap();
        assert!(status.success(), "{status}");
    }

    /// Kills it, and returns its whole log.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        let rest = self.reader.take().expect("its log was read").join().unwrap();
        self.log.drain(..).chain(rest).collect()
    }

    /// Reads its log until a line has this field.
    fn logged(&mut self, field: &str) -> String {
        while let Some(line) = self.lines.as_mut().and_then(Iterator::next) {
            let line = line.unwrap();
            let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
            self.log.push(line);
            if let Some(value) = entry[field].as_str() {
                return value.to_owned();
            }
        }
        panic!("it never logged {field}: {:?}", self.log);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it with a second listener; returns it with both addresses.
fn serve_with_admin(mut command: Command) -> (Serving, String, String) {
    command.env("OFFHOOK_ADMIN_LISTEN", "127.0.0.1:0");
    let mut serving = spawn(command);
    let admin = serving.logged("admin");
    let address = serving.logged("address");
    (serving, address, admin)
}

/// Starts it and reads its log until it has started; returns it with its address.
pub(crate) fn serve(command: Command) -> (Serving, String) {
    let mut serving = spawn(command);
    let address = serving.logged("address");
    serving.lines = None;
    (serving, address)
}

/// The same with its whole log, for [`Serving::end`].
pub(crate) fn serve_with_log(command: Command) -> (Serving, String) {
    let mut serving = spawn(command);
    let address = serving.logged("address");
    let rest = serving.lines.take().unwrap();
    serving.reader = Some(std::thread::spawn(move || rest.map_while(Result::ok).collect()));
    (serving, address)
}

fn spawn(mut command: Command) -> Serving {
    let mut child = command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    Serving { child, lines: Some(lines), log: Vec::new(), reader: None }
}

#[tokio::test]
async fn a_server_that_starts_is_alive_but_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    installed(&data);
    // Another process holds the database's lock, and the start waits for it.
    let file = format!("sqlite://{}", data.join("offhook.db").display());
    let mut other = sqlx::SqliteConnection::connect(&file).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut serving = spawn(offhook(&data));
    let address = serving.logged("listen");
    let get = async |path: &str| response(client().get(format!("http://{address}{path}"))).await;
    assert_eq!(get("/healthz").await.text, "ok\n");
    let ready = get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.json()["reason"].as_str().is_some_and(|reason| reason.starts_with("starting: ")), "{}", ready.text);
    get("/api/v1/endpoints").await.is_problem(503);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(serving.logged("address"), address);
    assert_eq!(get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn serve_keeps_its_key_responds_and_stops_on_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut serving, address) = serve(offhook(&data));
    assert_eq!(response(client().get(format!("http://{address}/readyz"))).await.status, StatusCode::OK);
    assert!(data.join("secret.key").exists() && data.join("offhook.db").exists());
    let key = std::fs::read_to_string(data.join("secret.key")).unwrap();
    assert!(!serving.log.iter().any(|line| line.contains(key.trim())), "the key is in the log");
    let printed = Command::new("kill").arg(serving.child.id().to_string()).status().unwrap();
    assert!(printed.success());
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
}

/// The system's clock until it breaks: from then on it panics for whoever reads it.
#[derive(Default)]
struct BrokenClock(AtomicBool);

impl Clock for BrokenClock {
    fn now(&self) -> UnixMs {
        assert!(!self.0.load(Ordering::SeqCst), "the clock is broken");
        SystemClock.now()
    }
}

#[tokio::test]
async fn a_server_that_cannot_continue_ends_with_a_failure_that_says_why() {
    let clock = Arc::new(BrokenClock::default());
    let app = TestApp::start_with("", clock.clone()).await;
    let serving = tokio::spawn(std::future::pending());
    clock.0.store(true, Ordering::SeqCst);
    let ended = tokio::time::timeout(PATIENCE, until_stopped(&app.room, serving)).await.expect("it ends");
    let why = ended.expect_err("an exit code other than 0").to_string();
    assert!(why.starts_with("cannot continue: ") && why.contains("the clock is broken"), "{why}");
    assert!(app.room.stopping.is_cancelled(), "it accepts nothing more");
}

#[tokio::test]
async fn supervisors_have_a_listener_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let (_serving, address, admin) = serve_with_admin(offhook(folder.path()));
    let status = async |host: &str, path: &str| response(client().get(format!("http://{host}{path}"))).await.status;
    for path in ["/metrics", "/readyz", "/healthz"] {
        assert_eq!(status(&admin, path).await, StatusCode::OK, "{path}");
    }
    for path in ["/metrics", "/readyz"] {
        assert_eq!(status(&address, path).await, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(status(&address, "/healthz").await, StatusCode::OK);
    assert_eq!(status(&admin, "/sign-in").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sign_up_is_closed_unless_browser_and_server_are_on_the_same_machine() {
    let folder = tempfile::tempdir().unwrap();
    let newcomer = async |address: &str, more: &[(&str, &str)]| {
        let page = client().get(format!("http://{address}/sign-up"));
        let page = response(more.iter().fold(page, |page, (name, value)| page.header(*name, *value))).await;
        assert_eq!(page.status, StatusCode::OK);
        let form = client().post(format!("http://{address}/api/sign-up")).header("sec-fetch-site", "same-origin");
        let form = more.iter().fold(form, |form, (name, value)| form.header(*name, *value));
        let fields = [("email", "ana@acme.example"), ("password", PASSWORD), ("account", "Acme"), ("name", "Ana")];
        let fields = fields.map(|(name, value)| (format!("form[{name}]"), value));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let posted = response(with_form(form.header("accept", "text/html"), &fields)).await;
        (!page.text.contains("Sign-up is closed"), posted.header("location").starts_with("/a/acct_"))
    };
    let (serving, address) = serve(offhook(&folder.path().join("here")));
    assert!(serving.log.iter().any(|line| line.contains("\"sign_up\":\"local\"")), "{:?}", serving.log);
    for proxied in [("x-forwarded-for", "203.0.113.9"), ("host", "hooks.acme.example"), ("x-real-ip", "203.0.113.9")] {
        assert_eq!(newcomer(&address, &[proxied]).await, (false, false), "{proxied:?}");
    }
    assert_eq!(newcomer(&address, &[]).await, (true, true));
    let mut public = offhook(&folder.path().join("public"));
    public.env("OFFHOOK_PUBLIC_URL", "https://hooks.acme.example");
    let (serving, address) = serve(public);
    assert!(serving.log.iter().any(|line| line.contains("\"sign_up\":\"invite\"")), "{:?}", serving.log);
    assert_eq!(newcomer(&address, &[]).await, (false, false));
}

#[tokio::test]
async fn what_callers_do_wrong_is_not_our_warning() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = spawn(offhook(folder.path()));
    let address = serving.logged("address");
    let post = async |path: &str, body: &'static str| {
        let request = client().post(format!("http://{address}{path}")).header("sec-fetch-site", "same-origin");
        response(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await.status
    };
    for path in ["/api/nothing", "/api/ops/nothing", "/api/sign-in/"] {
        assert_eq!(post(path, "").await, StatusCode::NOT_FOUND, "{path}");
    }
    for (path, body) in
        [("/api/sign-in", ""), ("/api/endpoints/delete", "acct=1"), ("/api/me/theme", "a=%zz"), ("/api/%00", "")]
    {
        assert_eq!(post(path, body).await, StatusCode::BAD_REQUEST, "{path}");
    }
    assert!(post("/api/sign-out", "").await.is_success());
    serving.child.kill().unwrap();
    let rest = serving.lines.take().unwrap().map_while(Result::ok).collect::<Vec<_>>();
    assert!(!rest.iter().any(|line| line.contains("WARN") || line.contains("ERROR")), "{rest:#?}");
}

#[tokio::test]
async fn a_server_with_a_public_url_refuses_other_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = offhook(folder.path());
    command.env("OFFHOOK_PUBLIC_URL", "https://hooks.acme.example").env("OFFHOOK_TRUSTED_PROXIES", "192.0.2.1");
    let (_serving, address) = serve(command);
    let get = async |path: &str, host: &str| {
        response(client().get(format!("http://{address}{path}")).header("host", host)).await
    };
    for host in ["hooks.acme.example", "hooks.acme.example:443", address.as_str()] {
        assert_eq!(get("/sign-in", host).await.status, StatusCode::OK, "{host}");
    }
    for host in ["evil.example", "hooks.acme.example.evil.example", ""] {
        assert_eq!(get("/sign-in", host).await.status, StatusCode::BAD_REQUEST, "{host}");
        get("/api/v1/events", host).await.is_problem(400);
        assert_eq!(get("/healthz", host).await.status, StatusCode::OK, "{host}");
    }
    for host in [address.as_str(), "127.0.0.1", "localhost"] {
        let request = client().get(format!("http://{address}/sign-in")).header("host", host);
        let forwarded = response(request.header("x-forwarded-for", "203.0.113.9")).await;
        assert_eq!(forwarded.status, StatusCode::BAD_REQUEST, "a proxy forwards the host: {host}");
    }
    let id = client().get(format!("http://{address}/healthz")).header("x-request-id", "chosen");
    assert_ne!(response(id).await.header("x-request-id"), "chosen", "only a trusted proxy chooses it");
}

#[tokio::test]
async fn metrics_and_readiness_are_for_this_machine_only() {
    let folder = tempfile::tempdir().unwrap();
    let (_serving, address) = serve(offhook(folder.path()));
    for path in ["/metrics", "/readyz"] {
        let get = || client().get(format!("http://{address}{path}"));
        assert_eq!(response(get()).await.status, StatusCode::OK, "{path}");
        let forwarded = response(get().header("x-forwarded-for", "203.0.113.9")).await;
        assert_eq!((forwarded.status, forwarded.text.as_str()), (StatusCode::NOT_FOUND, "Not found\n"), "{path}");
    }
}

#[test]
fn help_names_every_setting_with_its_default() {
    let output = offhook(std::path::Path::new(".")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8_lossy(&output.stdout);
    for name in [
        "LISTEN",
        "ADMIN_LISTEN",
        "DATA",
        "DATABASE_URL",
        "DATABASE_CONNECTIONS",
        "PUBLIC_URL",
        "SECRET_KEY",
        "SECRET_KEY_FILE",
        "LOST_KEYS",
        "SIGN_UP",
        "EGRESS_ALLOW",
        "SMTP_URL",
        "MAIL_FROM",
        "OTLP_ENDPOINT",
        "LOG",
        "LOG_FORMAT",
    ] {
        assert!(help.contains(&format!("[env: OFFHOOK_{name}")), "{name}: {help}");
    }
    assert!(help.contains("127.0.0.1:3000") && help.contains("./data"));
}

#[test]
fn an_invalid_setting_is_a_usage_error() {
    for (name, value) in [
        ("SECRET_KEY", "short"),
        ("LOST_KEYS", "all"),
        ("DATABASE_URL", "mysql://x"),
        ("EGRESS_ALLOW", "everything"),
        ("PUBLIC_URL", "acme"),
        ("SIGN_UP", "maybe"),
        ("LOG", "="),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = offhook(folder.path()).env(format!("OFFHOOK_{name}"), value).arg("serve").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
