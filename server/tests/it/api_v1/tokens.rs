//! `/api/v1/tokens`

use domain::token::Scope;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::test_app::TestApp;

#[tokio::test]
async fn a_token_is_created_shown_once_rotated_and_revoked() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let made = tenant.post("/api/v1/tokens", &json!({ "name": "CRM", "scopes": ["endpoints:read"] })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    let (id, text) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert_eq!((&made["state"], &made["scopes"]), (&json!("active"), &json!(["endpoints:read"])));
    assert_eq!(app.call(Method::GET, "/api/v1/endpoints", text, None).await.status, StatusCode::OK);
    let list = tenant.get("/api/v1/tokens").await;
    assert!(!list.text.contains(text) && list.text.contains(id));

    let rotated = tenant.post(&format!("/api/v1/tokens/{id}/rotate"), &json!({ "overlap_h": 1 })).await;
    assert_eq!(rotated.status, StatusCode::CREATED, "{}", rotated.text);
    let shown = tenant.get(&format!("/api/v1/tokens/{id}")).await.json();
    assert_eq!((&shown["state"], &shown["replaced_by"]), (&json!("retiring"), &rotated.json()["id"]));
    tenant.post(&format!("/api/v1/tokens/{id}/rotate"), &json!({})).await.is_problem(409);

    let revoked = tenant.delete(&format!("/api/v1/tokens/{id}")).await.json();
    assert_eq!(revoked["state"], "revoked");
    let refused = app.call(Method::GET, "/api/v1/endpoints", text, None).await;
    assert!(refused.is_problem(401).text.contains("has been revoked"));
}

#[tokio::test]
async fn an_invalid_token_is_refused_by_field_scope_and_account() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("beta").await);
    let wrong = tenant.post("/api/v1/tokens", &json!({ "name": "", "scopes": ["all"], "expires_days": 0 })).await;
    wrong.is_problem(422);
    assert_eq!(wrong.fields(), ["expires_days", "name", "scopes"]);
    tenant.post("/api/v1/tokens", &json!({ "name": "x", "scopes": ["events:read"], "color": 1 })).await.is_problem(422);
    let weak = app.token(Some(&tenant.account.id), &[Scope::TokensWrite]).await;
    let more = json!({ "name": "x", "scopes": ["events:read"] }).to_string();
    app.call(Method::POST, "/api/v1/tokens", &weak, Some(&more)).await.is_problem(403);
    let theirs = other.post("/api/v1/tokens", &json!({ "name": "x", "scopes": ["events:read"] })).await.json();
    let path = format!("/api/v1/tokens/{}", theirs["id"].as_str().unwrap());
    tenant.get(&path).await.is_problem(404);
    tenant.delete(&path).await.is_problem(404);
    let reader = app.token(Some(&tenant.account.id), &[Scope::EventsRead]).await;
    app.call(Method::GET, "/api/v1/tokens", &reader, None).await.is_problem(403);
}
