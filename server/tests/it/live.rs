//! `/a/{acct}/deliveries/live`

use domain::{account::Role, actor::Actor, member::TeamKind};
use engine::Affiliation;
use reqwest::{Method, Response, StatusCode};
use serde_json::json;

use crate::{
    browser::{Browser, EMAIL, PASSWORD},
    receiver::Receiver,
    test_app::{PATIENCE, TestApp},
};

/// Most live streams that one user has open.
const STREAMS_PER_USER: usize = 20;

/// Reads the stream until a line starts like this.
async fn until(stream: &mut Response, start: &str) {
    let mut text = String::new();
    let reading = async {
        while !text.lines().any(|line| line.starts_with(start)) {
            let chunk = stream.chunk().await.unwrap().expect("the stream ended");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("nothing was received");
}

#[tokio::test]
async fn a_member_is_notified_of_changes_and_the_stream_ends_with_the_server() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let endpoint = tenant.endpoint(&receiver.url).await;
    let browser = Browser::of_member(&app, &tenant.account, Role::Viewer).await;
    let path = format!("/a/{}/deliveries/live", tenant.account.id);
    let mut stream = browser.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    until(&mut stream, ": connected").await;
    let send_test = format!("/api/v1/endpoints/{}/test", endpoint["id"].as_str().unwrap());
    tenant.post(&send_test, &json!({ "event": "IncomingCall" })).await;
    until(&mut stream, "event: change").await;
    app.room.stopping.cancel();
    let end = async { while stream.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(PATIENCE, end).await.expect("the stream did not end");
}

#[tokio::test]
async fn a_user_follows_with_a_limited_number_of_streams() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let browser = Browser::of_member(&app, &tenant.account, Role::Viewer).await;
    let path = format!("/a/{}/deliveries/live", tenant.account.id);
    let open = async || browser.request(Method::GET, &path).send().await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..STREAMS_PER_USER {
        streams.push(open().await);
    }
    assert!(streams.iter().all(|stream| stream.status() == StatusCode::OK));
    let refused = open().await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
}

/// Reads the stream to its end.
async fn ended(stream: &mut Response) {
    let end = async { while stream.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(PATIENCE, end).await.expect("the stream did not end");
}

#[tokio::test]
async fn streams_of_users_who_lose_access_end_at_once() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let (engine, backend) = (&app.room.engine, &app.room.backend);
    let place = Affiliation::Member(tenant.account.id.clone(), Role::Admin);
    let bo = engine.create_user(&Actor::COMMAND_LINE, "bo@acme.example", PASSWORD, place).await.unwrap();
    let bo = backend.actor(&bo, &tenant.account.id).await.unwrap();
    let mut browser = Browser::of_member(&app, &tenant.account, Role::Viewer).await;
    let ana = backend.members(&bo, TeamKind::Account).await.unwrap();
    let ana = ana.members.into_iter().find(|member| member.user.email == EMAIL).unwrap().user.id;
    let path = format!("/a/{}/deliveries/live", tenant.account.id);
    let open = async |browser: &Browser<'_>| {
        let mut stream = browser.request(Method::GET, &path).send().await.unwrap();
        until(&mut stream, ": connected").await;
        stream
    };
    let mut signed_out = open(&browser).await;
    browser.post("/api/sign-out", &[]).await;
    ended(&mut signed_out).await;
    browser.sign_in(PASSWORD, "/").await;
    let mut elsewhere = open(&browser).await;
    backend.end_other_sessions(&ana, "another", "").await.unwrap();
    ended(&mut elsewhere).await;
    browser.sign_in(PASSWORD, "/").await;
    let mut removed = open(&browser).await;
    backend.remove_member(&bo, TeamKind::Account, &ana).await.unwrap();
    ended(&mut removed).await;
}

#[tokio::test]
async fn only_members_follow_an_account() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("other").await);
    let path = |id: &domain::id::AccountId| format!("/a/{id}/deliveries/live");
    let stranger = app.call(Method::GET, &path(&tenant.account.id), "", None).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let mut browser = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    assert_eq!(browser.get(&path(&other.account.id)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn operators_are_told_to_look_at_their_connectors_and_members_are_not() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let path = "/ops/connectors/live";
    let member = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    assert_eq!(member.request(Method::GET, path).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let operator = crate::ops::operator(&app).await;
    let mut stream = operator.request(Method::GET, path).send().await.unwrap();
    until(&mut stream, ": connected").await;
    until(&mut stream, "event: change").await;
    app.room.stopping.cancel();
    ended(&mut stream).await;
}
