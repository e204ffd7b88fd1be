//! `/api/v1/calls`

use domain::token::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CALL, incoming};
use crate::test_app::TestApp;

/// The end of the call.
fn processed() -> Value {
    json!({ "payload": { "event": "CallProcessed", "call_id": CALL, "call_cost": "0.01", "call_type": "incoming",
        "call_duration": 6, "call_status": "answered", "source": { "type": "address_contact", "id": 8203 },
        "destination": { "type": "extension", "id": 7048 } } })
}

#[tokio::test]
async fn a_call_is_listed_once_and_shown_with_its_events() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    assert_eq!(tenant.get("/api/v1/calls").await.json(), json!({ "data": [], "next": null }));
    tenant.post("/api/v1/events", &incoming(CALL)).await;
    tenant.post("/api/v1/events", &processed()).await;
    let list = tenant.get("/api/v1/calls").await.json();
    let [call] = list["data"].as_array().unwrap().as_slice() else { panic!("{list}") };
    let expected = json!({ "call_id": CALL, "caller": "01202901222", "callee": "01202912204", "direction": "incoming",
        "ended": true, "status": "answered", "duration_s": 6, "cost": "0.01", "events": 2, "deliveries": 0,
        "delivered": 0, "outcome": "not_sent", "test": false, "began_at": call["began_at"] });
    assert_eq!(call, &expected);
    let shown = tenant.get(&format!("/api/v1/calls/{}", CALL.to_uppercase())).await.json();
    assert_eq!(shown["call"], expected);
    let kinds: Vec<_> = shown["events"].as_array().unwrap().iter().map(|event| event["event"].clone()).collect();
    assert_eq!((kinds, &shown["deliveries"]), (vec![json!("IncomingCall"), json!("CallProcessed")], &json!([])));
}

#[tokio::test]
async fn calls_are_filtered_and_wrong_filters_are_named() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    tenant.post("/api/v1/events", &incoming(CALL)).await;
    tenant.post("/api/v1/events", &processed()).await;
    for (query, found) in [
        ("q=01202+901222", 1),
        ("q=01202+901223", 0),
        ("q=7048", 1),
        ("direction=incoming&status=answered&deliveries=not_sent", 1),
        ("direction=outgoing", 0),
        ("status=busy", 0),
        ("deliveries=failed", 0),
    ] {
        let list = tenant.get(&format!("/api/v1/calls?{query}")).await.json();
        assert_eq!(list["data"].as_array().unwrap().len(), found, "{query}");
    }
    for (query, field) in [
        ("direction=sideways", "direction"),
        ("status=gone", "status"),
        ("deliveries=lost", "deliveries"),
        ("limit=251", "limit"),
        ("cursor=~", "cursor"),
        ("colour=red", "colour"),
    ] {
        assert_eq!(tenant.get(&format!("/api/v1/calls?{query}")).await.is_problem(422).fields(), [field], "{query}");
    }
}

#[tokio::test]
async fn a_call_needs_the_scope_and_the_account() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("beta").await);
    tenant.post("/api/v1/events", &incoming(CALL)).await;
    let path = format!("/api/v1/calls/{CALL}");
    assert_eq!(tenant.get(&path).await.status, StatusCode::OK);
    other.get(&path).await.is_problem(404);
    tenant.get("/api/v1/calls/x").await.is_problem(404);
    let writer = app.token(Some(&tenant.account.id), &[Scope::EventsWrite]).await;
    for path in ["/api/v1/calls", &path] {
        app.call(Method::GET, path, &writer, None).await.is_problem(403);
    }
}
