//! `/api/v1/events/batch`

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{CALL, incoming};
use crate::{receiver::Receiver, test_app::TestApp};

fn with_id(id: &str) -> Value {
    let mut event = incoming(CALL);
    event["id"] = json!(id);
    event["timestamp"] = json!(1_507_305_504);
    event
}

#[tokio::test]
async fn each_event_has_its_result_at_its_position() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    tenant.post("/api/v1/events", &with_id("known")).await;
    let mut changed = with_id("known");
    changed["payload"]["caller_number"] = json!("01202900000");
    let mut broken = with_id("broken");
    broken["payload"]["call_id"] = json!(7);
    let events = json!([with_id("a"), broken, with_id("known"), changed, "no event", with_id("b")]);
    let response = tenant.post("/api/v1/events/batch", &json!({ "events": events })).await;
    assert_eq!(response.status, StatusCode::ACCEPTED, "{}", response.text);
    let results = response.json()["results"].clone();
    let of_each = |key: &str| results.as_array().unwrap().iter().map(|result| result[key].clone()).collect::<Vec<_>>();
    assert_eq!(of_each("status"), [202, 422, 200, 409, 422, 202]);
    assert_eq!(of_each("id"), [json!("a"), Value::Null, json!("known"), Value::Null, Value::Null, json!("b")]);
    assert_eq!(results[1]["problem"]["errors"]["payload.call_id"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn events_of_a_call_are_sent_in_the_order_of_the_batch() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    let mut record =
        json!({ "payload": serde_json::from_str::<Value>(domain::event::EventKind::CallProcessed.example()).unwrap() });
    record["id"] = json!("z-record");
    let events = json!([with_id("begins"), record]);
    assert_eq!(tenant.post("/api/v1/events/batch", &json!({ "events": events })).await.status, StatusCode::ACCEPTED);
    assert!(receiver.next().await.body.contains("IncomingCall"));
    assert!(receiver.next().await.body.contains("CallProcessed"));
}

#[tokio::test]
async fn a_batch_holds_one_to_a_thousand_events() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let batch =
        async |n: usize| tenant.post("/api/v1/events/batch", &json!({ "events": vec![incoming(CALL); n] })).await;
    assert_eq!(batch(0).await.is_problem(422).fields(), ["events"]);
    assert_eq!(batch(1_001).await.is_problem(422).fields(), ["events"]);
    assert_eq!(batch(1_000).await.json()["results"].as_array().unwrap().len(), 1_000);
}

/// Twice the events that an account may post per second: beginning and end of each of 500 calls, in each of two batches.
#[tokio::test]
async fn no_event_of_a_batch_is_accepted_after_one_that_the_rate_limit_refused() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let record: Value = serde_json::from_str(domain::event::EventKind::CallProcessed.example()).unwrap();
    let mut refused = 0;
    for batch in 0..2 {
        let both = |n: usize| {
            let call = format!("2f533604-aaaf-11e7-b600-7ac8e{:07}", batch * 1_000 + n);
            let mut ends = json!({ "payload": record });
            ends["payload"]["call_id"] = json!(call);
            [incoming(&call), ends]
        };
        let events: Vec<Value> = (0..500).flat_map(both).collect();
        let results = tenant.post("/api/v1/events/batch", &json!({ "events": events })).await.json()["results"].clone();
        let statuses: Vec<_> = results.as_array().unwrap().iter().map(|result| result["status"].clone()).collect();
        let after: Vec<_> = statuses.iter().skip_while(|status| **status == 202).collect();
        assert!(after.iter().all(|status| **status == 429), "{statuses:?}");
        refused += after.len();
    }
    assert!(refused > 0, "the limit was not reached");
}
