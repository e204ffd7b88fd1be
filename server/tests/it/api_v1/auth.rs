//! Who gets in, and what those hear who do not.

use domain::token::Scope;
use reqwest::Method;
use serde_json::json;

use super::{CALL, incoming};
use crate::{
    browser::Browser,
    test_app::{TestApp, response},
};

#[tokio::test]
async fn a_request_without_a_valid_token_is_refused() {
    let app = TestApp::start().await;
    for token in ["", "oh_unknown", "whsec_x"] {
        let refused = app.call(Method::GET, "/api/v1/events", token, None).await;
        assert!(refused.is_problem(401).header("www-authenticate").starts_with("Bearer"), "{token}");
    }
    let basic = app.http.get(app.url("/api/v1/events")).header("authorization", "Basic b2g6b2g=");
    response(basic).await.is_problem(401);
}

#[tokio::test]
async fn each_call_names_the_scope_it_needs() {
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
    for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/events/", "/api/v1/events/a/b"] {
        for method in [Method::GET, Method::POST] {
            app.call(method, path, "", None).await.is_problem(404);
        }
    }
    let tenant = app.account("acme").await;
    let refused = app.call(Method::PUT, "/api/v1/events", &tenant.token, None).await;
    let allowed = refused.is_problem(405).header("allow");
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}

#[tokio::test]
async fn every_response_has_rate_limit_headers_and_excess_requests_must_wait() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let response = tenant.get("/api/v1/events").await;
    assert!(response.header("ratelimit").starts_with("\"calls\";r="), "{:?}", response.headers);
    let Ok(domain::actor::Actor { who: domain::actor::Who::Token { token, .. }, .. }) =
        app.room.backend.authenticate(&tenant.token, "").await
    else {
        panic!("no actor");
    };
    // Uses up what is left at once, as a program in a loop would.
    let late = app.room.backend.clock().now().plus_ms(domain::time::HOUR_MS);
    while matches!(app.room.rates.calls.take(token.as_str(), late), server::rate_limit::Decision::Allowed { .. }) {}
    let refused = tenant.get("/api/v1/events").await;
    assert!(refused.is_problem(429).header("retry-after").parse::<u32>().unwrap() >= 1);
}

#[tokio::test]
async fn an_unknown_form_is_refused_with_a_plain_sentence() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    for (method, path, status) in [
        (Method::POST, "/api/nothing", 404),
        (Method::GET, "/api/nothing", 404),
        (Method::POST, "/api/v2/events", 404),
        (Method::GET, "/api/sign-in", 405),
    ] {
        let got = response(browser.request(method.clone(), path).header("sec-fetch-site", "same-origin")).await;
        assert_eq!(got.status.as_u16(), status, "{method} {path}: {}", got.text);
        assert!(
            got.text.lines().count() == 1 && !got.text.contains("server function"),
            "{method} {path}: {}",
            got.text
        );
        assert_eq!(got.header("allow"), if status == 405 { "POST" } else { "" });
    }
}

#[tokio::test]
async fn a_made_up_cursor_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let endpoint = tenant.endpoint("http://127.0.0.1:9/calls").await;
    let endpoint = endpoint["id"].as_str().unwrap();
    for list in ["events", "audit", "deliveries", "endpoints", "rotations", "tokens"] {
        for wrong in ["bad", "0", "-1", "evt_01kb4qz1a2b3c4d5e6f7g8h9jk", "acct_01kb4qz1a2b3c4d5e6f7g8h9jk", endpoint] {
            if wrong == endpoint && ["endpoints", "rotations"].contains(&list) {
                continue;
            }
            let refused = tenant.get(&format!("/api/v1/{list}?cursor={wrong}")).await;
            assert_eq!(refused.is_problem(422).fields(), ["cursor"], "{list} {wrong}");
        }
    }
}

#[tokio::test]
async fn control_characters_in_a_parameter_are_refused() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    for (list, name) in [
        ("deliveries", "q"),
        ("deliveries", "call"),
        ("events", "call"),
        ("events", "cursor"),
        ("audit", "who"),
        ("audit", "object"),
    ] {
        let refused = tenant.get(&format!("/api/v1/{list}?{name}=a%00b")).await;
        assert_eq!(refused.is_problem(422).fields(), [name], "{list}");
    }
}

#[tokio::test]
async fn every_list_is_paged_and_refuses_unknown_parameters() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    for n in 0..3 {
        tenant.endpoint(&format!("http://127.0.0.1:9/{n}")).await;
        tenant.post("/api/v1/tokens", &json!({ "name": format!("{n}"), "scopes": ["events:read"] })).await;
    }
    for list in ["tokens", "rotations", "endpoints", "audit"] {
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let page = tenant.get(&format!("/api/v1/{list}?limit=2{next}")).await.json();
            let rows = page["data"].as_array().unwrap().clone();
            assert!((1..=2).contains(&rows.len()), "{list}: {page}");
            seen.extend(rows);
            let Some(cursor) = page["next"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        assert_eq!(
            serde_json::Value::from(seen),
            tenant.get(&format!("/api/v1/{list}")).await.json()["data"],
            "{list}"
        );
        for (wrong, field) in [("limit=0", "limit"), ("limit=251", "limit"), ("limti=1", "limti")] {
            let refused = tenant.get(&format!("/api/v1/{list}?{wrong}")).await;
            assert_eq!(refused.is_problem(422).fields(), [field], "{list}");
        }
    }
}

#[tokio::test]
async fn every_call_parses_its_body_the_same_way() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let endpoint = tenant.endpoint("http://127.0.0.1:9/calls").await;
    let endpoint = format!("/api/v1/endpoints/{}", endpoint["id"].as_str().unwrap());
    let token = tenant.post("/api/v1/tokens", &json!({ "name": "x", "scopes": ["events:read"] })).await.json();
    let token = format!("/api/v1/tokens/{}", token["id"].as_str().unwrap());
    let job = "/api/v1/jobs/job_00000000000000000000000000";
    for (method, path) in [
        (Method::POST, format!("{endpoint}/pause")),
        (Method::POST, format!("{endpoint}/resume")),
        (Method::POST, format!("{token}/rotate")),
        (Method::POST, format!("{job}/pause")),
        (Method::POST, format!("{job}/resume")),
        (Method::POST, format!("{job}/cancel")),
        (Method::POST, "/api/v1/deliveries/dlv_00000000000000000000000000/resend".to_owned()),
        (Method::DELETE, endpoint.clone()),
        (Method::DELETE, token.clone()),
    ] {
        let send = async |path: &str, body: &str| app.call(method.clone(), path, &tenant.token, Some(body)).await;
        assert_eq!(send(&path, r#"{"x":1}"#).await.is_problem(422).fields(), ["x"], "{path}");
        assert_eq!(send(&path, "[1]").await.is_problem(422).fields(), ["body"], "{path}");
        assert_eq!(send(&format!("{path}?x=1"), "{}").await.is_problem(422).fields(), ["x"], "{path}");
        send(&path, &" ".repeat(100_000)).await.is_problem(413);
        let plain = app.http.request(method.clone(), app.url(&path)).bearer_auth(&tenant.token);
        response(plain.header("content-type", "text/plain").body("{}")).await.is_problem(415);
    }
    for path in [&endpoint, &format!("{endpoint}/rotation"), &token, job, "/api/v1/events/x"] {
        assert_eq!(tenant.get(&format!("{path}?x=1")).await.is_problem(422).fields(), ["x"], "{path}");
    }
    assert_eq!(tenant.get(&endpoint).await.json()["state"], "active", "nothing of it was done");
    assert_eq!(tenant.get(&token).await.json()["state"], "active");
    // A body that has nothing to say may be left out.
    assert!(app.call(Method::POST, &format!("{endpoint}/pause"), &tenant.token, None).await.status.is_success());
    assert!(app.call(Method::POST, &format!("{token}/rotate"), &tenant.token, None).await.status.is_success());
}
