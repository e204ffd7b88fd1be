//! Lost connections, and servers that are killed.

use std::{path::Path, process::Command};

use domain::{event::EventKind, time::HOUR_MS};
use engine::{
    background::Worker as _,
    store::accounts::storage::{self, HourBytes},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::connector_calls::unpacked;

use super::{
    Ari,
    asterisk::{Asterisk, Connection, TRUNKS, recording},
    lines,
};
use crate::{
    command::{
        line as printed, offhook, run,
        serve::{Serving, serve},
    },
    crash::set_up,
    receiver::Receiver,
    test_app::{PATIENCE, Tenant, TestApp},
};

/// What the recorded call gives.
const BEGIN: &str = "IncomingCall 01632960001 -> 01632960100";
const END: &str = "CallProcessed incoming answered 3 s, 01632960001 -> extension 7048";

/// The number of messages after which the call is answered and both talk.
fn talking(messages: &[Value]) -> usize {
    messages.iter().position(|message| message["type"] == "ChannelEnteredBridge").unwrap() + 2
}

/// An Asterisk with a connection, on which two people talk.
struct Talking<'a> {
    tenant: Tenant<'a>,
    receiver: Receiver,
    ari: Ari,
    asterisk: Asterisk,
    connection: Connection,
    /// What happens next.
    rest: Vec<Value>,
}

impl<'a> Talking<'a> {
    async fn start(app: &'a TestApp) -> Self {
        let tenant = app.account("acme").await;
        let mut receiver = Receiver::start().await;
        tenant.endpoint(&receiver.url).await;
        let ari = Ari::of(&tenant).await;
        let mut messages = recording("in_answered");
        let mut asterisk = Asterisk::of(&messages);
        let rest = messages.split_off(talking(&messages));
        let mut connection = ari.dial(&app.address.to_string()).await;
        connection.play(&mut asterisk, &messages).await;
        assert_eq!(lines(&mut receiver, 1).await, [BEGIN]);
        Self { tenant, receiver, ari, asterisk, connection, rest }
    }
}

#[tokio::test]
async fn a_call_continues_over_a_lost_connection() {
    let app = TestApp::start().await;
    let Talking { tenant, mut receiver, ari, mut asterisk, connection, rest } = Talking::start(&app).await;
    drop(connection);
    let lasting = async || Some(ari.gaps(&tenant).await).filter(|gaps| gaps.len() == 1);
    let gap = app.until(lasting).await.remove(0);
    assert_eq!((&gap["to"], &gap["reason"]), (&Value::Null, &json!("connection_lost")));
    let mut connection = ari.dial(&app.address.to_string()).await;
    connection.settle(&asterisk).await;
    connection.play(&mut asterisk, &rest).await;
    assert_eq!(lines(&mut receiver, 1).await, [END]);
    let ended = async || Some(ari.gaps(&tenant).await).filter(|gaps| !gaps[0]["to"].is_null());
    let gaps = app.until(ended).await;
    assert_eq!((gaps.len(), &gaps[0]["from"], &gaps[0]["incomplete"]), (1, &gap["from"], &json!(0)));
}

#[tokio::test]
async fn a_call_that_ended_without_a_word_is_incomplete() {
    let app = TestApp::start().await;
    let Talking { tenant, mut receiver, ari, connection, .. } = Talking::start(&app).await;
    drop(connection);
    let mut connection = ari.dial(&app.address.to_string()).await;
    connection.settle(&Asterisk::default()).await;
    let ended = lines(&mut receiver, 1).await.remove(0);
    assert!(ended.starts_with("CallProcessed incoming answered"), "{ended}");
    let closed = async || Some(ari.gaps(&tenant).await).filter(|gaps| gaps.iter().any(|gap| gap["incomplete"] == 1));
    app.until(closed).await;
}

#[tokio::test]
async fn a_newer_connection_replaces_the_older_one_in_the_middle_of_a_call() {
    let app = TestApp::start().await;
    let Talking { mut receiver, ari, mut asterisk, connection: mut older, rest, .. } = Talking::start(&app).await;
    let mut newer = ari.dial(&app.address.to_string()).await;
    let (_, reason) = older.closed().await;
    assert!(reason.contains("newer connection"), "{reason}");
    newer.settle(&asterisk).await;
    newer.play(&mut asterisk, &rest).await;
    assert_eq!(lines(&mut receiver, 1).await, [END]);
}

/// From now on the account's events are refused, because it stores far more than its limit.
async fn fill(tenant: &Tenant<'_>) {
    let engine = &tenant.app.room.engine;
    let posted = json!({ "payload": serde_json::from_str::<Value>(EventKind::CallProcessed.example()).unwrap() });
    assert!(tenant.post("/api/v1/events", &posted).await.status.is_success());
    let (hour_ms, bytes) = (tenant.app.room.backend.clock().now().0 / HOUR_MS * HOUR_MS, i64::MAX / 2);
    let mut tx = engine.context().db.begin().await.unwrap();
    let stored = HourBytes { account_id: tenant.account.id.to_string(), hour_ms, bytes };
    storage::add(&mut tx, &[stored]).await.unwrap();
    tx.commit().await.unwrap();
    engine.background().stored_bytes.tick().await.unwrap();
    let refused = tenant.post("/api/v1/events", &posted).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.text);
}

#[tokio::test]
async fn events_that_cannot_be_posted_survive_a_restart() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    fill(&tenant).await;
    let mut receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    let ari = Ari::of(&tenant).await;
    let mut connection = ari.dial(&app.address.to_string()).await;
    let messages = recording("in_answered");
    connection.play(&mut Asterisk::of(&messages), &messages).await;
    let open = app.room.backend.open_connector(&ari.id, &ari.secret).await.unwrap();
    let saved = async {
        loop {
            let saved = app.room.backend.open_calls(&open).await.unwrap();
            if unpacked::<Value>(saved.as_deref()).to_string().contains("CallProcessed") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, saved).await.expect("the end of the call is not saved");
    assert!(receiver.is_quiet());
    let app = app.restarted().await;
    let mut connection = ari.dial(&app.address.to_string()).await;
    connection.settle(&Asterisk::default()).await;
    assert_eq!(lines(&mut receiver, 2).await, [BEGIN, END]);
}

fn sending(data: &Path) -> Command {
    let mut command = offhook(data);
    command.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
    command
}

/// A server with a connector.
async fn installed(data: &Path, receiver: &Receiver) -> (Serving, String, Ari) {
    let (serving, address) = serve(sending(data));
    let (account, _) = set_up(|| offhook(data), &address, receiver).await;
    let mut create = offhook(data);
    create.args([
        "connector",
        "create",
        "--account",
        &account,
        "--name",
        "pbx",
        "--system",
        "asterisk",
        "--way",
        "ari",
    ]);
    create.args(TRUNKS.iter().flat_map(|trunk| ["--trunk", trunk]));
    let created = printed(&run(create, "").await);
    let text = |key: &str| created[key].as_str().unwrap().to_owned();
    (serving, address, Ari { id: text("id"), secret: text("secret") })
}

#[tokio::test]
async fn a_server_that_is_killed_in_a_call_continues_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let (serving, address, ari) = installed(&data, &receiver).await;
    let messages = recording("in_answered");
    let mut asterisk = Asterisk::of(&messages);
    let cut = talking(&messages);
    let mut connection = ari.dial(&address).await;
    connection.play(&mut asterisk, &messages[..cut]).await;
    assert_eq!(lines(&mut receiver, 1).await, [BEGIN]);
    drop(serving);
    let (_serving, address) = serve(sending(&data));
    let mut connection = ari.dial(&address).await;
    connection.settle(&asterisk).await;
    connection.play(&mut asterisk, &messages[cut..]).await;
    let mut next = lines(&mut receiver, 1).await.remove(0);
    if next.starts_with("IncomingCall") {
        // The attempt that was in flight.
        next = lines(&mut receiver, 1).await.remove(0);
    }
    assert!(next.starts_with("CallProcessed incoming answered"), "{next}");
    assert!(next.ends_with("s, 01632960001 -> extension 7048"), "{next}");
}
