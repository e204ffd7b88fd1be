//! `/test-line/{key}`

use std::time::Duration;

use domain::{
    account::Role,
    actor::Actor,
    test_line::{BODY_KEPT_BYTES, Behaviour},
};
use reqwest::{Method, StatusCode};

use crate::{
    browser::create_user,
    test_app::{Tenant, TestApp},
};

async fn developer(tenant: &Tenant<'_>) -> Actor {
    let user = create_user(tenant.app, &tenant.account, Role::Developer).await;
    tenant.app.room.backend.actor(&user, &tenant.account.id).await.unwrap()
}

#[tokio::test]
async fn the_test_line_keeps_requests_and_responds_as_configured() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let (backend, actor) = (&app.room.backend, developer(&tenant).await);
    let line = backend.test_line(&actor).await.unwrap();
    let call = async || app.http.post(&line.url).header("x-probe", "7").body("{\"n\":1}").send().await;
    for (behaviour, status) in [(Behaviour::Ok, 200), (Behaviour::Error, 500), (Behaviour::Gone, 410)] {
        backend.set_test_line(&actor, behaviour).await.unwrap();
        assert_eq!(call().await.unwrap().status().as_u16(), status);
    }
    backend.set_test_line(&actor, Behaviour::HangUp).await.unwrap();
    assert!(call().await.is_err(), "cut without a response");
    let kept = backend.test_line(&actor).await.unwrap().requests;
    let behaved: Vec<_> = kept.iter().map(|request| request.behaviour).collect();
    assert_eq!(behaved, [Behaviour::HangUp, Behaviour::Gone, Behaviour::Error, Behaviour::Ok], "newest first");
    assert!(kept.iter().all(|request| request.body == "{\"n\":1}" && request.headers.contains("x-probe: 7")));
}

#[tokio::test]
async fn a_slow_test_line_delays_its_response() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let (backend, actor) = (&app.room.backend, developer(&tenant).await);
    let line = backend.test_line(&actor).await.unwrap();
    backend.set_test_line(&actor, Behaviour::Slow).await.unwrap();
    let mut calling = Box::pin(app.http.post(&line.url).body("{}").send());
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut calling).await.is_err(), "responded too early");
    // It does not delay a server that is stopping.
    app.room.stopping.cancel();
    assert_eq!(calling.await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_key_and_a_body_too_large_or_nested_too_deeply_are_refused() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let developer = developer(&tenant).await;
    let line = app.room.backend.test_line(&developer).await.unwrap();
    assert_eq!(app.call(Method::POST, "/test-line/nobody", "", Some("{}")).await.status, StatusCode::NOT_FOUND);
    let path = line.url.strip_prefix(&app.url("")).unwrap();
    let long = "y".repeat(20 * 1_024);
    assert_eq!(app.call(Method::POST, path, "", Some(&long)).await.status, StatusCode::OK);
    let kept = app.room.backend.test_line(&developer).await.unwrap().requests;
    assert!(kept[0].body.len() == BODY_KEPT_BYTES && kept[0].is_cut(), "{}", kept[0].body.len());
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(app.call(Method::POST, path, "", Some(&nested(65))).await.status, StatusCode::OK);
    assert_eq!(app.call(Method::POST, path, "", Some(&nested(66))).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let huge = "x".repeat(300 * 1_024);
    assert_eq!(app.call(Method::POST, path, "", Some(&huge)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn an_endpoint_on_the_test_line_receives_events() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let actor = developer(&tenant).await;
    let endpoint = app.room.backend.use_test_line(&actor).await.unwrap();
    assert!(endpoint.test_line);
    let example = domain::event::EventKind::CallProcessed.example();
    let accepted = tenant.post_text("/api/v1/events", &format!("{{\"payload\":{example}}}")).await;
    assert_eq!(accepted.json()["deliveries"], 1);
    tenant.until_delivery_is("delivered").await;
    let line = app.room.backend.test_line(&actor).await.unwrap();
    assert!(
        line.requests[0].body.contains("CallProcessed") && line.requests[0].headers.contains("webhook-signature: v1,")
    );
}
