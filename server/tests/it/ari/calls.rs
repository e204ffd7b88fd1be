//! Calls, from the phone system to the receiver.

use std::{collections::HashMap, fs, path::Path};

use domain::token::Scope;
use serde_json::json;

use super::{
    Ari,
    asterisk::{Asterisk, recording},
    lines,
};
use crate::{receiver::Receiver, test_app::TestApp};

/// The scenarios and their outcomes, in the crate that decides what is a call.
fn outcomes() -> HashMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("connect/tests/recordings/outcomes.txt");
    let (mut all, mut name) = (HashMap::new(), String::new());
    for text in fs::read_to_string(path).unwrap().lines().filter(|text| !text.is_empty() && !text.starts_with('#')) {
        match text.strip_prefix("    ") {
            Some(event) => all.entry(name.clone()).or_insert_with(Vec::new).push(event.to_owned()),
            None => name = text.to_owned(),
        }
    }
    all
}

#[tokio::test]
async fn calls_arrive_while_they_happen() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    let ari = Ari::of(&tenant).await;
    let mut connection = ari.dial(&app.address.to_string()).await;
    let outcomes = outcomes();
    for name in ["in_answered", "in_withheld", "out_answered", "in_voicemail", "in_blind_transfer", "in_ring_group"] {
        let messages = recording(name);
        let mut asterisk = Asterisk::of(&messages);
        let outcome = &outcomes[name];
        assert_eq!(outcome.len(), 2, "{name}");
        // The start arrives before the call ends.
        let end = messages.iter().position(|message| message["type"] == "ChannelHangupRequest").unwrap();
        connection.play(&mut asterisk, &messages[..end]).await;
        assert_eq!(lines(&mut receiver, 1).await, outcome[..1], "{name}");
        connection.play(&mut asterisk, &messages[end..]).await;
        assert_eq!(lines(&mut receiver, 1).await, outcome[1..], "{name}");
    }
    assert!(receiver.is_quiet());
    let wanted = ["asterisk/info", "applications/offhook/eventFilter", "channels", "bridges"];
    assert!(wanted.iter().all(|uri| connection.requested.iter().any(|requested| requested == uri)));
    let state = app.until(async || Some(ari.state(&tenant).await).filter(|it| it["state"]["calls_open"] == 0)).await;
    assert_eq!((&state["status"], &state["state"]["system_version"]), (&json!("connected"), &json!("Asterisk 22.5.0")));
    assert!(state["state"]["seen"].as_array().unwrap().contains(&json!("7048")), "{state}");
}

#[tokio::test]
async fn a_platforms_calls_go_to_the_account_of_their_number() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("other").await);
    let mut receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    let platform = app.token(None, &[Scope::ConnectorsRead, Scope::ConnectorsWrite]).await;
    let ari = Ari::create(&app, &platform).await;
    let route = json!({ "number": "01632960100", "account": tenant.account.id }).to_string();
    let path = format!("/api/v1/connectors/{}/routes", ari.id);
    let set = app.call(reqwest::Method::POST, &path, &platform, Some(&route)).await;
    assert!(set.status.is_success(), "{}", set.text);
    let mut connection = ari.dial(&app.address.to_string()).await;
    // The first number has no account.
    for name in ["in_menu_answered", "in_answered"] {
        let messages = recording(name);
        let mut asterisk = Asterisk::of(&messages);
        connection.play(&mut asterisk, &messages).await;
    }
    let received = lines(&mut receiver, 2).await;
    assert!(received.contains(&outcomes()["in_answered"][1]), "{received:?}");
    let path = format!("/api/v1/connectors/{}/unrouted", ari.id);
    let unrouted = app.call(reqwest::Method::GET, &path, &platform, None).await.json();
    assert_eq!(unrouted["data"].as_array().unwrap().len(), 1, "{unrouted}");
    assert_eq!(other.get("/api/v1/events").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_withheld_number_is_nowhere() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    let ari = Ari::of(&tenant).await;
    let mut connection = ari.dial(&app.address.to_string()).await;
    let messages = recording("in_withheld");
    assert!(messages[0].to_string().contains("7700900123"), "Asterisk states it");
    let mut asterisk = Asterisk::of(&messages);
    connection.play(&mut asterisk, &messages).await;
    for _ in 0..2 {
        let body = receiver.next().await.body;
        assert!(body.contains("anonymous") && !body.contains("7700900123"), "{body}");
    }
    drop(connection);
    let gone = async || Some(ari.state(&tenant).await).filter(|it| it["status"] == "reconnecting");
    let state = app.until(gone).await;
    assert!(!state.to_string().contains("7700900123"));
    app.room.stopping.cancel();
    app.room.phone_systems.drained().await;
    app.room.engine.stop().await;
    for file in fs::read_dir(app.folder.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() { fs::read(&path).unwrap() } else { continue };
        let has_it = bytes.windows(10).any(|window| window == b"7700900123");
        assert!(!has_it, "{}", path.display());
    }
}
