//! Signing in and out: who gets in, through which form, and where they are redirected.

use domain::account::Role;
use reqwest::{Method, StatusCode};

use crate::{
    browser::{Browser, EMAIL, PASSWORD, create_user, with_form},
    test_app::{TestApp, response},
};

#[tokio::test]
async fn a_session_lives_in_a_cookie_that_no_script_can_read() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    create_user(&app, &tenant.account, Role::Admin).await;
    let mut browser = Browser::new(&app);
    let signed_in = browser.sign_in(PASSWORD, "/me").await;
    assert!(signed_in.status.is_redirection(), "{signed_in:?}");
    assert_eq!(signed_in.header("location"), "/me");
    let cookies: Vec<_> = signed_in.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    let session = cookies.iter().find(|line| line.starts_with("offhook=")).unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(session.contains(part), "{part}: {session}");
    }
    assert!(!session.contains("Secure"), "this server is accessed over http");
}

#[tokio::test]
async fn signing_in_gives_the_session_a_new_id_and_signing_out_ends_it() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let overview = format!("/a/{}/deliveries/live", tenant.account.id);
    create_user(&app, &tenant.account, Role::Admin).await;
    let mut browser = Browser::new(&app);
    browser.sign_in("wrong wrong wrong", "/").await;
    let planted = browser.cookie().to_owned();
    browser.sign_in(PASSWORD, "/").await;
    let signed_in = browser.cookie().to_owned();
    assert_ne!(planted, signed_in);
    browser.post("/api/sign-out", &[]).await;
    let ended = app.http.get(app.url(&overview)).header("cookie", signed_in);
    assert_eq!(response(ended).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_browser_that_has_signed_in_before_gets_in_while_strangers_guess() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    create_user(&app, &tenant.account, Role::Admin).await;
    let first = Browser::new(&app).sign_in(PASSWORD, "/me").await;
    let cookies = first.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let device = cookies.into_iter().find(|line| line.starts_with("device=")).unwrap().split(';').next().unwrap();
    for _ in 0..5 {
        Browser::new(&app).sign_in("wrong wrong wrong", "/").await;
    }
    assert_eq!(Browser::new(&app).sign_in(PASSWORD, "/me").await.status, StatusCode::TOO_MANY_REQUESTS);
    let fields = [("form[email]", EMAIL), ("form[password]", PASSWORD), ("form[next]", "/me")];
    let known = Browser::new(&app).request(Method::POST, "/api/sign-in").header("sec-fetch-site", "same-origin");
    let signed_in = response(with_form(known.header("cookie", device), &fields)).await;
    assert_eq!(signed_in.header("location"), "/me", "{signed_in:?}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_without_saying_which_part_was_wrong() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    create_user(&app, &tenant.account, Role::Admin).await;
    let mut browser = Browser::new(&app);
    let refused = browser.sign_in("wrong wrong wrong", "/").await;
    assert!(refused.header("location").starts_with("/sign-in"), "{refused:?}");
    let live = format!("/a/{}/deliveries/live", tenant.account.id);
    assert_eq!(browser.get(&live).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_sent_from_another_site_is_refused() {
    let app = TestApp::start().await;
    let fields = [("form[email]", EMAIL), ("form[password]", PASSWORD)];
    let own = format!("http://{}", app.address);
    for (headers, passes) in [
        (vec![], false),
        (vec![("sec-fetch-site", "cross-site")], false),
        (vec![("sec-fetch-site", "same-site"), ("origin", own.as_str())], false),
        (vec![("origin", "https://evil.example")], false),
        (vec![("origin", "null")], false),
        (vec![("origin", own.as_str())], true),
        (vec![("sec-fetch-site", "same-origin")], true),
    ] {
        let request = with_form(app.http.post(app.url("/api/sign-in")), &fields);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = response(request).await;
        assert_eq!(response.status != StatusCode::FORBIDDEN, passes, "{headers:?}: {response:?}");
        assert!(passes || response.text.contains("not sent from a page of Offhook"));
    }
}

#[tokio::test]
async fn signing_in_never_redirects_to_another_site() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    create_user(&app, &tenant.account, Role::Admin).await;
    for evil in ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"] {
        let response = Browser::new(&app).sign_in(PASSWORD, evil).await;
        assert_eq!(response.header("location"), "/", "{evil}");
    }
}

#[tokio::test]
async fn an_unknown_path_gets_a_not_found_page() {
    let app = TestApp::start().await;
    let page = app.call(Method::GET, "/no/such/page", "", None).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.header("content-type").starts_with("text/html") && page.text.contains("<h1"), "{}", page.text);
}

#[tokio::test]
async fn a_form_larger_than_its_limit_is_refused() {
    let app = TestApp::start().await;
    let huge = "x".repeat(2 * 1_024 * 1_024);
    let refused = Browser::new(&app).post("/api/sign-in", &[("form[email]", &huge)]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_blocked_address_sees_the_block_on_the_form_and_nothing_of_it_is_stored() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    // Uses up the rest, as an attacker who sprays passwords over many accounts would.
    let late = app.room.backend.clock().now().plus_ms(domain::time::HOUR_MS);
    while matches!(app.room.rates.sign_in.take("127.0.0.1", late), server::rate_limit::Decision::Allowed { .. }) {}
    let refused = browser.sign_in(PASSWORD, "/me").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert!(refused.text.contains("Too many attempts"), "{}", refused.text);
    assert!(refused.text.contains(EMAIL) && !refused.text.contains(PASSWORD), "{}", refused.text);
    assert_eq!(browser.cookie(), "", "a session would be a row for each attempt");
    let program = with_form(app.http.post(app.url("/api/sign-in")), &[("form[email]", EMAIL)]);
    let program = response(program.header("sec-fetch-site", "same-origin")).await;
    assert_eq!(program.status, StatusCode::TOO_MANY_REQUESTS, "{program:?}");
    assert!(program.text.contains("TooMany") && !program.header("retry-after").is_empty(), "{program:?}");
}

#[tokio::test]
async fn input_typed_after_the_session_ended_is_restored_after_signing_in() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut browser = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    browser.expire_session();
    let form = format!("/a/{}/endpoints/new", tenant.account.id);
    let fields = [
        ("acct", tenant.account.id.as_str()),
        ("form[url]", "https://crm.acme.example/calls"),
        ("form[name]", "CRM 7"),
    ];
    let sent = browser.post("/api/endpoints/create", &fields).await;
    assert!(sent.header("location").starts_with("/sign-in?next="), "{sent:?}");
    browser.sign_in("a wrong password", &form).await;
    assert_eq!(browser.sign_in(PASSWORD, &form).await.header("location"), form);
    let page = browser.get(&form).await;
    for kept in ["https://crm.acme.example/calls", "CRM 7", "You had to sign in first"] {
        assert!(page.text.contains(kept), "{kept}");
    }
    assert!(!browser.get(&form).await.text.contains("CRM 7"), "only once");
}
