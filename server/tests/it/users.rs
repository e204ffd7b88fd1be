//! Invitations, resets and sessions in a browser without script.

use domain::{account::Role, actor::Actor, id::UserId};
use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    browser::{Browser, EMAIL, PASSWORD, create_user, with_form},
    test_app::{Tenant, TestApp, TestResponse, response},
};

const NEW: &str = "violet kettle ran 7 miles";

/// Path of the link in the latest email.
async fn path_in_email(app: &TestApp) -> String {
    let email = app.emails().await.pop().unwrap();
    let line = email.text.lines().find(|line| line.starts_with("http")).unwrap().to_owned();
    line.strip_prefix(&app.url("")).unwrap().to_owned()
}

fn end(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// Invites this address as Ana, the admin; returns the path of the link.
async fn invite(tenant: &Tenant<'_>, ana: &mut Browser<'_>, email: &str, role: &str) -> String {
    let acct = tenant.account.id.to_string();
    let fields = [("acct", acct.as_str()), ("form[email]", email), ("form[role]", role)];
    let sent = ana.post("/api/members/invite", &fields).await;
    assert_eq!(sent.header("location"), format!("/a/{acct}/members"), "{sent:?}");
    path_in_email(tenant.app).await
}

async fn page_after(browser: &mut Browser<'_>, posted: &TestResponse) -> TestResponse {
    browser.get(posted.header("location")).await
}

#[tokio::test]
async fn an_invitation_lets_a_new_user_join_and_works_once() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut ana = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let link = invite(&tenant, &mut ana, "bob@acme.example", "developer").await;
    let mut bob = Browser::new(&app);
    let page = bob.get(&link).await;
    for words in ["Join acme", EMAIL, "Developer", "bob@acme.example"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let weak = [("link", end(&link)), ("form[name]", "Bob"), ("form[password]", "password1234")];
    let refused = bob.post("/api/invitation/join-new", &weak).await;
    let again = page_after(&mut bob, &refused).await;
    assert!(again.text.contains("commonly used password") && again.text.contains("value=\"Bob\""), "{}", again.text);
    let joined = bob
        .post("/api/invitation/join-new", &[("link", end(&link)), ("form[name]", "Bob"), ("form[password]", NEW)])
        .await;
    let overview = format!("/a/{}", tenant.account.id);
    assert_eq!(joined.header("location"), overview, "{joined:?}");
    assert_eq!(bob.get(&format!("{overview}/endpoints")).await.status, StatusCode::OK);
    let used = Browser::new(&app).get(&link).await;
    assert_eq!(used.status, StatusCode::CONFLICT);
    assert!(used.text.contains("has already been used"), "{}", used.text);
    let unknown = Browser::new(&app).get("/invite/nonsense").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_invitation_for_another_user_offers_to_switch() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut ana = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let link = invite(&tenant, &mut ana, "bob@acme.example", "viewer").await;
    let page = ana.get(&link).await;
    assert!(page.text.contains("you’re signed in as") && page.text.contains("Sign out and continue"), "{}", page.text);
    let refused = ana.post("/api/invitation/join", &[("link", end(&link))]).await;
    assert_eq!(refused.status, StatusCode::FOUND, "{refused:?}");
    assert!(page_after(&mut ana, &refused).await.text.contains("This invitation is for bob@acme.example"));
    let switched = ana.post("/api/invitation/switch", &[("link", end(&link))]).await;
    let page = page_after(&mut ana, &switched).await;
    assert!(page.text.contains("Your name"), "the form of a new person: {}", page.text);
}

#[tokio::test]
async fn only_admins_manage_members() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut developer = Browser::of_member(&app, &tenant.account, Role::Developer).await;
    let members = format!("/a/{}/members", tenant.account.id);
    for page in [members.clone(), format!("{members}/invite")] {
        assert_eq!(developer.get(&page).await.status, StatusCode::FORBIDDEN, "{page}");
    }
    let overview = developer.get(&format!("/a/{}", tenant.account.id)).await;
    assert!(!overview.text.contains(&members), "no link to a page without access");
}

#[tokio::test]
async fn a_removed_member_loses_access_at_once_and_the_only_admin_stays() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut bob = Browser::of_member(&app, &tenant.account, Role::Viewer).await;
    let (acct, overview) = (tenant.account.id.to_string(), format!("/a/{}", tenant.account.id));
    assert_eq!(bob.get(&format!("{overview}/endpoints")).await.status, StatusCode::OK);
    let place = engine::Affiliation::Member(tenant.account.id.clone(), Role::Admin);
    let made = app.room.engine.create_user(&Actor::COMMAND_LINE, "eve@acme.example", NEW, place).await.unwrap();
    let mut eve = Browser::new(&app);
    eve.post("/api/sign-in", &[("form[email]", "eve@acme.example"), ("form[password]", NEW)]).await;
    let members = eve.get(&format!("{overview}/members")).await;
    assert!(members.text.contains(EMAIL), "{}", members.text);
    let usr = user_in(&members.text, &made);
    let removed = eve.post("/api/members/remove", &[("acct", &acct), ("usr", &usr)]).await;
    assert!(page_after(&mut eve, &removed).await.text.contains("was removed from the account"));
    assert_eq!(bob.get(&overview).await.status, StatusCode::NOT_FOUND);
    let own = made.to_string();
    let kept = eve.post("/api/members/remove", &[("acct", &acct), ("usr", &own)]).await;
    let page = page_after(&mut eve, &kept).await;
    assert!(page.text.contains("is the only admin"), "{}", page.text);
    let demoted = [("acct", acct.as_str()), ("usr", own.as_str()), ("form[role]", "viewer")];
    let kept = eve.post("/api/members/role", &demoted).await;
    assert!(page_after(&mut eve, &kept).await.text.contains("You can't change your own role"));
}

#[tokio::test]
async fn removing_an_admin_names_the_api_tokens_that_they_created_and_that_still_work() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut ana = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let acct = tenant.account.id.to_string();
    let place = engine::Affiliation::Member(tenant.account.id.clone(), Role::Admin);
    app.room.engine.create_user(&Actor::COMMAND_LINE, "eve@acme.example", NEW, place).await.unwrap();
    let mut eve = Browser::new(&app);
    eve.post("/api/sign-in", &[("form[email]", "eve@acme.example"), ("form[password]", NEW)]).await;
    for name in ["eve-deploy", "eve-revoked"] {
        let form = [("acct", acct.as_str()), ("form[name]", name), ("form[scopes][]", "events:write")];
        let made = eve.post("/api/tokens/make", &form).await;
        assert!(made.header("location").contains("/tokens"), "{made:?}");
    }
    let tokens: Value = serde_json::from_str(&tenant.get("/api/v1/tokens").await.text).unwrap();
    let revoked = tokens["data"].as_array().unwrap().iter().find(|token| token["name"] == "eve-revoked").unwrap();
    tenant.delete(&format!("/api/v1/tokens/{}", revoked["id"].as_str().unwrap())).await;
    let members = ana.get(&format!("/a/{acct}/members")).await.text;
    let ids = members.split("/members/usr_").skip(1).map(|rest| format!("usr_{}", &rest[..26]));
    let mut page = String::new();
    for id in ids {
        let found = ana.get(&format!("/a/{acct}/members/{id}/remove")).await.text;
        if found.contains("Remove eve@acme.example?") {
            page = found;
            let removed = ana.post("/api/members/remove", &[("acct", &acct), ("usr", &id)]).await;
            let list = page_after(&mut ana, &removed).await.text;
            assert!(list.contains("API tokens that they created still work: eve-deploy."), "{list}");
            break;
        }
    }
    assert!(page.contains("eve-deploy") && page.contains("keep working"), "{page}");
    assert!(!page.contains("eve-revoked"), "{page}");
}

/// The id of the other member on the page.
fn user_in(page: &str, not: &UserId) -> String {
    let all = page.split("/members/usr_").skip(1).map(|rest| format!("usr_{}", &rest[..26]));
    all.into_iter().find(|id| id != not.as_str()).unwrap()
}

#[tokio::test]
async fn signing_up_needs_the_emailed_link_and_shows_the_same_for_a_known_address() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    create_user(&app, &tenant.account, Role::Admin).await;
    let form = |email| [("form[email]", email), ("form[account]", "Beta"), ("form[name]", "Eve")];
    let (mut eve, mut other) = (Browser::new(&app), Browser::new(&app));
    assert!(!eve.get("/sign-up").await.text.contains("form[password]"), "it is chosen behind the link");
    let asked = eve.post("/api/sign-up", &form("eve@beta.example")).await;
    let shown = page_after(&mut eve, &asked).await.text;
    assert!(shown.contains("emailed a link to eve@beta.example") && shown.contains("Check your email"), "{shown}");
    let link = path_in_email(&app).await;
    let known = other.post("/api/sign-up", &form(EMAIL)).await;
    let known = page_after(&mut other, &known).await.text;
    let main = |text: &str| text.split("<main").nth(1).unwrap().to_owned();
    assert_eq!(main(&shown).replace("eve@beta.example", EMAIL), main(&known), "the response reveals nothing");
    assert_eq!(path_in_email(&app).await, "/sign-in");
    let page = eve.get(&link).await;
    assert!(page.text.contains("Choose a password") && page.text.contains("eve@beta.example"), "{}", page.text);
    let done = eve.post("/api/sign-up/finish", &[("link", end(&link)), ("form[password]", NEW)]).await;
    assert!(done.header("location").ends_with("/start"), "{done:?}");
    assert_eq!(eve.get(done.header("location")).await.status, StatusCode::OK);
    assert_eq!(eve.get(&link).await.status, StatusCode::NOT_FOUND, "it works once");
}

#[tokio::test]
async fn a_password_reset_works_once_and_ends_all_sessions() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut signed_in = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let mut browser = Browser::new(&app);
    let nobody = browser.post("/api/forgot", &[("form[email]", "nobody@acme.example")]).await;
    let nobody = page_after(&mut browser, &nobody).await.text;
    let known = browser.post("/api/forgot", &[("form[email]", EMAIL)]).await;
    let known = page_after(&mut browser, &known).await.text;
    assert!(known.contains("emailed a link to it"), "{known}");
    let main = |text: &str| text.split("<main").nth(1).unwrap().to_owned();
    assert_eq!(main(&nobody), main(&known), "the response reveals nothing");
    assert_eq!(app.emails().await.len(), 1);
    let link = path_in_email(&app).await;
    assert!(browser.get(&link).await.text.contains("Choose a new password"));
    let reset = [("link", end(&link)), ("form[password]", NEW)];
    let done = browser.post("/api/reset", &reset).await;
    assert!(page_after(&mut browser, &done).await.text.contains("Your password was changed"));
    let out = signed_in.get("/me/security").await;
    assert!(out.header("location").starts_with("/sign-in"), "{out:?}");
    let again = browser.post("/api/reset", &reset).await;
    assert!(again.status.is_redirection());
    let used = browser.get(&link).await;
    assert!(used.status == StatusCode::CONFLICT && used.text.contains("has already been used"), "{}", used.text);
    assert!(Browser::new(&app).sign_in(PASSWORD, "/me").await.header("location").starts_with("/sign-in"));
    assert_eq!(Browser::new(&app).sign_in(NEW, "/me").await.header("location"), "/me");
}

#[tokio::test]
async fn a_session_ended_elsewhere_is_refused_at_the_next_request() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    create_user(&app, &tenant.account, Role::Admin).await;
    let (mut here, mut there, mut third) = (Browser::new(&app), Browser::new(&app), Browser::new(&app));
    for browser in [&mut here, &mut there, &mut third] {
        browser.sign_in(PASSWORD, "/").await;
    }
    let page = here.get("/me/security").await.text;
    assert_eq!(page.matches("name=\"handle\"").count(), 2, "{page}");
    assert!(page.contains("This browser") && page.contains("127.0.0.1"), "{page}");
    let cookie = there.cookie().strip_prefix("offhook=").unwrap();
    assert!(!page.contains(cookie), "a page shows no cookie");
    let handle = page.split("name=\"handle\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    here.post("/api/security/end", &[("handle", handle)]).await;
    let still = [there.get("/me/security").await.status, third.get("/me/security").await.status];
    assert_eq!(still.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{still:?}");
    here.post("/api/security/end-others", &[]).await;
    for browser in [&mut there, &mut third] {
        assert!(browser.get("/me/security").await.header("location").starts_with("/sign-in"));
    }
    assert_eq!(here.get("/me/security").await.status, StatusCode::OK);
}

#[tokio::test]
async fn changing_a_password_requires_the_old_one_and_keeps_this_session() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut here = Browser::of_member(&app, &tenant.account, Role::Viewer).await;
    let mut there = Browser::new(&app);
    there.sign_in(PASSWORD, "/").await;
    let wrong = [("form[current_password]", "wrong wrong wrong"), ("form[password]", NEW)];
    let refused = here.post("/api/security/password", &wrong).await;
    let page = page_after(&mut here, &refused).await;
    assert!(page.text.contains("The current password is incorrect"), "{}", page.text);
    assert!(!page.text.contains("wrong wrong wrong") && !page.text.contains(NEW), "no password is sent back");
    let right = [("form[current_password]", PASSWORD), ("form[password]", NEW)];
    let changed = here.post("/api/security/password", &right).await;
    let page = page_after(&mut here, &changed).await;
    assert!(page.text.contains("Your password was changed"), "{}", page.text);
    assert!(there.get("/me/security").await.header("location").starts_with("/sign-in"));
    assert!(app.emails().await.pop().unwrap().subject.contains("was changed"));
}

#[tokio::test]
async fn without_a_mail_server_the_link_of_an_invitation_is_shown_once() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut ana = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let acct = tenant.account.id.as_str();
    let invite = async |ana: &mut Browser<'_>, email: &str| {
        let form = [("acct", acct), ("form[email]", email), ("form[role]", "viewer")];
        let page = ana.post("/api/members/invite", &form).await.header("location").to_owned();
        ana.get(&page).await.text
    };
    let emailed = invite(&mut ana, "bob@acme.example").await;
    assert!(emailed.contains("email an invitation to bob@acme.example") && !emailed.contains("/invite/"), "{emailed}");
    app.emails().await;
    app.mail.configure(false);
    let shown = invite(&mut ana, "eve@acme.example").await;
    assert!(shown.contains("No mail server is configured") && shown.contains("/invite/"), "{shown}");
    app.emails().await;
    let later = ana.get(&format!("/a/{acct}/members")).await.text;
    assert!(!later.contains("/invite/") && later.contains("Email sent."), "{later}");
    assert!(later.contains("Email failed: no mail server is configured."), "{later}");
}

#[tokio::test]
async fn two_tabs_at_once_lose_no_message() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let acct = tenant.account.id.to_string();
    let (first, second) = (tenant.endpoint("https://a.example/1").await, tenant.endpoint("https://a.example/2").await);
    let ids = [&first, &second].map(|endpoint| endpoint["id"].as_str().unwrap().to_owned());
    let mut ana = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    for round in 0..10 {
        let step = if round % 2 == 0 { "pause" } else { "resume" };
        let post = |id: &str| {
            let request = ana.request(reqwest::Method::POST, &format!("/api/endpoints/{step}"));
            response(with_form(request.header("sec-fetch-site", "same-origin"), &[("acct", &acct), ("ep", id)]))
        };
        futures::future::join_all(ids.iter().map(|id| post(id))).await;
        for id in &ids {
            let page = ana.get(&format!("/a/{acct}/endpoints/{id}")).await.text;
            assert!(page.contains("role=\"status\""), "round {round}: no message after {step}: {page}");
        }
    }
}
