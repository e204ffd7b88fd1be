//! `serve`

use std::{
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::{UnixMs, time::Clock};
use engine::SystemClock;
use reqwest::StatusCode;
use server::command::serve::until_stopped;
use sqlx::Connection as _;

use super::{installed, offhook};
use crate::test_app::{PATIENCE, TestApp, client, response};

/// A server that is killed when its test ends.
pub(crate) struct Serving {
    child: Child,
    /// None once nothing more is read: a full pipe would block the server.
    lines: Option<Lines<BufReader<ChildStderr>>>,
    log: Vec<String>,
}

impl Serving {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> &[String] {
        &self.log
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

/// Starts it and reads its log until it has started; returns it with its address.
pub(crate) fn serve(command: Command) -> (Serving, String) {
    let mut serving = spawn(command);
    let address = serving.logged("address");
    serving.lines = None;
    (serving, address)
}

fn spawn(mut command: Command) -> Serving {
    let mut child = command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    Serving { child, lines: Some(lines), log: Vec::new() }
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

#[test]
fn help_names_every_setting_with_its_default() {
    let output = offhook(std::path::Path::new(".")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8_lossy(&output.stdout);
    for name in [
        "LISTEN",
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
