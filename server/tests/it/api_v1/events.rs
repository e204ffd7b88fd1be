//! `/api/v1/events`

use domain::token::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CALL, incoming};
use crate::{receiver::Receiver, test_app::TestApp};

/// The published examples, as an endpoint receives them.
const PUBLISHED: [&str; 4] = [
    r#"{"payload":{"event":"IncomingCall","call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","callee_number":"01202912204","caller_number":"01202901222"},"timestamp":1507305504,"auth_token":"my-token"}"#,
    r#"{"payload":{"event":"OutgoingCall","call_id":"3dc54a92-aaaf-11e7-b600-7ac8e42434d2","callee_number":"441202901222","caller_number":"01202912204"},"timestamp":1507305529,"auth_token":"my-token"}"#,
    r#"{"payload":{"event":"CallProcessed","call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","call_cost":0.0,"call_type":"incoming","call_duration":6,"call_status":"answered","source":{"type":"address_contact","id":8203},"destination":{"type":"extension","id":7048}},"timestamp":1507305512,"auth_token":"my-token"}"#,
    r#"{"payload":{"event":"CallProcessed","call_id":"3dc54a92-aaaf-11e7-b600-7ac8e42434d2","call_cost":"0.01","call_type":"outgoing","call_duration":5,"call_status":"answered","source":{"type":"extension","id":7048},"destination":"01234567890"},"timestamp":1507305538,"auth_token":"hTUxUXj6Du7nhlUumr4SqSmyQ57i0y"}"#,
];

#[tokio::test]
async fn the_published_events_arrive_byte_for_byte_and_signed() {
    let app = TestApp::start().await;
    for (n, published) in PUBLISHED.into_iter().enumerate() {
        let tenant = app.account(&format!("acme-{n}")).await;
        let mut receiver = Receiver::start().await;
        let (posted, auth_token) = published.split_once(",\"auth_token\":").unwrap();
        let wanted = json!({ "url": receiver.url, "auth_token": serde_json::from_str::<Value>(auth_token.trim_end_matches('}')).unwrap(),
            "events": ["IncomingCall", "OutgoingCall", "CallProcessed"] });
        let endpoint = tenant.post("/api/v1/endpoints", &wanted).await.json();
        let accepted = tenant.post_text("/api/v1/events", &format!("{posted}}}")).await;
        assert_eq!(
            (accepted.status, &accepted.json()["deliveries"]),
            (StatusCode::ACCEPTED, &json!(1)),
            "{}",
            accepted.text
        );
        let received = receiver.next().await;
        assert_eq!(received.body, published);
        let header = |name: &str| received.headers[name].to_str().unwrap();
        assert_eq!((header("content-type"), received.path.as_str()), ("application/json", "/calls"));
        assert_eq!(header("webhook-id"), accepted.json()["id"].as_str().unwrap());
        let secret = domain::secret::SigningSecret::parse(endpoint["signing_secret"].as_str().unwrap()).unwrap();
        let sent_at = header("webhook-timestamp").parse().unwrap();
        let signature = domain::signature::sign(&secret, header("webhook-id"), sent_at, received.body.as_bytes());
        assert_eq!(header("webhook-signature"), signature);
    }
}

#[tokio::test]
async fn details_are_sent_to_endpoints_that_ask_for_them() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    let wanted = json!({ "url": receiver.url, "auth_token": "my-token", "events": ["IncomingCall"] });
    let endpoint = tenant.post("/api/v1/endpoints", &wanted).await.json();
    assert_eq!(endpoint["send_details"], json!(false));
    let path = format!("/api/v1/endpoints/{}", endpoint["id"].as_str().unwrap());
    let details = json!({ "queue": "sales", "ring_s": 4 });
    for (asks, expected) in [(false, Value::Null), (true, details.clone())] {
        let changed = tenant.patch(&path, &json!({ "send_details": asks })).await;
        assert_eq!((changed.status, &changed.json()["send_details"]), (StatusCode::OK, &json!(asks)));
        let mut event = incoming(CALL);
        event["details"] = details.clone();
        let accepted = tenant.post("/api/v1/events", &event).await.json();
        let body: Value = serde_json::from_str(&receiver.next().await.body).unwrap();
        assert_eq!(body["details"], expected);
        let shown = tenant.get(&format!("/api/v1/events/{}", accepted["id"].as_str().unwrap())).await.json();
        assert_eq!(shown["details"], details);
        let delivery = shown["outcome"][0]["id"].as_str().unwrap();
        let delivery = tenant.get(&format!("/api/v1/deliveries/{delivery}")).await.json();
        assert_eq!(delivery["details"], expected);
    }
    let mut event = incoming(CALL);
    for wrong in [json!([]), json!("x"), json!({ "a": [[[[]]]] }), json!({ "a": "x".repeat(2_048) })] {
        event["details"] = wrong;
        assert_eq!(tenant.post("/api/v1/events", &event).await.is_problem(422).fields(), ["details"]);
    }
}

#[tokio::test]
async fn repeating_an_id_changes_nothing_and_another_body_is_a_conflict() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut event = incoming(CALL);
    event["id"] = json!("call-1-begins");
    event["timestamp"] = json!(1_507_305_504);
    let first = tenant.post("/api/v1/events", &event).await;
    let again = tenant.post("/api/v1/events", &event).await;
    assert_eq!((first.status, again.status), (StatusCode::ACCEPTED, StatusCode::OK));
    assert_eq!(first.json(), again.json());
    event["payload"]["caller_number"] = json!("01202900000");
    tenant.post("/api/v1/events", &event).await.is_problem(409);
    // Ids are an account's own.
    let other = app.account("other").await;
    assert_eq!(other.post("/api/v1/events", &event).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn an_event_without_a_subscriber_is_accepted_and_says_why_it_was_not_sent() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let accepted = tenant.post("/api/v1/events", &incoming(CALL)).await;
    assert_eq!((accepted.status, &accepted.json()["deliveries"]), (StatusCode::ACCEPTED, &json!(0)));
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    let shown = tenant.get(&format!("/api/v1/events/{id}")).await.json();
    assert_eq!(shown["not_sent"]["cause"], "not_sent_no_endpoint");
    assert_eq!(shown["not_sent"]["detail"], "No endpoint is subscribed to IncomingCall");
    assert_eq!((&shown["outcome"], &shown["payload"]["call_id"]), (&json!([]), &json!(CALL)));
    let listed = tenant.get("/api/v1/events?not_sent=true&event=IncomingCall").await.json();
    assert_eq!((&listed["data"][0]["id"], &listed["next"]), (&json!(id), &Value::Null));
}

#[tokio::test]
async fn a_platform_token_addresses_an_account_by_id_or_reference() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let platform = app.token(None, &[Scope::EventsWrite]).await;
    let post = async |account: Option<&str>| {
        let mut event = incoming(CALL);
        if let Some(account) = account {
            event["account"] = json!(account);
        }
        app.call(Method::POST, "/api/v1/events", &platform, Some(&event.to_string())).await
    };
    assert_eq!(post(Some(tenant.account.id.as_str())).await.status, StatusCode::ACCEPTED);
    assert_eq!(post(Some("ref-acme")).await.status, StatusCode::ACCEPTED);
    post(Some("ref-nobody")).await.is_problem(404);
    assert_eq!(post(None).await.is_problem(422).fields(), ["account"]);
}

#[tokio::test]
async fn an_account_token_cannot_post_for_another_account() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("other").await);
    let mut event = incoming(CALL);
    event["account"] = json!(other.account.id);
    tenant.post("/api/v1/events", &event).await.is_problem(404);
    event["account"] = json!(tenant.account.id);
    assert_eq!(tenant.post("/api/v1/events", &event).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn contract_violations_are_reported_by_field() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let refused = async |change: fn(&mut Value)| {
        let mut event = incoming(CALL);
        change(&mut event);
        tenant.post("/api/v1/events", &event).await.is_problem(422).fields()
    };
    assert_eq!(refused(|event| event["payload"]["call_id"] = json!("7")).await, ["payload.call_id"]);
    assert_eq!(refused(|event| event["payload"]["event"] = json!("Ring")).await, ["payload.event"]);
    assert_eq!(refused(|event| event["payload"] = json!([])).await, ["payload"]);
    assert_eq!(refused(|event| event["timestamp"] = json!("soon")).await, ["timestamp"]);
    assert_eq!(refused(|event| event["timestamp"] = json!(1_507_305_504_000_i64)).await, ["timestamp"]);
    assert_eq!(refused(|event| event["id"] = json!("a.b")).await, ["id"]);
    assert_eq!(refused(|event| event["speed"] = json!(1)).await, ["speed"]);
    assert_eq!(refused(|event| drop(event.as_object_mut().unwrap().remove("payload"))).await, ["payload"]);
}

#[tokio::test]
async fn a_list_instead_of_an_object_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let payload = incoming(CALL)["payload"].clone();
    let listed = json!([null, "arr1", payload, 12]);
    assert_eq!(tenant.post("/api/v1/events", &listed).await.is_problem(422).fields(), ["body"]);
    assert_eq!(tenant.post("/api/v1/events/batch", &json!([[listed]])).await.is_problem(422).fields(), ["body"]);
    let results = tenant.post("/api/v1/events/batch", &json!({ "events": [listed] })).await.json();
    assert_eq!(results["results"][0]["status"], 422, "{results}");
    assert_eq!(tenant.get("/api/v1/events").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_refusal_says_what_to_do_without_library_messages() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let refused = async |body: String| tenant.post_text("/api/v1/events", &body).await.is_problem(422).json();
    let empty = refused(r#"{"payload":{"event":"CallProcessed"}}"#.to_owned()).await;
    let detail = empty["detail"].as_str().unwrap();
    assert!(detail.contains("payload.call_id, payload.call_cost") && !detail.contains("missing"), "{detail}");
    let with = |timestamp: &str| incoming(CALL).to_string().replacen('{', &format!("{{\"timestamp\":{timestamp},"), 1);
    for (timestamp, says) in [
        ("\"soon\"", "timestamp: Expected a whole number."),
        ("1.5", "timestamp: Expected a whole number."),
        ("1e400", "timestamp: This number is too large."),
    ] {
        assert_eq!(refused(with(timestamp)).await["detail"], says);
    }
    let record = domain::event::EventKind::CallProcessed.example().replace("0.0", "1e400");
    let refused = refused(format!(r#"{{"payload":{record}}}"#)).await;
    assert_eq!(refused["detail"], "payload.call_cost: This number is too large.");
    let platform = app.token(None, &[Scope::EventsWrite]).await;
    let mut event = incoming(CALL);
    event["account"] = json!("nobody");
    let unknown = app.call(Method::POST, "/api/v1/events", &platform, Some(&event.to_string())).await;
    assert_eq!(unknown.is_problem(404).json()["detail"], "There is no account with this id or reference.");
}

#[tokio::test]
async fn unknown_keys_are_kept_after_the_known_ones() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    let posted = format!(
        r#"{{"payload":{{"zulu":1.50,"caller_number":"2","event":"IncomingCall","call_id":"{CALL}","callee_number":"1"}}}}"#
    );
    assert_eq!(tenant.post_text("/api/v1/events", &posted).await.status, StatusCode::ACCEPTED);
    let expected = format!(
        r#"{{"payload":{{"event":"IncomingCall","call_id":"{CALL}","callee_number":"1","caller_number":"2","zulu":1.50}},"#
    );
    assert!(receiver.next().await.body.starts_with(&expected));
}

#[tokio::test]
async fn invalid_json_is_refused_with_its_position() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let refused = tenant.post_text("/api/v1/events", "{\"payload\":").await;
    assert!(refused.is_problem(400).json()["detail"].as_str().unwrap().contains("line 1 column 11"));
    let form = app.http.post(app.url("/api/v1/events")).header("authorization", format!("Bearer {}", tenant.token));
    crate::test_app::response(form.header("content-type", "text/plain").body("{}")).await.is_problem(415);
}

#[tokio::test]
async fn a_body_of_ten_megabytes_gets_a_clear_error() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let huge = "x".repeat(10 * 1_024 * 1_024);
    for path in ["/api/v1/events", "/api/v1/events/batch", "/api/v1/endpoints"] {
        let refused = tenant.post_text(path, &huge).await;
        assert!(refused.is_problem(413).json()["detail"].as_str().unwrap().contains("KiB"), "{path}");
    }
    // Without a length, as a program would stream it.
    let chunks = futures::stream::iter((0..160).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64 * 1_024])));
    let request = app.http.post(app.url("/api/v1/events")).header("authorization", format!("Bearer {}", tenant.token));
    let request = request.header("content-type", "application/json").body(reqwest::Body::wrap_stream(chunks));
    crate::test_app::response(request).await.is_problem(413);
}

#[tokio::test]
async fn another_accounts_event_is_not_found() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("other").await);
    let id = tenant.post("/api/v1/events", &incoming(CALL)).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(tenant.get(&format!("/api/v1/events/{id}")).await.status, StatusCode::OK);
    other.get(&format!("/api/v1/events/{id}")).await.is_problem(404);
    tenant.get("/api/v1/events/no.such").await.is_problem(404);
}

#[tokio::test]
async fn pages_of_events_run_from_newest_to_oldest() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    for n in 0..5 {
        let mut event = incoming(CALL);
        event["id"] = json!(format!("n{n}"));
        assert_eq!(tenant.post("/api/v1/events", &event).await.status, StatusCode::ACCEPTED);
    }
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = tenant.get(&format!("/api/v1/events?limit=2{next}")).await.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={}", domain::query::encode(cursor));
    }
    assert_eq!(seen, ["n4", "n3", "n2", "n1", "n0"]);
}
