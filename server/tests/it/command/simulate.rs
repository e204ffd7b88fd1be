//! `simulate`

use domain::token::Scope;
use serde_json::json;

use super::{line, offhook, run};
use crate::{receiver::Receiver, test_app::TestApp};

#[tokio::test]
async fn whole_calls_are_played_and_every_event_arrives() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    let platform = app.token(None, &[Scope::EventsWrite]).await;
    let mut command = offhook(app.folder.path());
    command.args(["simulate", "--url", &app.url(""), "--token", &platform]);
    command.args(["--account", "ref-acme", "--calls", "20", "--rate", "200"]);
    let report = line(&run(command, "").await);
    assert_eq!((&report["calls"], &report["accepted"], &report["refused"]), (&json!(20), &json!(40), &json!(0)));
    assert_eq!(report["deliveries"], 40);
    for _ in 0..40 {
        receiver.next().await;
    }
}

#[tokio::test]
async fn a_refusal_is_reported_and_ends_with_a_failure() {
    let app = TestApp::start().await;
    let mut command = offhook(app.folder.path());
    command.args(["simulate", "--url", &app.url(""), "--token", "oh_unknown", "--calls", "2", "--rate", "100"]);
    let output = run(command, "").await;
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["accepted"], &report["refused"]), (&json!(0), &json!(2)));
    assert!(String::from_utf8_lossy(&output.stderr).contains("401"));
}
