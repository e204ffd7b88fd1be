//! `/api/v1/endpoints/{id}/rotation`, `/auth-token/…` and `/signing-secret/…`

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{receiver::Receiver, test_app::TestApp};

#[tokio::test]
async fn both_credentials_are_rotated_over_rest() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let wanted = json!({ "url": receiver.url, "events": ["CallProcessed"], "auth_token": "my-token" });
    let endpoint = tenant.post("/api/v1/endpoints", &wanted).await.json();
    let at = |what: &str| format!("/api/v1/endpoints/{}/{what}", endpoint["id"].as_str().unwrap());

    let prepared = tenant.post(&at("auth-token/prepare"), &json!({ "auth_token": "next-token" })).await;
    assert_eq!(prepared.status, StatusCode::OK, "{}", prepared.text);
    assert_eq!(prepared.json()["next_auth_token"], "next-token");
    let standing = tenant.get(&at("rotation")).await;
    assert!(!standing.text.contains("next-token") && !standing.text.contains("my-token"));
    assert_eq!(standing.json()["auth_token"]["rotation"]["state"], "prepared");
    for (what, body, status) in [
        ("auth-token/prepare", json!({}), 409),
        ("auth-token/switch", json!({}), 409),
        ("auth-token/switch", json!({ "at": "tomorrow", "anyway": true }), 422),
        ("auth-token/switch", json!({ "force": true }), 422),
        ("auth-token/undo", json!({ "now": true }), 422),
        ("auth-token/retire", json!({}), 409),
        ("signing-secret/retire", json!({}), 409),
        ("signing-secret/rotate", json!({ "overlap_s": 604_801 }), 422),
    ] {
        let refused = tenant.post(&at(what), &body).await;
        assert_eq!(refused.status.as_u16(), status, "{what} {body}: {}", refused.text);
    }
    assert_eq!(tenant.post(&at("auth-token/test"), &json!({})).await.status, StatusCode::ACCEPTED);
    let switched = tenant.post(&at("auth-token/switch"), &json!({ "anyway": true })).await;
    assert_eq!(switched.json()["auth_token"]["rotation"]["state"], "switched", "{}", switched.text);
    assert_eq!(tenant.post(&at("auth-token/undo"), &json!({})).await.status, StatusCode::OK);
    let dropped = tenant.post(&at("auth-token/drop"), &json!({})).await.json();
    assert_eq!(dropped["auth_token"]["rotation"], Value::Null);

    let rotated = tenant.post(&at("signing-secret/rotate"), &json!({ "overlap_s": 60 })).await.json();
    assert!(rotated["signing_secret"].as_str().unwrap().starts_with("whsec_"));
    assert_ne!(rotated["signing_secret"], endpoint["signing_secret"]);
    tenant.post(&at("signing-secret/retire"), &json!({})).await.is_problem(409);
    assert_eq!(tenant.post(&at("signing-secret/test"), &json!({})).await.status, StatusCode::ACCEPTED);
    let extended = tenant.post(&at("signing-secret/extend"), &json!({})).await.json();
    assert_eq!(extended["signing_secret"]["rotation"]["extended"], true);
    let retired = tenant.post(&at("signing-secret/retire"), &json!({ "anyway": true })).await.json();
    assert_eq!(retired["signing_secret"]["rotation"], Value::Null);

    let stranger = app.account("other").await;
    assert_eq!(stranger.get(&at("rotation")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.post(&at("signing-secret/rotate"), &json!({})).await.status, StatusCode::NOT_FOUND);
}
