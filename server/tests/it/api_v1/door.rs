//! Who gets in, and what those hear who do not.

use domain::token::Scope;
use reqwest::Method;
use serde_json::json;

use super::{CALL, incoming};
use crate::app::{TestApp, answer};

#[tokio::test]
async fn without_a_known_token_nobody_gets_in() {
    let app = TestApp::start().await;
    for token in ["", "oh_unknown", "whsec_x"] {
        let refused = app.call(Method::GET, "/api/v1/events", token, None).await;
        assert!(refused.is_problem(401).header("www-authenticate").starts_with("Bearer"), "{token}");
    }
    let basic = app.http.get(app.url("/api/v1/events")).header("authorization", "Basic b2g6b2g=");
    answer(basic).await.is_problem(401);
}

#[tokio::test]
async fn each_call_needs_its_scope_and_says_which() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let endpoint = tenant.endpoint("http://127.0.0.1:9/calls").await;
    let endpoint = format!("/api/v1/endpoints/{}", endpoint["id"].as_str().unwrap());
    let dlv = "/api/v1/deliveries/dlv_00000000000000000000000000";
    let (event, change, test) =
        (incoming(CALL).to_string(), json!({}).to_string(), json!({ "event": "IncomingCall" }).to_string());
    let (events, resend) = (json!({ "events": [] }).to_string(), format!("{dlv}/resend"));
    let (pause, resume, send_test) =
        (format!("{endpoint}/pause"), format!("{endpoint}/resume"), format!("{endpoint}/test"));
    let create = json!({ "url": "http://127.0.0.1:9/x", "events": ["CallProcessed"] }).to_string();
    for (scope, method, path, body) in [
        (Scope::EventsWrite, Method::POST, "/api/v1/events", Some(event.as_str())),
        (Scope::EventsWrite, Method::POST, "/api/v1/events/batch", Some(&events)),
        (Scope::EventsRead, Method::GET, "/api/v1/events", None),
        (Scope::EventsRead, Method::GET, "/api/v1/events/x", None),
        (Scope::EndpointsRead, Method::GET, "/api/v1/endpoints", None),
        (Scope::EndpointsRead, Method::GET, &endpoint, None),
        (Scope::EndpointsWrite, Method::POST, "/api/v1/endpoints", Some(&create)),
        (Scope::EndpointsWrite, Method::PATCH, &endpoint, Some(&change)),
        (Scope::EndpointsWrite, Method::POST, &pause, None),
        (Scope::EndpointsWrite, Method::POST, &resume, None),
        (Scope::EndpointsWrite, Method::POST, &send_test, Some(&test)),
        (Scope::DeliveriesRead, Method::GET, "/api/v1/deliveries", None),
        (Scope::DeliveriesRead, Method::GET, dlv, None),
        (Scope::DeliveriesWrite, Method::POST, &resend, None),
        (Scope::EndpointsWrite, Method::DELETE, &endpoint, None),
    ] {
        let others: Vec<_> = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
        let without = app.token(Some(&tenant.account.id), &others).await;
        let refused = app.call(method.clone(), path, &without, body).await;
        assert!(refused.is_problem(403).json()["detail"].as_str().unwrap().contains(scope.as_str()), "{method} {path}");
        let with = app.token(Some(&tenant.account.id), &[scope]).await;
        let let_in = app.call(method.clone(), path, &with, body).await.status.as_u16();
        assert!(![401, 403].contains(&let_in), "{method} {path}: {let_in}");
    }
}

#[tokio::test]
async fn a_platform_token_only_posts_events() {
    let app = TestApp::start().await;
    let platform = app.token(None, &[Scope::EventsWrite]).await;
    for path in ["/api/v1/events", "/api/v1/endpoints", "/api/v1/deliveries"] {
        app.call(Method::GET, path, &platform, None).await.is_problem(403);
    }
}

#[tokio::test]
async fn a_wrong_path_or_method_is_a_problem_document_too() {
    let app = TestApp::start().await;
    for path in ["/api/v1", "/api/v1/calls", "/api/v1/events/a/b"] {
        app.call(Method::GET, path, "", None).await.is_problem(404);
    }
    let tenant = app.account("acme").await;
    let refused = app.call(Method::PUT, "/api/v1/events", &tenant.token, None).await;
    let allowed = refused.is_problem(405).header("allow");
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}

#[tokio::test]
async fn every_answer_tells_the_limit_and_a_request_too_many_is_told_to_wait() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let answer = tenant.get("/api/v1/events").await;
    assert!(answer.header("ratelimit").starts_with("\"calls\";r="), "{:?}", answer.headers);
    let Ok(domain::actor::Actor { who: domain::actor::Who::Token { token, .. }, .. }) =
        app.room.backend.authenticate(&tenant.token, "").await
    else {
        panic!("no actor");
    };
    // Uses up what is left at once, as a program in a loop would.
    let late = app.room.backend.clock().now().plus_ms(domain::time::HOUR_MS);
    while matches!(app.room.rates.calls.take(token.as_str(), late), server::rate_limit::Taken::Yes { .. }) {}
    let refused = tenant.get("/api/v1/events").await;
    assert!(refused.is_problem(429).header("retry-after").parse::<u32>().unwrap() >= 1);
}
