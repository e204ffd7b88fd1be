//! `/api/v1/rotations…`: all endpoints of an account at once.

use domain::token::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{receiver::Receiver, test_app::TestApp};

#[tokio::test]
async fn all_endpoints_are_rotated_step_by_step() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    for n in 0..2 {
        tenant.endpoint(&format!("{}/{n}", receiver.url)).await;
    }
    let step = async |path: &str, body: Value| {
        let response = tenant.post(&format!("/api/v1/rotations/{path}"), &body).await;
        assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.text);
        response.json()["data"].as_array().unwrap().clone()
    };
    let outcomes =
        |taken: &[Value]| taken.iter().map(|one| one["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let prepared = step("auth-token/prepare", json!({ "auth_token": "next-of-all" })).await;
    assert!(prepared.iter().all(|one| one["credential"] == "next-of-all"), "{prepared:?}");
    let again = step("auth-token/prepare", json!({})).await;
    assert_eq!(outcomes(&again), ["skipped", "skipped"]);
    assert!(again[0]["reason"].as_str().unwrap().contains("already in progress"));
    assert_eq!(outcomes(&step("auth-token/switch", json!({})).await), ["skipped", "skipped"]);
    assert_eq!(outcomes(&step("auth-token/test", json!({})).await), ["done", "done"]);
    app.until(async || {
        let all = tenant.get("/api/v1/rotations").await.json()["data"].as_array().unwrap().clone();
        all.iter().all(|one| one["auth_token"]["rotation"]["proved_at"].is_string()).then_some(())
    })
    .await;
    assert_eq!(outcomes(&step("auth-token/switch", json!({})).await), ["done", "done"]);
    assert_eq!(outcomes(&step("auth-token/undo", json!({})).await), ["done", "done"]);
    assert_eq!(outcomes(&step("auth-token/drop", json!({})).await), ["done", "done"]);
    assert_eq!(step("auth-token/retire", json!({})).await, Vec::<Value>::new());
    let rotated = step("signing-secret/rotate", json!({ "overlap_s": 60 })).await;
    assert!(rotated[0]["credential"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(outcomes(&step("signing-secret/retire", json!({})).await), ["skipped", "skipped"], "nothing is proved");
    for path in ["signing-secret/test", "signing-secret/extend"] {
        assert_eq!(outcomes(&step(path, json!({})).await), ["done", "done"], "{path}");
    }
    assert_eq!(outcomes(&step("signing-secret/retire", json!({ "anyway": true })).await), ["done", "done"]);
    tenant.post("/api/v1/rotations/auth-token/prepare", &json!({ "auth_token": "a\nb" })).await.is_problem(422);
    tenant.post("/api/v1/rotations/signing-secret/rotate", &json!({ "overlap_s": 604_801 })).await.is_problem(422);
    let reads = app.token(Some(&tenant.account.id), &[Scope::EndpointsRead]).await;
    app.call(Method::GET, "/api/v1/rotations", &reads, None).await.is_problem(403);
}
