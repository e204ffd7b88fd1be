//! Connectors and phone systems that are killed during calls.

use std::collections::HashMap;

use serde_json::Value;

use super::{mock_server::MockServer, pbx::Pbx, program::Machine, recording::Recording};

/// Killed before each of these events.
const CUTS: [&str; 6] = [
    "Event: DialBegin",
    "Event: Newstate",
    "Event: DialEnd",
    "Event: BridgeEnter",
    "Event: BridgeLeave",
    "Event: HangupRequest",
];

#[tokio::test]
async fn a_connector_that_is_killed_during_calls_loses_nothing_and_posts_nothing_twice() {
    for name in ["in_answered", "in_ring_group", "out_answered"] {
        let recording = Recording::ending_now(name);
        let mut server = MockServer::start().await;
        let pbx = Pbx::playing(&[&recording]).await;
        let machine = Machine::new("token");
        let mut calls = 0;
        for cut in CUTS {
            calls += 1;
            let call = recording.nth(calls);
            pbx.change(|asterisk| asterisk.read_presentations(&call.text));
            let connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &[])).await;
            let (before, after) = call.split_at(cut);
            pbx.play(&before).await;
            connector.kill();
            let connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &[])).await;
            pbx.play(&after).await;
            let mut ids: HashMap<String, usize> = HashMap::new();
            let mut kinds = Vec::new();
            while kinds.last().is_none_or(|kind| kind != "CallProcessed") {
                let (kind, id) = server.accepted().await;
                *ids.entry(id).or_default() += 1;
                kinds.push(kind);
            }
            // Only what was not acknowledged may be posted again, and the server knows its ID.
            kinds.dedup();
            assert_eq!((ids.len(), kinds.len()), (2, 2), "{name}, killed at {cut}: {ids:?}");
            assert!(connector.stop().await.success());
        }
    }
}

#[tokio::test]
async fn a_phone_system_that_is_killed_ends_its_calls() {
    let recording = Recording::ending_now("in_answered");
    let mut server = MockServer::start().await;
    let mut pbx = Pbx::playing(&[&recording]).await;
    let machine = Machine::new("token");
    let _connector = pbx
        .followed_by(|| machine.start(&pbx.address, &server.url, &["--connector", "con_00000000000000000000000001"]))
        .await;
    pbx.play(&recording.split_at("Event: HangupRequest").0).await;
    assert_eq!(server.accepted().await.0, "IncomingCall");
    pbx.vanish().await;
    let mut state = Value::Null;
    while state["problem"] != "unreachable" {
        state = server.next("/state").await.body;
    }
    assert_eq!(state["connected"], false);
    pbx.change(super::fake_asterisk::FakeAsterisk::restart);
    pbx.listen().await;
    let sent = server.next("/events").await;
    assert_eq!(sent.body["details"]["incomplete"], "pbx_restart", "{}", sent.body);
    assert_eq!(sent.body["payload"]["call_status"], "answered");
    let mut gap = Value::Null;
    while gap["reason"] != "pbx_restart" {
        gap = server.next("/gaps").await.body;
    }
    assert_eq!((&gap["calls_closed"], &gap["incomplete"], &gap["filled"]), (&1.into(), &1.into(), &0.into()));
    assert!(gap["to"].is_string());
}
