//! Retrying and resending many deliveries: `/api/v1/endpoints/{id}/retry`, `/api/v1/deliveries/retry` and `/resend`

use domain::{event::EventKind, token::Scope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    receiver::Receiver,
    test_app::{Tenant, TestApp},
};

/// An endpoint for which this many events wait after a failed attempt; its server works again.
async fn waiting(tenant: &Tenant<'_>, receiver: &Receiver, calls: usize) -> String {
    receiver.respond_with(StatusCode::SERVICE_UNAVAILABLE);
    let endpoint = tenant.endpoint(&receiver.url).await["id"].as_str().unwrap().to_owned();
    for call in 0..calls {
        let example = EventKind::CallProcessed.example();
        let from = example.find("call_id").unwrap() + 10;
        let payload = example.replace(&example[from..][..8], &format!("{call:08x}"));
        let payload: Value = serde_json::from_str(&payload).unwrap();
        tenant.post("/api/v1/events", &json!({ "payload": payload })).await;
        tenant.app.until(async || (of_status(tenant, "retrying").await.len() == call + 1).then_some(())).await;
    }
    receiver.respond_with(StatusCode::OK);
    endpoint
}

async fn of_status(tenant: &Tenant<'_>, status: &str) -> Vec<Value> {
    let rows = tenant.get(&format!("/api/v1/deliveries?status={status}")).await.json();
    rows["data"].as_array().unwrap().clone()
}

/// The job once all its events are delivered.
async fn delivered(tenant: &Tenant<'_>, started: &Value, events: u32) -> Value {
    let path = format!("/api/v1/jobs/{}", started["id"].as_str().unwrap());
    tenant
        .app
        .until(async || {
            let job = tenant.get(&path).await.json();
            (job["results"]["delivered"] == events).then_some(job)
        })
        .await
}

#[tokio::test]
async fn everything_that_waits_for_an_endpoint_is_sent_now() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let endpoint = waiting(&tenant, &receiver, 3).await;
    let path = format!("/api/v1/endpoints/{endpoint}/retry");
    let started = tenant.post(&path, &json!({ "rate_per_s": 100 })).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text);
    let started = started.json();
    assert_eq!(
        (&started["action"], &started["total"], &started["rate_per_s"]),
        (&json!("retry"), &json!(3), &json!(100))
    );
    assert_eq!(started["endpoint_id"], endpoint.as_str());
    let ended = delivered(&tenant, &started, 3).await;
    assert_eq!((&ended["state"], &ended["left"], &ended["failed"]), (&json!("done"), &json!(0), &json!(0)));
    let listed = tenant.get("/api/v1/jobs").await.json();
    assert_eq!(listed["data"][0]["id"], started["id"]);
    let of_job = tenant.get(&format!("/api/v1/deliveries?job={}", started["id"].as_str().unwrap())).await.json();
    assert_eq!(of_job["data"].as_array().unwrap().len(), 3);
    tenant.post(&path, &json!({})).await.is_problem(422);
}

#[tokio::test]
async fn selected_and_filtered_deliveries_are_retried_and_resent() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let endpoint = waiting(&tenant, &receiver, 3).await;
    let rows = of_status(&tenant, "retrying").await;
    let started = tenant.post("/api/v1/deliveries/retry", &json!({ "ids": [rows[0]["id"]] })).await.json();
    assert_eq!((&started["total"], &started["endpoint_id"]), (&json!(1), &Value::Null));
    delivered(&tenant, &started, 1).await;
    let one = format!("/api/v1/deliveries/{}/retry", rows[1]["id"].as_str().unwrap());
    assert_eq!(tenant.post(&one, &json!({})).await.status, StatusCode::ACCEPTED);
    app.until(async || (of_status(&tenant, "delivered").await.len() == 2).then_some(())).await;
    tenant.post(&one, &json!({})).await.is_problem(409);
    let filter = json!({ "filter": { "status": ["retrying"], "endpoint": endpoint } });
    let started = tenant.post("/api/v1/deliveries/retry", &filter).await.json();
    assert_eq!(started["filter"], format!("status=retrying&endpoint={endpoint}"));
    delivered(&tenant, &started, 1).await;
    let filter = json!({ "filter": { "status": ["delivered"] }, "rate_per_s": 500 });
    let started = tenant.post("/api/v1/deliveries/resend", &filter).await.json();
    assert_eq!((&started["action"], &started["total"]), (&json!("resend"), &json!(3)));
    delivered(&tenant, &started, 3).await;
}

#[tokio::test]
async fn a_paused_endpoint_is_refused_and_sends_what_waits_when_it_is_resumed() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let endpoint = waiting(&tenant, &receiver, 2).await;
    let path = |rest: &str| format!("/api/v1/endpoints/{endpoint}/{rest}");
    tenant.post(&path("pause"), &json!({})).await;
    tenant.post(&path("retry"), &json!({})).await.is_problem(409);
    tenant.post(&path("resume"), &json!({})).await;
    app.until(async || (of_status(&tenant, "delivered").await.len() == 2).then_some(())).await;
}

#[tokio::test]
async fn the_scope_and_the_account_are_checked() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("other").await);
    let receiver = Receiver::start().await;
    let endpoint = waiting(&tenant, &receiver, 1).await;
    let id = of_status(&tenant, "retrying").await[0]["id"].clone();
    let reader = app.token(Some(&tenant.account.id), &[Scope::DeliveriesRead, Scope::EndpointsWrite]).await;
    let ids = json!({ "ids": [id] });
    for (path, body) in [
        (format!("/api/v1/endpoints/{endpoint}/retry"), json!({})),
        (format!("/api/v1/deliveries/{}/retry", id.as_str().unwrap()), json!({})),
        ("/api/v1/deliveries/retry".to_owned(), ids.clone()),
        ("/api/v1/deliveries/resend".to_owned(), ids.clone()),
    ] {
        app.call(Method::POST, &path, &reader, Some(&body.to_string())).await.is_problem(403);
    }
    other.post(&format!("/api/v1/endpoints/{endpoint}/retry"), &json!({})).await.is_problem(404);
    // Another account's deliveries are none: there is nothing to retry.
    other.post("/api/v1/deliveries/retry", &ids).await.is_problem(422);
    assert_eq!(of_status(&tenant, "retrying").await.len(), 1);
}

#[tokio::test]
async fn invalid_selections_are_refused() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    for (body, fields) in [
        (json!({}), ["ids"]),
        (json!({ "ids": ["dlv_1"], "filter": {} }), ["ids"]),
        (json!({ "ids": ["nonsense"] }), ["ids"]),
        (json!({ "filter": { "status": ["broken"] } }), ["status"]),
        (json!({ "filter": { "cursor": "x" } }), ["filter.cursor"]),
        (json!({ "filter": {}, "rate_per_s": 0 }), ["rate_per_s"]),
        (json!({ "filter": {}, "speed": 1 }), ["speed"]),
    ] {
        let refused = tenant.post("/api/v1/deliveries/retry", &body).await;
        assert_eq!(refused.is_problem(422).fields(), fields, "{body}");
    }
    let many = json!({ "ids": vec!["dlv_00000000000000000000000000"; 251] });
    assert_eq!(tenant.post("/api/v1/deliveries/resend", &many).await.is_problem(422).fields(), ["ids"]);
}
