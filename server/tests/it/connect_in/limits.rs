//! What is refused, and how.

use domain::{actor::Actor, ops::OpsAccounts as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Door, FORM, JSON, NEW_CALL, post, preset};
use crate::test_app::{PATIENCE, TestApp, raw};

#[tokio::test]
async fn a_wrong_secret_is_as_unknown_as_a_wrong_connector_and_its_body_is_not_read() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let door = Door::of_preset(&tenant, "sipgate").await;
    let mut texts = Vec::new();
    for path in [format!("/in/{}/wrong", door.id), "/in/con_00000000000000000000000000/wrong".into(), "/in/x/y".into()]
    {
        let refused = post(&app, &path, FORM, NEW_CALL).await;
        refused.is_problem(404);
        texts.push(refused.text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    // A body is announced that never comes.
    let head = format!(
        "POST /in/{}/wrong HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 1000\r\n\r\n",
        door.id, app.address
    );
    let refused = tokio::time::timeout(PATIENCE, raw(&app, &head)).await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 404"), "{refused}");
    assert_eq!(door.state(&tenant).await["last_event_at"], Value::Null);
}

#[tokio::test]
async fn an_asterisk_connector_takes_no_requests() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let wanted = json!({ "name": "pbx-2", "system": "asterisk", "way": "ari" });
    let created = tenant.post("/api/v1/connectors", &wanted).await.json();
    let path = format!("/in/{}/{}", created["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
    assert_eq!(post(&app, &path, FORM, NEW_CALL).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let door = Door::of_preset(&tenant, "sipgate").await;
    let body = format!("{NEW_CALL}&x={}", "y".repeat(256 * 1_024));
    assert_eq!(door.post(&app, FORM, &body).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Longer than a head may be, however much of it each read returns.
    let path = format!("{}?{NEW_CALL}&x={}", door.path, "y".repeat(48 * 1_024));
    assert_eq!(app.call(Method::GET, &path, "", None).await.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(tenant.get("/api/v1/events").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_mapping_that_does_not_match_says_so_here_and_on_the_page() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let unmapped = Door::new(&app, &tenant.token, "other", None).await;
    let refused = unmapped.post(&app, FORM, NEW_CALL).await;
    assert_eq!((refused.status, refused.text.contains("no mapping")), (StatusCode::UNPROCESSABLE_ENTITY, true));
    let door = Door::of_preset(&tenant, "sipgate").await;
    for (kind, body, problem, detail) in [
        (FORM, "event=unheard&from=01632960001", "nothing_matches", Value::Null),
        (JSON, "{", "malformed", json!("The body is no valid JSON: EOF while parsing an object at line 1 column 1.")),
        (
            FORM,
            "event=newCall&direction=in&callId=1&to=1",
            "nothing_matches",
            json!("Rule “incoming call”, fields: caller"),
        ),
        (
            FORM,
            "event=hangup&callId=9",
            "nothing_matches",
            json!("Rule “end of a call”, fields: direction, caller, callee"),
        ),
    ] {
        let refused = door.post(&app, kind, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let state = door.state(&tenant).await;
        assert_eq!(state["problem"], problem, "{body}: {state}");
        if !body.contains("hangup") {
            assert_eq!(state["detail"], detail, "{body}");
        }
        assert!(!state.to_string().contains("01632960001") && !refused.text.contains("01632960001"));
    }
    assert_eq!(door.post(&app, FORM, NEW_CALL).await.status, StatusCode::OK);
    assert_eq!(door.state(&tenant).await["problem"], Value::Null);
}

#[tokio::test]
async fn a_paused_connector_and_a_suspended_account_accept_nothing() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let door = Door::of_preset(&tenant, "sipgate").await;
    let connector = format!("/api/v1/connectors/{}", door.id);
    tenant.post(&format!("{connector}/pause"), &json!({})).await;
    let paused = door.post(&app, FORM, NEW_CALL).await;
    assert_eq!((paused.status, paused.text.contains("paused")), (StatusCode::CONFLICT, true));
    tenant.post(&format!("{connector}/resume"), &json!({})).await;
    assert_eq!(door.post(&app, FORM, NEW_CALL).await.status, StatusCode::OK);
    app.room.engine.suspend_account(&Actor::COMMAND_LINE, &tenant.account.id, "Unpaid").await.unwrap();
    let suspended = door.post(&app, FORM, "event=newCall&from=1&to=2&direction=in&callId=2").await;
    assert_eq!(
        (suspended.status, suspended.text.contains("Unpaid")),
        (StatusCode::FORBIDDEN, true),
        "{}",
        suspended.text
    );
}

#[tokio::test]
async fn a_request_with_hundreds_of_calls_is_accepted_as_a_whole() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let door = Door::new(&app, &tenant.token, "grandstream", Some(preset("grandstream"))).await;
    let call = |n: usize| {
        json!({ "src": "01632960001", "dst": "01632960100", "start": "2026-12-03 11:46:40", "answer": "2026-12-03 11:46:43",
            "end": "2026-12-03 11:46:49", "duration": "9", "billsec": "6", "disposition": "ANSWERED", "userfield": "Inbound",
            "uniqueid": format!("1386100901.{n}"), "channel_ext": "5300", "dstchannel_ext": "5301" })
    };
    let body = json!({ "cdr": (0..300).map(call).collect::<Vec<_>>() }).to_string();
    let accepted = door.post(&app, JSON, &body).await;
    assert_eq!(accepted.status, StatusCode::OK, "{}", accepted.text);
    let page = tenant.get("/api/v1/events?limit=250").await.json();
    assert_eq!((page["data"].as_array().unwrap().len(), page["next"].is_string()), (250, true));
}

#[tokio::test]
async fn every_refusal_of_what_phone_systems_call_is_a_problem_document_in_our_words() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let door = Door::of_preset(&tenant, "sipgate").await;
    let id = &door.id;
    for (method, path, status) in [
        (Method::GET, format!("/in/{id}/%00%ff"), 400),
        (Method::GET, format!("/in/%ff/{id}"), 400),
        (Method::GET, format!("/in/{id}/%0a"), 400),
        (Method::GET, "/connect/%ff".into(), 400),
        (Method::GET, "/api/v1/connectors/%ff".into(), 400),
        (Method::GET, format!("/api/v1/connectors/{id}/routes%00"), 400),
        (Method::POST, "/api/%ff".into(), 400),
        (Method::GET, format!("/in/{id}"), 404),
        (Method::GET, format!("/in/{id}/a/b"), 404),
        (Method::GET, format!("/in/{id}/%20"), 404),
        (Method::PUT, door.path.clone(), 405),
        (Method::GET, "/connect/asterisk".into(), 401),
        (Method::POST, "/connect/asterisk".into(), 405),
        (Method::GET, "/connect/nowhere".into(), 404),
    ] {
        let refused = app.call(method.clone(), &path, "", None).await;
        assert_eq!(refused.status.as_u16(), status, "{method} {path}: {}", refused.text);
        refused.is_problem(status);
        let strange =
            ["UTF-8 in", "Invalid URL", "wrong type", "axum"].iter().any(|words| refused.text.contains(words));
        assert!(!strange, "{method} {path}: {}", refused.text);
    }
    let mapped = door.post(&app, FORM, "event=nonsense").await;
    assert!(mapped.is_problem(422).text.contains("Try it on the connector's page"), "{}", mapped.text);
    let page = app.call(Method::GET, "/a/%ff", "", None).await;
    assert_eq!((page.status.as_u16(), page.text.contains("valid UTF-8")), (400, true), "{}", page.text);
}
