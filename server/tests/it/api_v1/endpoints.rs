//! `/api/v1/endpoints`

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CALL, incoming};
use crate::{receiver::Receiver, test_app::TestApp};

const URL: &str = "http://127.0.0.1:9/calls";

#[tokio::test]
async fn credentials_are_shown_when_an_endpoint_is_created_and_never_again() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let wanted = json!({ "url": URL, "events": ["CallProcessed"], "headers": { "X-Key": "top secret" } });
    let created = tenant.post("/api/v1/endpoints", &wanted).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    assert_eq!(created.header("cache-control"), "no-store");
    let endpoint = created.json();
    assert_eq!(endpoint["auth_token"].as_str().map(str::len), Some(30));
    assert!(endpoint["signing_secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!((&endpoint["state"], &endpoint["name"]), (&json!("active"), &json!("127.0.0.1")));
    for path in ["/api/v1/endpoints".to_owned(), format!("/api/v1/endpoints/{}", endpoint["id"].as_str().unwrap())] {
        let shown = tenant.get(&path).await;
        assert_eq!(shown.status, StatusCode::OK);
        for secret in ["auth_token", "signing_secret", "top secret"] {
            assert!(!shown.text.contains(secret), "{path}: {secret}");
        }
        assert!(shown.text.contains("X-Key"));
    }
}

#[tokio::test]
async fn a_bad_url_is_refused_with_a_specific_message() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    for (url, says) in [
        ("", "Enter the URL"),
        ("crm.acme.example/calls", "Start the URL with https://"),
        ("ftp://acme.example/", "Other schemes"),
        ("https://ana:pw@acme.example/", "user name and password"),
        ("https://acme.example:0/", "Port 0"),
        ("https://acme.example:99999/", "1 to 65535"),
        ("http://2130706433/", "four decimal numbers"),
        ("http://0177.0.0.1/", "four decimal numbers"),
        ("http://0x7f000001/", "four decimal numbers"),
        ("https://acme.example/#top", "after #"),
        ("http://10.0.0.1/", "private"),
        ("http://169.254.169.254/latest/meta-data", "private"),
        ("http://[::1]/", "private"),
        ("http://[::ffff:10.0.0.1]/", "private"),
    ] {
        let refused = tenant.post("/api/v1/endpoints", &json!({ "url": url, "events": ["CallProcessed"] })).await;
        assert_eq!(refused.is_problem(422).fields(), ["url"], "{url}");
        let message = refused.json()["errors"]["url"][0].as_str().unwrap().to_owned();
        assert!(message.contains(says), "{url}: {message}");
    }
}

#[tokio::test]
async fn all_invalid_fields_are_named_at_once() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let wrong =
        json!({ "url": "nonsense", "events": [], "timeout_s": 31, "rate_per_s": 0, "headers": { "Host": "x" } });
    let fields = tenant.post("/api/v1/endpoints", &wrong).await.is_problem(422).fields();
    assert_eq!(fields, ["events", "headers", "rate_per_s", "timeout_s", "url"]);
    for (wrong, field) in [
        (json!({ "url": URL, "events": "CallProcessed" }), "events"),
        (json!({ "url": URL, "events": ["CallProcessed"], "timeout_s": "x" }), "timeout_s"),
        (json!({ "url": URL, "events": ["CallProcessed"], "colour": "red" }), "colour"),
        (json!({ "url": URL }), "events"),
        (json!({ "url": URL, "events": ["CallProcessed"], "headers": { "X-A": "1\r\nHost: x" } }), "headers"),
    ] {
        assert_eq!(tenant.post("/api/v1/endpoints", &wrong).await.is_problem(422).fields(), [field]);
    }
}

#[tokio::test]
async fn a_duplicate_url_is_a_conflict_that_names_the_other_and_can_be_allowed() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let first = tenant.endpoint(URL).await;
    let mut again = json!({ "url": URL, "events": ["CallProcessed"] });
    let refused = tenant.post("/api/v1/endpoints", &again).await;
    assert_eq!(refused.is_problem(409).json()["existing"], first["id"]);
    again["allow_duplicate"] = json!(true);
    assert_eq!(tenant.post("/api/v1/endpoints", &again).await.status, StatusCode::CREATED);
    let other = app.account("other").await;
    other.endpoint(URL).await;
}

#[tokio::test]
async fn an_update_changes_only_the_fields_it_names() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let wanted =
        json!({ "url": URL, "events": ["CallProcessed"], "timeout_s": 5, "rate_per_s": 10, "headers": { "X-A": "1" } });
    let created = tenant.post("/api/v1/endpoints", &wanted).await.json();
    let path = format!("/api/v1/endpoints/{}", created["id"].as_str().unwrap());
    let changed = tenant.patch(&path, &json!({ "name": "CRM", "rate_per_s": null })).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let changed = changed.json();
    assert_eq!(
        (&changed["name"], &changed["rate_per_s"], &changed["timeout_s"]),
        (&json!("CRM"), &Value::Null, &json!(5))
    );
    assert_eq!((&changed["url"], &changed["headers"]), (&json!(URL), &created["headers"]));
    let stale = json!({ "name": "Too late", "version": created["version"] });
    tenant.patch(&path, &stale).await.is_problem(409);
    assert_eq!(tenant.patch(&path, &json!({ "url": "nonsense" })).await.is_problem(422).fields(), ["url"]);
    assert_eq!(tenant.patch(&path, &json!({ "auth_token": "new" })).await.is_problem(422).fields(), ["auth_token"]);
}

#[tokio::test]
async fn a_paused_endpoint_holds_its_events_until_it_is_resumed() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    let endpoint = tenant.endpoint(&receiver.url).await;
    let path = format!("/api/v1/endpoints/{}", endpoint["id"].as_str().unwrap());
    let paused = tenant.post(&format!("{path}/pause"), &json!({})).await.json();
    assert_eq!((&paused["state"], &paused["pause_reason"]), (&json!("paused"), &json!("person")));
    let record =
        json!({ "payload": serde_json::from_str::<Value>(domain::event::EventKind::CallProcessed.example()).unwrap() });
    assert_eq!(tenant.post("/api/v1/events", &record).await.json()["deliveries"], 1);
    tenant.until_delivery_is("held").await;
    assert!(receiver.is_quiet());
    assert_eq!(tenant.post(&format!("{path}/resume"), &json!({})).await.json()["state"], "active");
    assert!(receiver.next().await.body.contains("CallProcessed"));
    tenant.until_delivery_is("delivered").await;
}

#[tokio::test]
async fn a_deleted_endpoint_receives_nothing_but_stays_readable() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let endpoint = tenant.endpoint(URL).await;
    let path = format!("/api/v1/endpoints/{}", endpoint["id"].as_str().unwrap());
    assert_eq!(tenant.delete(&path).await.json(), json!({ "id": endpoint["id"], "cancelled": 0 }));
    assert_eq!(tenant.post("/api/v1/events", &incoming(CALL)).await.json()["deliveries"], 0);
    assert_eq!(tenant.get("/api/v1/endpoints").await.json()["data"], json!([]));
    assert_eq!(tenant.get(&path).await.json()["state"], "deleted");
    tenant.post(&format!("{path}/pause"), &json!({})).await.is_problem(409);
}

#[tokio::test]
async fn a_test_is_sent_to_its_endpoint_only() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let (mut receiver, other) = (Receiver::start().await, Receiver::start().await);
    let endpoint = tenant.endpoint(&receiver.url).await;
    tenant.endpoint(&other.url).await;
    let path = format!("/api/v1/endpoints/{}/test", endpoint["id"].as_str().unwrap());
    let sent = tenant.post(&path, &json!({ "event": "OutgoingCall" })).await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text);
    assert!(receiver.next().await.body.contains("OutgoingCall"));
    let delivery = tenant.until_delivery_is("delivered").await;
    assert_eq!((&delivery["id"], &delivery["test"]), (&sent.json()["delivery_id"], &json!(true)));
    assert!(other.is_quiet());
    assert_eq!(tenant.post(&path, &json!({ "event": "Ring" })).await.is_problem(422).fields(), ["event"]);
}

#[tokio::test]
async fn a_test_uses_the_requested_event() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    let endpoint = tenant.endpoint(&receiver.url).await;
    let path = format!("/api/v1/endpoints/{}", endpoint["id"].as_str().unwrap());
    let test = |event: &str| json!({ "event": event, "payload": incoming(CALL)["payload"] });
    let other = tenant.post(&format!("{path}/test"), &test("OutgoingCall")).await;
    assert_eq!(other.is_problem(422).fields(), ["event"]);
    assert_eq!(tenant.post(&format!("{path}/test"), &test("IncomingCall")).await.status, StatusCode::ACCEPTED);
    assert!(receiver.next().await.body.contains("IncomingCall"));
    tenant.delete(&path).await;
    let gone = tenant.post(&format!("{path}/test"), &test("IncomingCall")).await;
    assert_eq!(gone.is_problem(409).json()["detail"], "This endpoint was deleted.");
}

#[tokio::test]
async fn another_accounts_endpoint_is_not_found() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("other").await);
    let endpoint = tenant.endpoint(URL).await;
    let path = format!("/api/v1/endpoints/{}", endpoint["id"].as_str().unwrap());
    other.get(&path).await.is_problem(404);
    other.patch(&path, &json!({ "name": "mine" })).await.is_problem(404);
    other.delete(&path).await.is_problem(404);
    for verb in ["pause", "resume"] {
        other.post(&format!("{path}/{verb}"), &json!({})).await.is_problem(404);
    }
    other.post(&format!("{path}/test"), &json!({ "event": "CallProcessed" })).await.is_problem(404);
    tenant.get("/api/v1/endpoints/ep_nonsense").await.is_problem(404);
}

#[tokio::test]
async fn pages_of_endpoints_have_the_requested_size() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    for n in 0..3 {
        tenant.endpoint(&format!("{URL}/{n}")).await;
    }
    let first = tenant.get("/api/v1/endpoints?limit=2").await.json();
    assert_eq!(first["data"].as_array().unwrap().len(), 2);
    let next = first["next"].as_str().unwrap();
    let second = tenant.get(&format!("/api/v1/endpoints?limit=2&cursor={next}")).await.json();
    assert_eq!((second["data"].as_array().unwrap().len(), &second["next"]), (1, &Value::Null));
    for wrong in ["limit=0", "limit=251", "limit=many"] {
        let refused = app.call(Method::GET, &format!("/api/v1/endpoints?{wrong}"), &tenant.token, None).await;
        assert_eq!(refused.is_problem(422).fields(), ["limit"]);
    }
}
