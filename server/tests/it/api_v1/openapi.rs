//! `/api/v1/openapi.json`

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::test_app::TestApp;

/// The calls that are promised.
const PROMISED: [&str; 78] = [
    "DELETE /api/v1/connectors/{id}",
    "DELETE /api/v1/connectors/{id}/routes/{number}",
    "DELETE /api/v1/connectors/{id}/unrouted",
    "DELETE /api/v1/endpoints/{id}",
    "DELETE /api/v1/tokens/{id}",
    "GET /api/v1/audit",
    "GET /api/v1/calls",
    "GET /api/v1/calls/{id}",
    "GET /api/v1/connectors",
    "GET /api/v1/connectors/{id}",
    "GET /api/v1/connectors/{id}/gaps",
    "GET /api/v1/connectors/{id}/imports",
    "GET /api/v1/connectors/{id}/imports/{import}",
    "GET /api/v1/connectors/{id}/imports/{import}/not-imported",
    "GET /api/v1/connectors/{id}/routes",
    "GET /api/v1/connectors/{id}/unrouted",
    "GET /api/v1/deliveries",
    "GET /api/v1/deliveries/{id}",
    "GET /api/v1/deliveries/{id}/attempts",
    "GET /api/v1/endpoints",
    "GET /api/v1/endpoints/{id}",
    "GET /api/v1/endpoints/{id}/rotation",
    "GET /api/v1/events",
    "GET /api/v1/events/{id}",
    "GET /api/v1/jobs",
    "GET /api/v1/jobs/{id}",
    "GET /api/v1/rotations",
    "GET /api/v1/tokens",
    "GET /api/v1/tokens/{id}",
    "PATCH /api/v1/connectors/{id}",
    "PATCH /api/v1/endpoints/{id}",
    "POST /api/v1/connectors",
    "POST /api/v1/connectors/{id}/gaps",
    "POST /api/v1/connectors/{id}/imports",
    "POST /api/v1/connectors/{id}/imports/{import}/cancel",
    "POST /api/v1/connectors/{id}/pause",
    "POST /api/v1/connectors/{id}/resume",
    "POST /api/v1/connectors/{id}/rotate",
    "POST /api/v1/connectors/{id}/routes",
    "POST /api/v1/deliveries/resend",
    "POST /api/v1/deliveries/retry",
    "POST /api/v1/deliveries/{id}/resend",
    "POST /api/v1/deliveries/{id}/retry",
    "POST /api/v1/endpoints",
    "POST /api/v1/endpoints/{id}/auth-token/drop",
    "POST /api/v1/endpoints/{id}/auth-token/prepare",
    "POST /api/v1/endpoints/{id}/auth-token/retire",
    "POST /api/v1/endpoints/{id}/auth-token/switch",
    "POST /api/v1/endpoints/{id}/auth-token/test",
    "POST /api/v1/endpoints/{id}/auth-token/undo",
    "POST /api/v1/endpoints/{id}/pause",
    "POST /api/v1/endpoints/{id}/recover",
    "POST /api/v1/endpoints/{id}/resume",
    "POST /api/v1/endpoints/{id}/retry",
    "POST /api/v1/endpoints/{id}/signing-secret/extend",
    "POST /api/v1/endpoints/{id}/signing-secret/retire",
    "POST /api/v1/endpoints/{id}/signing-secret/rotate",
    "POST /api/v1/endpoints/{id}/signing-secret/test",
    "POST /api/v1/endpoints/{id}/test",
    "POST /api/v1/events",
    "POST /api/v1/events/batch",
    "POST /api/v1/jobs/{id}/cancel",
    "POST /api/v1/jobs/{id}/pause",
    "POST /api/v1/jobs/{id}/resume",
    "POST /api/v1/rotations/auth-token/drop",
    "POST /api/v1/rotations/auth-token/prepare",
    "POST /api/v1/rotations/auth-token/retire",
    "POST /api/v1/rotations/auth-token/switch",
    "POST /api/v1/rotations/auth-token/test",
    "POST /api/v1/rotations/auth-token/undo",
    "POST /api/v1/rotations/signing-secret/extend",
    "POST /api/v1/rotations/signing-secret/retire",
    "POST /api/v1/rotations/signing-secret/rotate",
    "POST /api/v1/rotations/signing-secret/test",
    "POST /api/v1/tokens",
    "POST /api/v1/tokens/{id}/rotate",
    "PUT /api/v1/connectors/{id}/routes",
    "PUT /api/v1/connectors/{id}/state",
];

#[tokio::test]
async fn the_document_describes_every_call_and_every_described_call_exists() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let document = app.call(Method::GET, "/api/v1/openapi.json", "", None).await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let at = path.replace("{id}", "x");
            let response = app.call(method.clone(), &at, &tenant.token, None).await;
            let is_routed = response.status != 405 && !response.text.contains("does not exist in the API");
            assert!(is_routed, "{method} {path}: {}", response.text);
            described.insert(format!("{method} {path}"));
        }
    }
    assert_eq!(described, PROMISED.map(str::to_owned).into());
}

#[tokio::test]
async fn the_document_describes_our_api_and_each_call_once() {
    let app = TestApp::start().await;
    let document = app.call(Method::GET, "/api/v1/openapi.json", "", None).await.json();
    let info = &document["info"];
    assert_eq!((&info["title"], &info["version"]), (&"Offhook".into(), &env!("CARGO_PKG_VERSION").into()));
    assert!(info["contact"].is_null() && info["description"].as_str().unwrap().contains("Bearer"), "{info}");
    assert_eq!(document["tags"].as_array().unwrap().len(), 7);
    assert!(document["components"]["securitySchemes"]["token"].is_object());
    let calls = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<_> = calls.map(|call| call["operationId"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (PROMISED.len(), PROMISED.len()), "{ids:?}");
}

#[tokio::test]
async fn every_reference_in_the_document_resolves() {
    let app = TestApp::start().await;
    let document = app.call(Method::GET, "/api/v1/openapi.json", "", None).await.json();
    let mut seen = 0;
    walk(&document, &mut |reference| {
        seen += 1;
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    });
    assert!(seen > 50, "{seen}");
    // The type of a problem leads to its description.
    let problem = app.call(Method::GET, "/api/v1/nowhere", "", None).await.json();
    let (path, pointer) = problem["type"].as_str().unwrap().split_once('#').unwrap();
    assert_eq!(path, "/api/v1/openapi.json");
    assert!(document.pointer(pointer).is_some());
}

fn walk(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                found(reference);
            }
            members.values().for_each(|value| walk(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        _ => {}
    }
}
