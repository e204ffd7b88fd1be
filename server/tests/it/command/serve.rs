//! `serve`

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command},
};

use reqwest::StatusCode;

use super::offhook;
use crate::app::{answer, client};

/// A server that is ended whatever becomes of its test.
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

/// Starts it and reads its log until it listens; answers with its address, too.
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
async fn it_keeps_its_key_answers_and_stops_when_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut serving, address) = serve(offhook(&data));
    assert_eq!(answer(client().get(format!("http://{address}/readyz"))).await.status, StatusCode::OK);
    assert!(data.join("secret.key").exists() && data.join("offhook.db").exists());
    let key = std::fs::read_to_string(data.join("secret.key")).unwrap();
    assert!(!serving.log.iter().any(|line| line.contains(key.trim())), "the key is in the log");
    let told = Command::new("kill").arg(serving.child.id().to_string()).status().unwrap();
    assert!(told.success());
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
fn a_setting_that_cannot_be_read_is_wrong_usage() {
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
