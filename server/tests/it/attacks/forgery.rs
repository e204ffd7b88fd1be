//! Posts that another site makes somebody's browser send.

use domain::account::Role;
use reqwest::{Method, StatusCode};

use crate::{
    app::{TestApp, answer},
    browser::{Browser, with_form},
    policy::{Full, functions, rest_calls},
    receiver::Receiver,
};

/// What a browser says of a post that another site made it send: a new one, an old one, and one that says nothing.
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
async fn no_function_does_what_another_site_asks_for() {
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
                let refused = answer(request).await;
                assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path} {headers:?}: {}", refused.text);
            }
        }
        // A link or a picture elsewhere: the cookie comes along, and nothing happens.
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let fetched = answer(admin.request(Method::GET, &format!("{path}?{query}"))).await;
        assert!(!fetched.status.is_success(), "GET {path}: {} {}", fetched.status, fetched.text);
    }
    assert_eq!(tenant.get("/api/v1/audit").await.text, before, "nothing was changed");
    assert!(admin.request(Method::GET, "/me/security").send().await.unwrap().status().is_success(), "still signed in");
}

#[tokio::test]
async fn no_call_of_the_api_goes_by_the_cookie() {
    let app = TestApp::start().await;
    let (tenant, receiver) = (app.account("acme").await, Receiver::start().await);
    let full = Full::of(&tenant, &receiver).await;
    let admin = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let document = app.call(Method::GET, "/api/v1/openapi.json", "", None).await.json();
    for (method, path, body) in rest_calls(&document, &full) {
        let request = admin.request(method.clone(), &path).header("content-type", "application/json");
        let refused = answer(request.body(body.unwrap_or_default())).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", refused.text);
    }
}
