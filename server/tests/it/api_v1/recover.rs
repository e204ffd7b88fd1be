//! `/api/v1/endpoints/{id}/recover` and `/api/v1/jobs`

use domain::{event::EventKind, token::Scope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    receiver::Receiver,
    test_app::{Tenant, TestApp},
};

/// This many calls whose first events arrived while the endpoint returned 410.
async fn outage(tenant: &Tenant<'_>, receiver: &Receiver, calls: u32) -> String {
    receiver.respond_with(StatusCode::GONE);
    let endpoint = tenant.endpoint(&receiver.url).await["id"].as_str().unwrap().to_owned();
    for call in 0..calls {
        let example = EventKind::IncomingCall.example();
        let payload = example.replace("2f533604", &format!("{call:08x}"));
        let payload: Value = serde_json::from_str(&payload).unwrap();
        tenant.post("/api/v1/events", &json!({ "payload": payload })).await;
        // Being gone pauses the endpoint; each call needs it awake once.
        tenant.post(&format!("/api/v1/endpoints/{endpoint}/resume"), &json!({})).await;
        let failed = i64::from(call) + 1;
        tenant.app.until(async || (failed_count(tenant).await == failed).then_some(())).await;
    }
    tenant.post(&format!("/api/v1/endpoints/{endpoint}/resume"), &json!({})).await;
    receiver.respond_with(StatusCode::OK);
    endpoint
}

async fn failed_count(tenant: &Tenant<'_>) -> i64 {
    let rows = tenant.get("/api/v1/deliveries?status=failed").await.json();
    i64::try_from(rows["data"].as_array().unwrap().len()).unwrap()
}

#[tokio::test]
async fn what_was_counted_is_resent() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let path = format!("/api/v1/endpoints/{}/recover", outage(&tenant, &receiver, 3).await);
    let plan = tenant.post(&path, &json!({ "from": "2026-01-01T00:00:00Z", "dry_run": true })).await;
    assert_eq!((plan.status, &plan.json()["count"]), (StatusCode::OK, &json!(3)), "{}", plan.text);
    assert_eq!((&plan.json()["estimated_ms"], &plan.json()["running"]), (&json!(60), &Value::Null));
    let started = tenant.post(&path, &json!({ "from": "2026-01-01T00:00:00Z", "which": "failed" })).await;
    assert_eq!((started.status, &started.json()["total"]), (StatusCode::ACCEPTED, &json!(3)), "{}", started.text);
    let job = format!("/api/v1/jobs/{}", started.json()["id"].as_str().unwrap());
    let ended = app
        .until(async || {
            let job = tenant.get(&job).await.json();
            (job["state"] == "done").then_some(job)
        })
        .await;
    assert_eq!((&ended["done"], &ended["left"], &ended["failed"]), (&json!(3), &json!(0), &json!(0)));
    app.until(async || {
        let rows = tenant.get("/api/v1/deliveries?status=delivered").await.json();
        (rows["data"].as_array().unwrap().len() == 3).then_some(())
    })
    .await;
    tenant.post(&format!("{job}/cancel"), &json!({})).await.is_problem(409);
    let nothing = tenant.post(&path, &json!({ "from": "2026-01-01T00:00:00Z" })).await;
    assert_eq!(nothing.is_problem(422).fields(), ["from"]);
}

#[tokio::test]
async fn a_job_can_be_paused_resumed_and_cancelled() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let path = format!("/api/v1/endpoints/{}/recover", outage(&tenant, &receiver, 3).await);
    let wanted = json!({ "from": "2026-01-01T00:00:00Z", "rate_per_s": 1 });
    let started = tenant.post(&path, &wanted).await.json();
    let job = format!("/api/v1/jobs/{}", started["id"].as_str().unwrap());
    let busy = tenant.post(&path, &wanted).await;
    assert_eq!(busy.is_problem(409).json()["existing"], started["id"]);
    for (turn, state) in [("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")] {
        let turned = tenant.post(&format!("{job}/{turn}"), &json!({})).await;
        assert_eq!((turned.status, &turned.json()["state"]), (StatusCode::OK, &json!(state)), "{}", turned.text);
    }
}

#[tokio::test]
async fn the_scope_and_the_account_are_checked() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("other").await);
    let receiver = Receiver::start().await;
    let endpoint = outage(&tenant, &receiver, 1).await;
    let path = format!("/api/v1/endpoints/{endpoint}/recover");
    let wanted = json!({ "from": "2026-01-01T00:00:00Z", "rate_per_s": 1 });
    let reader = app.token(Some(&tenant.account.id), &[Scope::DeliveriesRead]).await;
    app.call(Method::POST, &path, &reader, Some(&wanted.to_string())).await.is_problem(403);
    other.post(&path, &wanted).await.is_problem(404);
    let started = tenant.post(&path, &wanted).await.json();
    let job = format!("/api/v1/jobs/{}", started["id"].as_str().unwrap());
    other.get(&job).await.is_problem(404);
    other.post(&format!("{job}/cancel"), &json!({})).await.is_problem(404);
    assert_eq!(app.call(Method::GET, &job, &reader, None).await.status, StatusCode::OK);
    app.call(Method::POST, &format!("{job}/pause"), &reader, Some("{}")).await.is_problem(403);
}

#[tokio::test]
async fn every_invalid_field_is_named() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let path = format!("/api/v1/endpoints/{}/recover", outage(&tenant, &receiver, 0).await);
    let wrong = json!({ "from": "yesterday", "events": ["Ring"], "which": "some", "rate_per_s": 0 });
    assert_eq!(tenant.post(&path, &wrong).await.is_problem(422).fields(), ["events", "from", "rate_per_s", "which"]);
    assert_eq!(tenant.post(&path, &json!({})).await.is_problem(422).fields(), ["from"]);
    assert_eq!(tenant.post(&path, &json!({ "from": "x", "speed": 1 })).await.is_problem(422).fields(), ["speed"]);
}
