//! `serve`

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command},
};

use reqwest::StatusCode;

use super::offhook;
use crate::test_app::{client, response};

/// A server that is killed when its test ends.
pub struct Serving {
    child: Child,
    log: Vec<String>,
}

impl Serving {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> &[String] {
        &self.log
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it and reads its log until it listens; returns it with its address.
pub fn serve(mut command: Command) -> (Serving, String) {
    let child = command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]).spawn().unwrap();
    let mut serving = Serving { child, log: Vec::new() };
    let lines = BufReader::new(serving.child.stderr.take().unwrap()).lines();
    for line in lines.map(Result::unwrap) {
        let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
        serving.log.push(line);
        if let Some(address) = entry["address"].as_str() {
            return (serving, address.to_owned());
        }
    }
    panic!("it never listened: {:?}", serving.log);
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
