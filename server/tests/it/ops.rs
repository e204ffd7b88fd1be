//! The operator's pages: who has access, and how suspension, limits and policies affect everyone else.

use domain::{
    account::{Role, SignUpPolicy, StaffRole},
    actor::Actor,
    token::Scope,
};
use engine::{Affiliation, background::Worker as _, store::ops::parked};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, PASSWORD},
    receiver::Receiver,
    test_app::{Tenant, TestApp, TestResponse},
};

/// A browser with a signed-in operator.
pub(crate) async fn operator(app: &TestApp) -> Browser<'_> {
    let place = Affiliation::Staff(StaffRole::Operator);
    let email = "olga@provider.example";
    app.room.engine.create_user(&Actor::COMMAND_LINE, email, PASSWORD, place).await.unwrap();
    let mut browser = Browser::new(app);
    let form = [("form[email]", email), ("form[password]", PASSWORD), ("form[next]", "/")];
    assert!(browser.post("/api/sign-in", &form).await.status.is_redirection());
    browser
}

fn call(n: u32) -> Value {
    let call = format!("{n:08x}-aaaf-11e7-b600-7ac8e42434d2");
    json!({ "event": "CallProcessed", "call_id": call, "call_cost": 0.0, "call_type": "incoming", "call_duration": 6,
        "call_status": "answered", "source": "1", "destination": "2" })
}

pub(crate) async fn suspend(olga: &mut Browser<'_>, tenant: &Tenant<'_>, reason: &str) -> TestResponse {
    olga.post("/api/ops/suspend", &[("acct", tenant.account.id.as_str()), ("form[reason]", reason)]).await
}

#[tokio::test]
async fn an_operator_lands_on_the_health_page_and_reaches_every_other_page() {
    let app = TestApp::start().await;
    let mut olga = operator(&app).await;
    assert_eq!(olga.get("/").await.header("location"), "/ops");
    let health = olga.get("/ops").await;
    assert!(
        health.text.contains("Healthy: nothing is waiting.") && health.text.contains("No accounts yet"),
        "{}",
        health.text
    );
    let opened = [("form[name]", "Acme"), ("form[reference]", "r-1"), ("form[admin]", "ana@acme.example")];
    let page = olga.post("/api/ops/open", &opened).await.header("location").to_owned();
    assert!(page.starts_with("/ops/accounts/acct_"), "{page}");
    let account = olga.get(&page).await.text;
    assert!(account.contains("We’ll email an invitation to ana@acme.example"), "{account}");
    assert!(
        app.emails()
            .await
            .pop()
            .unwrap()
            .text
            .contains("olga@provider.example has invited you to join the account “Acme”")
    );
    assert!(olga.get("/ops/accounts?q=acm").await.text.contains("Acme"));
    assert!(olga.get("/ops/accounts?q=nobody").await.text.contains("No account matches nobody"));
    let again = olga.post("/api/ops/open", &opened).await;
    assert_eq!(again.header("location"), "/ops/accounts/new");
    let form = olga.get("/ops/accounts/new").await.text;
    assert!(form.contains("Another account has this reference.") && form.contains("value=\"Acme\""), "{form}");
    for (page, says) in
        [("/ops/tokens", "platform token"), ("/ops/staff", "olga@provider.example"), ("/ops/audit", "Account created")]
    {
        assert!(olga.get(page).await.text.contains(says), "{page}");
    }
}

#[tokio::test]
async fn a_suspended_account_is_refused_with_its_reason_and_loses_nothing() {
    let app = TestApp::start().await;
    let (tenant, receiver) = (app.account("acme").await, Receiver::start().await);
    let endpoint = tenant.endpoint(&receiver.url).await;
    let mut ana = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let mut olga = operator(&app).await;
    let refused = suspend(&mut olga, &tenant, "no").await;
    assert_eq!(refused.header("location"), format!("/ops/accounts/{}/suspend", tenant.account.id));
    suspend(&mut olga, &tenant, "Unpaid since May").await;

    let problem = tenant.get("/api/v1/endpoints").await;
    problem.is_problem(403);
    assert_eq!(problem.json()["type"], "/api/v1/openapi.json#/components/responses/Suspended");
    assert_eq!(problem.json()["detail"], "This account is suspended: Unpaid since May. Ask your provider.");
    let platform = app.token(None, &[Scope::EventsWrite]).await;
    let event = json!({ "account": "ref-acme", "payload": call(1) }).to_string();
    let accepted = app.call(Method::POST, "/api/v1/events", &platform, Some(&event)).await;
    assert_eq!((accepted.status.as_u16(), accepted.json()["deliveries"].as_u64()), (202, Some(1)), "{accepted:?}");

    let home = format!("/a/{}", tenant.account.id);
    let page = ana.get(&home).await.text;
    assert!(page.contains("acme has been suspended since") && page.contains("Unpaid since May"), "{page}");
    assert!(ana.get(&format!("{home}/deliveries?status=held")).await.text.contains("Held: account suspended"));
    assert_eq!(ana.get(&format!("{home}/members")).await.status, 403);
    let ep = endpoint["id"].as_str().unwrap();
    let turn = [("acct", tenant.account.id.as_str()), ("ep", ep)];
    let request = ana.request(Method::POST, "/api/endpoints/pause").header("sec-fetch-site", "same-origin");
    let paused =
        crate::test_app::response(crate::browser::with_form(request, &turn).header("accept", "application/json")).await;
    assert!(paused.text.contains("Suspended"), "{paused:?}");

    olga.post("/api/ops/resume", &[("acct", tenant.account.id.as_str())]).await;
    tenant.until_delivery_is("delivered").await;
    assert!(!ana.get(&home).await.text.contains("has been suspended since"));
}

#[tokio::test]
async fn an_account_can_have_its_own_rate_limit() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut olga = operator(&app).await;
    let limits = [("acct", tenant.account.id.as_str()), ("form[endpoints_max]", "1"), ("form[events_per_s]", "2")];
    let saved = olga.post("/api/ops/limits", &limits).await;
    assert_eq!(saved.header("location"), format!("/ops/accounts/{}", tenant.account.id));
    let events: Vec<Value> = (0..40).map(|n| json!({ "payload": call(n) })).collect();
    let batch = tenant.post("/api/v1/events/batch", &json!({ "events": events })).await.json();
    let results = batch["results"].as_array().unwrap();
    let refused: Vec<&Value> = results.iter().filter(|result| result["status"] == 429).collect();
    assert!(refused.len() >= 30 && results[0]["status"] == 202, "{batch}");
    let detail = refused[0]["problem"]["detail"].as_str().unwrap();
    assert!(detail.contains("limits this account to 2 events per second"), "{detail}");
    let platform = app.token(None, &[Scope::EventsWrite]).await;
    for n in 50..60 {
        let event = json!({ "account": tenant.account.id, "payload": call(n) }).to_string();
        assert_eq!(app.call(Method::POST, "/api/v1/events", &platform, Some(&event)).await.status, 202);
    }
    tenant.endpoint("http://127.0.0.1:9/calls").await;
    let second = json!({ "url": "http://127.0.0.1:9/more", "events": ["IncomingCall"] });
    let refused = tenant.post("/api/v1/endpoints", &second).await;
    refused.is_problem(409);
    assert!(refused.text.contains("limited to 1 endpoint"), "{}", refused.text);
}

#[tokio::test]
async fn a_large_event_counts_by_its_size_and_at_the_limit_no_body_is_read() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut olga = operator(&app).await;
    olga.post("/api/ops/limits", &[("acct", tenant.account.id.as_str()), ("form[events_per_s]", "20")]).await;
    let mut large = call(1);
    large["padding"] = "x".repeat(200_000).into();
    assert_eq!(tenant.post("/api/v1/events", &json!({ "payload": large })).await.status, 202);
    let refused = tenant.post("/api/v1/events", &json!({ "payload": call(2) })).await;
    refused.is_problem(429);
    assert!(refused.text.contains("one of more than 4 KiB counts once per 4 KiB"), "{}", refused.text);
    let head = format!(
        "POST /api/v1/events/batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 7000000\r\n\r\n",
        tenant.token
    );
    let response = crate::test_app::raw(&app, &head).await;
    assert!(response.starts_with("HTTP/1.1 429 "), "{response}");
}

#[tokio::test]
async fn an_account_that_stores_too_much_is_told_in_its_settings_and_by_the_api() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut ana = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let mut olga = operator(&app).await;
    olga.post("/api/ops/limits", &[("acct", tenant.account.id.as_str()), ("form[stored_mb_max]", "1")]).await;
    let settings = format!("/a/{}/settings", tenant.account.id);
    let page = ana.get(&settings).await.text;
    assert!(page.contains("0 of 1<") && !page.contains("more than it may"), "{page}");
    let large = |n| {
        let mut payload = call(n);
        payload["padding"] = "x".repeat(205_000).into();
        json!({ "payload": payload })
    };
    for n in 0..6 {
        assert_eq!(tenant.post("/api/v1/events", &large(n)).await.status, 202);
    }
    app.room.engine.background().stored_bytes.tick().await.unwrap();
    let page = ana.get(&settings).await.text;
    assert!(page.contains("2 of 1<") && page.contains("This account stores far more than it may"), "{page}");
    let refused = tenant.post("/api/v1/events", &large(6)).await;
    refused.is_problem(429);
    assert!(
        refused.text.contains("Resume or delete endpoints") && refused.header("retry-after") == "600",
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_policy_is_previewed_set_and_reset_to_the_environment() {
    let app = TestApp::start().await;
    let mut olga = operator(&app).await;
    let page = olga.get("/ops/policies").await.text;
    assert!(page.contains("OFFHOOK_EGRESS_ALLOW") && page.contains("127.0.0.0/8 (16,777,216 addresses)"), "{page}");
    let preview = olga.get("/ops/policies?policy=egress_allow&egress_allow=10.0.0.0%2F8").await.text;
    assert!(
        preview.contains("aria-label=\"Preview\"") && preview.contains("10.0.0.0/8 (16,777,216 addresses)"),
        "{preview}"
    );
    let wrong = olga.get("/ops/policies?policy=egress_allow&egress_allow=10.0.0.0%2F40").await.text;
    assert!(wrong.contains("10.0.0.0/40 is not a network") && !wrong.contains("aria-label=\"Preview\""), "{wrong}");
    assert_eq!(app.room.backend.sign_up_policy(), SignUpPolicy::Open);
    olga.post("/api/ops/policies/set", &[("policy", "sign_up"), ("value", "invite")]).await;
    assert!(Browser::new(&app).get("/sign-up").await.text.contains("Sign-up is closed"));
    assert_eq!(app.room.backend.sign_up_policy(), SignUpPolicy::Invite);
    assert!(olga.get("/ops/policies").await.text.contains("Set here by olga@provider.example"));
    olga.post("/api/ops/policies/unset", &[("policy", "sign_up")]).await;
    assert_eq!(app.room.backend.sign_up_policy(), SignUpPolicy::Open);
}

#[tokio::test]
async fn a_search_text_that_is_too_long_is_refused() {
    let app = TestApp::start().await;
    let mut olga = operator(&app).await;
    let long = olga.get(&format!("/ops/accounts?q={}", "a".repeat(10_000))).await;
    assert!(long.status == 422 && long.text.contains("at most 200 characters"), "{}", long.status);
    let longer_than_a_head = olga.get(&format!("/ops/accounts?q={}", "a".repeat(60_000))).await;
    assert_eq!(longer_than_a_head.status, 431);
    assert_eq!(olga.get(&format!("/ops/accounts?q={}", "a".repeat(200))).await.status, 200);
}

#[tokio::test]
async fn only_operators_read_the_providers_log() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut olga = operator(&app).await;
    suspend(&mut olga, &tenant, "Unpaid since May").await;
    let csv = olga.get("/ops/audit/export.csv?area=account").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.text.contains("account.suspended") && csv.text.contains("Unpaid since May"), "{}", csv.text);
    let json = olga.get("/ops/audit/export.json").await.json();
    assert_eq!(json[0]["action"], "account.suspended");
    let mut ana = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    assert_eq!(ana.get("/ops/audit/export.csv").await.status, 404);
    assert_eq!(Browser::new(&app).get("/ops/audit/export.json").await.status, 401);
}

#[tokio::test]
async fn a_parked_item_is_listed_and_tried_again() {
    let app = TestApp::start().await;
    let mut olga = operator(&app).await;
    let engine = &app.room.engine;
    let mut tx = engine.context().db.begin().await.unwrap();
    let now = domain::Backend::clock(&**engine).now();
    parked::add(&mut tx, "retention", "dlv_1", None, "a bad row", now).await.unwrap();
    tx.commit().await.unwrap();
    let page = olga.get("/ops").await.text;
    assert!(page.contains("1 item could not be processed") && page.contains("a bad row"), "{page}");
    let again = olga.post("/api/ops/retry", &[("worker", "retention"), ("item", "dlv_1")]).await;
    assert_eq!(again.header("location"), "/ops");
    let page = olga.get("/ops").await.text;
    assert!(page.contains("Healthy") && !page.contains("a bad row"), "{page}");
    assert!(olga.get("/ops/audit").await.text.contains("Parked item tried again"));
}
