//! Planted and tampered sessions, password spraying, and what https adds.

use domain::account::Role;
use reqwest::{Method, StatusCode};

use crate::{
    browser::{Browser, EMAIL, PASSWORD, create_user, with_form},
    test_app::{TestApp, TestResponse, response},
};

/// Requests a page for signed-in users with this cookie header.
async fn security_page(app: &TestApp, cookie: &str) -> TestResponse {
    let request = app.http.get(app.url("/me/security")).header("accept", "text/html");
    response(if cookie.is_empty() { request } else { request.header("cookie", cookie) }).await
}

fn is_sent_to_sign_in(response: &TestResponse) -> bool {
    response.status.is_redirection() && response.header("location").starts_with("/sign-in")
}

/// Signs in with an existing cookie; returns the session cookie from the response.
async fn sign_in_with(app: &TestApp, cookie: &str) -> String {
    let fields = [("form[email]", EMAIL), ("form[password]", PASSWORD), ("form[next]", "/me")];
    let request =
        app.http.post(app.url("/api/sign-in")).header("sec-fetch-site", "same-origin").header("cookie", cookie);
    let signed_in = response(with_form(request, &fields).header("accept", "text/html")).await;
    assert_eq!(signed_in.header("location"), "/me", "{signed_in:?}");
    let lines = signed_in.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let session = lines.filter_map(|line| line.split(';').next()).find(|pair| pair.starts_with("offhook="));
    session.unwrap().to_owned()
}

#[tokio::test]
async fn signing_in_never_reuses_a_planted_session() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    create_user(&app, &tenant.account, Role::Admin).await;
    let mut attacker = Browser::new(&app);
    attacker.sign_in("a wrong password", "/").await;
    let planted = attacker.cookie().to_owned();
    assert!(planted.len() > 20, "the attacker has a session without a user");
    for cookie in [planted.as_str(), "offhook=AAAAAAAAAAAAAAAAAAAAAA", "offhook=mine"] {
        let session = sign_in_with(&app, cookie).await;
        assert_ne!(session, cookie);
        assert!(is_sent_to_sign_in(&security_page(&app, cookie).await), "{cookie}");
        assert_eq!(security_page(&app, &session).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_tampered_cookie_is_not_accepted() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let browser = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let whole = browser.cookie().to_owned();
    assert_eq!(security_page(&app, &whole).await.status, StatusCode::OK);
    let (name, id) = whole.split_once('=').unwrap();
    let mut bent: Vec<String> = (0..id.len())
        .map(|at| {
            let other = if id.as_bytes()[at] == b'A' { 'B' } else { 'A' };
            format!("{}{other}{}", &id[..at], &id[at + 1..])
        })
        .collect();
    bent.extend([&id[..id.len() - 1], &id[1..], ""].map(str::to_owned));
    bent.extend(["A", "=", " ", "%00", "\"", "'OR 1=1--", "../../"].map(|end| format!("{id}{end}x")));
    bent.extend([id.to_ascii_uppercase(), id.chars().rev().collect(), "A".repeat(4_000)]);
    for value in bent {
        let response = security_page(&app, &format!("{name}={value}")).await;
        assert!(is_sent_to_sign_in(&response), "{value}: {} {}", response.status, response.text);
    }
}

#[tokio::test]
async fn password_spraying_blocks_the_client_and_nobody_else() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    create_user(&app, &tenant.account, Role::Admin).await;
    let attempt = async |from: &str, email: &str, password: &str| {
        let fields = [("form[email]", email), ("form[password]", password), ("form[next]", "/me")];
        let request = app.http.post(app.url("/api/sign-in")).header("sec-fetch-site", "same-origin");
        response(with_form(request, &fields).header("accept", "application/json").header("x-forwarded-for", from)).await
    };
    let mut tried = 0;
    while attempt("192.0.2.66", &format!("person-{tried}@acme.example"), "Summer 2026 is here").await.status != 429 {
        tried += 1;
        assert!(tried < 40, "it was not stopped");
    }
    assert!(tried >= 4, "users who share an address may mistype: {tried}");
    let right = attempt("192.0.2.66", EMAIL, PASSWORD).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "not even the correct one works meanwhile");
    assert_eq!(attempt("203.0.113.9", EMAIL, PASSWORD).await.header("location"), "/me", "others are not affected");
}

#[tokio::test]
async fn with_https_the_cookie_is_bound_to_the_host_and_hsts_is_sent() {
    let app = TestApp::start_at("https://hooks.acme.example").await;
    let tenant = app.account("acme").await;
    create_user(&app, &tenant.account, Role::Admin).await;
    let page = app.call(Method::GET, "/sign-in", "", None).await;
    assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let fields = [("form[email]", EMAIL), ("form[password]", PASSWORD), ("form[next]", "/me")];
    let request = app.http.post(app.url("/api/sign-in")).header("origin", "https://hooks.acme.example");
    let signed_in = response(with_form(request, &fields).header("accept", "text/html")).await;
    assert_eq!(signed_in.header("location"), "/me");
    let lines: Vec<&str> = signed_in.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    let session = lines.iter().find(|line| line.starts_with("__Host-offhook=")).unwrap();
    let device = lines.iter().find(|line| line.starts_with("device=")).unwrap();
    for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(session.contains(part) && device.contains(part), "{part}: {session} {device}");
    }
    assert!(!session.contains("Domain"), "{session}");
    assert!(lines.iter().any(|line| line.starts_with("seen=1;") && line.ends_with("; Secure")), "{lines:?}");
    let value = session.split(';').next().unwrap();
    assert_eq!(security_page(&app, value).await.status, StatusCode::OK);
    let plain = value.strip_prefix("__Host-").unwrap();
    assert!(is_sent_to_sign_in(&security_page(&app, plain).await), "under the other name it is not accepted");
    let request = app.http.post(app.url("/api/sign-in")).header("origin", "http://hooks.acme.example");
    assert_eq!(response(with_form(request, &fields)).await.status, StatusCode::FORBIDDEN, "http is another origin");
}
