//! `/api/v1/deliveries`

use domain::role::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::CALL;
use crate::{
    browser::Browser,
    receiver::Receiver,
    test_app::{Tenant, TestApp},
};

async fn post_record(tenant: &Tenant<'_>, id: &str) {
    let payload: Value = serde_json::from_str(domain::event::EventKind::CallProcessed.example()).unwrap();
    let accepted = tenant.post("/api/v1/events", &json!({ "id": id, "payload": payload })).await;
    assert_eq!(accepted.json()["deliveries"], 1, "{}", accepted.text);
}

#[tokio::test]
async fn a_failed_attempt_shows_its_cause_and_the_response() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    receiver.respond_with(StatusCode::SERVICE_UNAVAILABLE);
    let endpoint = tenant.endpoint(&receiver.url).await;
    post_record(&tenant, "call-1").await;
    let row = tenant.until_delivery_is("retrying").await;
    assert_eq!((&row["cause"], &row["status_code"]), (&json!("http_5xx"), &json!(503)));
    assert_eq!((&row["event_id"], &row["endpoint_id"]), (&json!("call-1"), &endpoint["id"]));
    let shown = tenant.get(&format!("/api/v1/deliveries/{}", row["id"].as_str().unwrap())).await.json();
    let attempt = &shown["attempts"][0];
    assert_eq!(
        (&attempt["number"], &attempt["status_code"], &attempt["cause"]),
        (&json!(1), &json!(503), &json!("http_5xx"))
    );
    assert!(attempt["duration_ms"].is_u64() && attempt["response_head"].as_str().unwrap().contains("content-length"));
    assert_eq!((&attempt["response_body"], &attempt["response_cut"]), (&json!(""), &json!(false)));
    assert_eq!((&shown["payload"]["call_id"], &shown["endpoint_url"]), (&json!(CALL), &json!(receiver.url)));
}

#[tokio::test]
async fn a_rejected_event_says_that_later_events_of_its_call_do_not_wait_for_it() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    receiver.respond_with(StatusCode::BAD_REQUEST);
    tenant.endpoint(&receiver.url).await;
    post_record(&tenant, "call-1").await;
    let row = tenant.until_delivery_is("retrying").await;
    assert_eq!(row["order_given_up"], "rejected");
    let mut viewer = Browser::of_member(&app, &tenant.account, Role::Viewer).await;
    let page = viewer.get(&format!("/a/{}/deliveries/{}", tenant.account.id, row["id"].as_str().unwrap())).await;
    let sentence = "because your server rejected it. They may arrive first.";
    assert!(page.text.contains(sentence), "{}", page.text);
}

#[tokio::test]
async fn a_resend_has_the_same_id() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    post_record(&tenant, "call-1").await;
    let row = tenant.until_delivery_is("delivered").await;
    let resent = tenant.post(&format!("/api/v1/deliveries/{}/resend", row["id"].as_str().unwrap()), &json!({})).await;
    assert_eq!((resent.status, &resent.json()["id"]), (StatusCode::ACCEPTED, &row["id"]));
    let (first, second) = (receiver.next().await, receiver.next().await);
    assert_eq!(
        (&first.headers["webhook-id"], &second.headers["webhook-id"]),
        (&"call-1".parse().unwrap(), &"call-1".parse().unwrap())
    );
    assert_eq!(
        (&first.headers["offhook-attempt"], &second.headers["offhook-attempt"]),
        (&"1".parse().unwrap(), &"2".parse().unwrap())
    );
    assert_eq!(first.body, second.body);
}

#[tokio::test]
async fn attempts_are_listed_in_pages() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    post_record(&tenant, "evt-1").await;
    let id = tenant.until_delivery_is("delivered").await["id"].as_str().unwrap().to_owned();
    for attempts in 2..=21 {
        assert_eq!(
            tenant.post(&format!("/api/v1/deliveries/{id}/resend"), &json!({})).await.status,
            StatusCode::ACCEPTED
        );
        app.until(async || {
            let row = tenant.get("/api/v1/deliveries").await.json()["data"][0].clone();
            (row["attempt_count"] == attempts && row["status"] == "delivered").then_some(())
        })
        .await;
    }
    let list = format!("/api/v1/deliveries/{id}/attempts");
    let numbers = |page: &Value| {
        page["data"].as_array().unwrap().iter().map(|attempt| attempt["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let first = tenant.get(&format!("{list}?limit=3")).await.json();
    assert_eq!(numbers(&first), [21, 20, 19]);
    let second = tenant.get(&format!("{list}?cursor={}", first["next"].as_str().unwrap())).await.json();
    assert_eq!((numbers(&second), second["next"].is_null()), ((1..=18).rev().collect(), true));
    let shown = tenant.get(&format!("/api/v1/deliveries/{id}")).await.json();
    assert_eq!((shown["attempt_count"].as_u64(), shown["attempts"].as_array().unwrap().len()), (Some(21), 20));
    assert_eq!(tenant.get(&format!("{list}?cursor=x")).await.is_problem(422).fields(), ["cursor"]);
    app.account("beta").await.get(&list).await.is_problem(404);
    let mut viewer = Browser::of_member(&app, &tenant.account, Role::Viewer).await;
    let page = format!("/a/{}/deliveries/{id}", tenant.account.id);
    let latest = viewer.get(&page).await.text;
    assert!(latest.contains("Attempts 2 to 21 of 21") && !latest.contains("Newer"), "{latest}");
    let older = format!("{page}/attempts/1#attempts");
    assert!(latest.contains(&format!("href=\"{older}\"")), "{latest}");
    let oldest = viewer.get(&format!("{page}/attempts/1")).await.text;
    assert!(oldest.contains("Attempts 1 to 20 of 21") && !oldest.contains("Older"), "{oldest}");
}

#[tokio::test]
async fn filters_find_what_they_name_and_nothing_else() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let endpoint = tenant.endpoint(&receiver.url).await;
    let endpoint = endpoint["id"].as_str().unwrap();
    post_record(&tenant, "call-1").await;
    tenant.until_delivery_is("delivered").await;
    let count = async |query: &str| {
        tenant.get(&format!("/api/v1/deliveries?{query}")).await.json()["data"].as_array().unwrap().len()
    };
    for found in [
        "status=delivered,failed",
        "event=CallProcessed",
        &format!("endpoint={endpoint}"),
        &format!("call={CALL}"),
        "from=2026-01-01T00:00:00Z",
        &format!("q={CALL}"),
        "test=false",
        "range=1h",
    ] {
        assert_eq!(count(found).await, 1, "{found}");
    }
    for other in [
        "status=failed",
        "event=IncomingCall",
        "endpoint=ep_00000000000000000000000000",
        "call=3dc54a92-aaaf-11e7-b600-7ac8e42434d2",
        "to=2026-01-01T00:00:00Z",
        "q=01202901222",
        "test=true",
    ] {
        assert_eq!(count(other).await, 0, "{other}");
    }
}

#[tokio::test]
async fn an_unknown_parameter_is_an_error() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    for (query, field) in [
        ("status=lost", "status"),
        ("event=Ring", "event"),
        ("endpoint=7", "endpoint"),
        ("from=yesterday", "from"),
        ("stats=failed", "stats"),
        ("limit=251", "limit"),
        ("test=perhaps", "test"),
    ] {
        assert_eq!(tenant.get(&format!("/api/v1/deliveries?{query}")).await.is_problem(422).fields(), [field]);
    }
}

#[tokio::test]
async fn another_accounts_delivery_is_not_found() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("other").await);
    let receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    post_record(&tenant, "call-1").await;
    let row = tenant.until_delivery_is("delivered").await;
    let path = format!("/api/v1/deliveries/{}", row["id"].as_str().unwrap());
    other.get(&path).await.is_problem(404);
    other.post(&format!("{path}/resend"), &json!({})).await.is_problem(404);
    assert_eq!(other.get("/api/v1/deliveries").await.json()["data"], json!([]));
}
