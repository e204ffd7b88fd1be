//! Cross-site posts from a signed-in user's browser.

use domain::account::Role;
use reqwest::{Method, StatusCode};

use crate::{
    browser::{Browser, with_form},
    policy::{Full, functions, rest_calls},
    receiver::Receiver,
    test_app::{TestApp, response},
};

/// Headers of a cross-site post: from a new browser, an old one, and one that sends none.
const ELSEWHERE: [&[(&str, &str)]; 7] = [
    &[],
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("referer", "https://evil.example/")],
];

#[tokio::test]
async fn no_function_accepts_a_cross_site_post() {
    let app = TestApp::start().await;
    let (tenant, receiver) = (app.account("acme").await, Receiver::start().await);
    let full = Full::of(&tenant, &receiver).await;
    let admin = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let before = tenant.get("/api/v1/audit").await.text;
    let fields = full.fields();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for function in functions() {
        let path = format!("/api/{function}");
        for headers in ELSEWHERE {
            for method in [Method::POST, Method::PUT, Method::DELETE] {
                let request = with_form(admin.request(method.clone(), &path), &fields);
                let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
                let refused = response(request).await;
                assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path} {headers:?}: {}", refused.text);
            }
        }
        // A link or an image on another site: the browser sends the cookie, and nothing happens.
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let fetched = response(admin.request(Method::GET, &format!("{path}?{query}"))).await;
        assert!(!fetched.status.is_success(), "GET {path}: {} {}", fetched.status, fetched.text);
    }
    assert_eq!(tenant.get("/api/v1/audit").await.text, before, "nothing was changed");
    assert!(admin.request(Method::GET, "/me/security").send().await.unwrap().status().is_success(), "still signed in");
}

#[tokio::test]
async fn the_api_ignores_the_session_cookie() {
    let app = TestApp::start().await;
    let (tenant, receiver) = (app.account("acme").await, Receiver::start().await);
    let full = Full::of(&tenant, &receiver).await;
    let admin = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let document = app.call(Method::GET, "/api/v1/openapi.json", "", None).await.json();
    for (method, path, body) in rest_calls(&document, &full) {
        let request = admin.request(method.clone(), &path).header("content-type", "application/json");
        let refused = response(request.body(body.unwrap_or_default())).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", refused.text);
    }
}
