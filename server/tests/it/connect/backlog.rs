//! A server that does not accept events for a while.

use std::collections::HashMap;

use super::{mock_server::MockServer, pbx::Pbx, program::Machine, recording::Recording};

const CALLS: usize = 100;
/// Fewer than the events of all calls: as many starts do not fit.
const SPOOL: &str = "150";

#[tokio::test]
async fn while_the_server_is_down_starts_of_calls_are_dropped_first_and_nothing_else_is_lost() {
    let recording = Recording::ending_now("in_busy");
    let mut server = MockServer::start().await;
    server.respond(|_, _| (503, Some(1)));
    let pbx = Pbx::playing(&[&recording]).await;
    let machine = Machine::new("token");
    let more = ["--connector", "con_00000000000000000000000001", "--spool-events", SPOOL];
    let connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &more)).await;
    for call in 0..CALLS {
        pbx.play(&recording.nth(call).messages).await;
    }
    // A stop in between posts nothing and loses nothing.
    assert!(connector.stop().await.success());
    let _connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &more)).await;
    server.respond(|_, _| (202, None));
    let mut kinds: HashMap<String, usize> = HashMap::new();
    let mut ids: HashMap<String, usize> = HashMap::new();
    for _ in 0..150 {
        let (kind, id) = server.accepted().await;
        *kinds.entry(kind).or_default() += 1;
        *ids.entry(id).or_default() += 1;
    }
    assert_eq!((kinds["CallProcessed"], kinds["IncomingCall"], ids.len()), (CALLS, 50, 150));
    let mut gap = server.next("/gaps").await.body;
    while gap["reason"] != "spool_full" || gap["to"].is_null() {
        gap = server.next("/gaps").await.body;
    }
    assert_eq!((&gap["calls_closed"], &gap["incomplete"]), (&50.into(), &0.into()));
}

#[tokio::test]
async fn an_event_that_the_server_refuses_is_not_in_the_way_of_others() {
    let [first, second] = [1, 2].map(|n| Recording::ending_now("in_busy").nth(n));
    let mut server = MockServer::start().await;
    server.respond(|_, body| if body["payload"]["event"] == "IncomingCall" { (422, None) } else { (202, None) });
    let pbx = Pbx::playing(&[&first, &second]).await;
    let machine = Machine::new("token");
    let connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &[])).await;
    pbx.play(&first.messages).await;
    pbx.play(&second.messages).await;
    for _ in 0..2 {
        assert_eq!(server.accepted().await.0, "CallProcessed");
    }
    assert!(connector.stop().await.success());
    let log = std::fs::read_to_string(machine.path("log")).unwrap();
    assert_eq!(log.matches("the server refused an event").count(), 2, "{log}");
    assert!(log.contains("422 Unprocessable Entity: Why."), "{log}");
}

#[tokio::test]
async fn a_token_that_has_expired_costs_no_event() {
    let recording = Recording::ending_now("in_busy");
    let mut server = MockServer::start().await;
    server.respond(|_, _| (401, None));
    let pbx = Pbx::playing(&[&recording]).await;
    let machine = Machine::new("token");
    let _connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &[])).await;
    pbx.play(&recording.messages).await;
    assert_eq!(server.next("/events").await.status, 401);
    server.respond(|_, _| (202, None));
    assert_eq!(server.accepted().await.0, "IncomingCall");
    assert_eq!(server.accepted().await.0, "CallProcessed");
}

#[tokio::test]
async fn a_platforms_events_have_a_route_and_the_connector_reports_its_state() {
    let recording = Recording::ending_now("in_answered");
    let mut server = MockServer::start().await;
    let pbx = Pbx::playing(&[&recording]).await;
    let machine = Machine::new("token");
    let id = "con_00000000000000000000000001";
    let _connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &["--connector", id])).await;
    pbx.play(&recording.messages).await;
    let (mut state, mut events) = (None, Vec::new());
    while state.is_none() || events.len() < 2 {
        let sent = server.next("").await;
        match sent.path.as_str() {
            "/api/v1/events" => events.push(sent.body),
            path if path == format!("/api/v1/connectors/{id}/state") => {
                assert_eq!(sent.method, "PUT");
                state = Some(sent.body)
                    .filter(|state| state["connected"] == true && state["seen"] != serde_json::json!([]));
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!((&events[0]["connector"], &events[0]["route"]["dialled"]), (&id.into(), &"01632960100".into()));
    assert_eq!(events[1]["details"]["call_result"], "answered");
    let state = state.unwrap();
    assert_eq!((&state["system_version"], &state["problem"]), (&"22.10.1".into(), &serde_json::Value::Null));
    assert_eq!(state["seen"], serde_json::json!(["7048", "trunk"]));
}
