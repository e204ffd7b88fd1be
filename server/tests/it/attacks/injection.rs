//! Values that would break out of a header, and open redirects.

use domain::account::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    browser::{Browser, EMAIL, PASSWORD, with_form},
    policy::{Full, functions},
    receiver::Receiver,
    test_app::{TestApp, TestResponse, response},
};

#[tokio::test]
async fn custom_headers_cannot_break_their_line_or_replace_ours() {
    let app = TestApp::start().await;
    let (tenant, mut receiver) = (app.account("acme").await, Receiver::start().await);
    let with =
        |headers: serde_json::Value| json!({ "url": receiver.url, "events": ["IncomingCall"], "headers": headers });
    for headers in [
        json!({ "x-crm": "42\r\nx-evil: 1" }),
        json!({ "x-crm": "42\nx-evil: 1" }),
        json!({ "x-crm": "42\rx-evil: 1" }),
        json!({ "x-crm\r\nx-evil": "1" }),
        json!({ "x-crm: 1\nx-evil": "1" }),
        json!({ "x crm": "1" }),
        json!({ "": "1" }),
        json!({ "x-crm": "a\u{0}b" }),
        json!({ "x-crm": "a\u{2028}x-evil: 1" }),
        json!({ "Host": "evil.example" }),
        json!({ "content-length": "0" }),
        json!({ "Transfer-Encoding": "chunked" }),
        json!({ "webhook-signature": "v1,forged" }),
        json!({ "Offhook-Event": "CallProcessed" }),
    ] {
        let refused = tenant.post("/api/v1/endpoints", &with(headers.clone())).await;
        assert_eq!(refused.is_problem(422).fields(), ["headers"], "{headers}");
    }
    let name = "A\r\nx-evil: 1";
    let wanted =
        json!({ "url": receiver.url, "events": ["IncomingCall"], "name": name, "headers": { "x-crm": "a: b; c" } });
    let made = tenant.post("/api/v1/endpoints", &wanted).await;
    let wanted =
        json!({ "url": receiver.url, "events": ["IncomingCall"], "name": "A", "headers": { "x-crm": "a: b; c" } });
    if made.status == StatusCode::UNPROCESSABLE_ENTITY {
        assert_eq!(tenant.post("/api/v1/endpoints", &wanted).await.status, StatusCode::CREATED);
    }
    let payload = json!({ "event": "IncomingCall", "call_id": "2f533604-aaaf-11e7-b600-7ac8e42434d2",
        "callee_number": "1\r\nx-evil: 1", "caller_number": "2" });
    let posted = tenant.post("/api/v1/events", &json!({ "id": "a\r\nx-evil", "payload": payload })).await;
    posted.is_problem(422);
    tenant.post("/api/v1/events", &json!({ "payload": payload })).await.is_problem(422);
    let payload = json!({ "event": "IncomingCall", "call_id": "2f533604-aaaf-11e7-b600-7ac8e42434d2",
        "callee_number": "1", "caller_number": "2" });
    tenant.post("/api/v1/events", &json!({ "payload": payload })).await;
    let got = receiver.next().await;
    assert_eq!(got.headers["x-crm"], "a: b; c");
    assert!(!got.headers.contains_key("x-evil"), "{:?}", got.headers);
}

/// Return paths that would lead to another site, or break the header that contains them.
const ELSEWHERE: [&str; 9] = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/a\r\nlocation: https://evil.example",
    "https:evil.example",
    " //evil.example",
];

fn stays(response: &TestResponse) -> bool {
    let location = response.header("location");
    let local = location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
    (location.is_empty() || local) && response.headers.get_all("location").iter().count() <= 1
}

#[tokio::test]
async fn no_function_redirects_to_another_site() {
    let app = TestApp::start().await;
    let (tenant, receiver) = (app.account("acme").await, Receiver::start().await);
    let full = Full::of(&tenant, &receiver).await;
    let admin = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let nobody = Browser::new(&app);
    let ways = ["back", "to", "path", "page", "next", "form[next]", "form[rest]", "form[page]", "rest", "sel"];
    let mut functions = functions();
    functions.sort_by_key(|name| name == "sign-out" || name.starts_with("security/"));
    for function in functions {
        for evil in [ELSEWHERE[0], ELSEWHERE[1], ELSEWHERE[6]] {
            let mut fields: Vec<(&str, &str)> = full.fields().into_iter().map(|(name, _)| (name, "x")).collect();
            fields.retain(|(name, _)| !ways.contains(name) && !["acct", "form[account]"].contains(name));
            fields.extend(ways.map(|way| (way, evil)));
            for browser in [&admin, &nobody] {
                let request = browser.request(Method::POST, &format!("/api/{function}"));
                let request = request.header("sec-fetch-site", "same-origin");
                let posted = response(with_form(request, &fields)).await;
                assert!(stays(&posted), "{function} with {evil:?}: {posted:?}");
            }
        }
    }
}

#[tokio::test]
async fn signing_in_redirects_to_this_site_only() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut admin = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    for evil in ELSEWHERE {
        let mut browser = Browser::new(&app);
        let signed_in = browser.sign_in(PASSWORD, evil).await;
        assert_eq!(signed_in.header("location"), "/", "{evil:?}");
        let next: String = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect();
        for page in [
            admin.get(&format!("/sign-in?next={next}")).await,
            Browser::new(&app).get(&format!("/sign-in?next={next}")).await,
        ] {
            assert!(stays(&page), "{evil:?}: {page:?}");
            assert!(!page.text.contains("href=\"https://evil"), "{evil:?}");
        }
        let refused = Browser::new(&app).post("/api/sign-in", &[("form[email]", EMAIL), ("form[next]", evil)]).await;
        assert!(stays(&refused), "{evil:?}: {refused:?}");
    }
}
