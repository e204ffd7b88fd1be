//! Who is refused, and what a phone system can't do to the server.

use futures::SinkExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

use super::{
    Ari,
    asterisk::{Asterisk, dial, open, recording},
    lines,
};
use crate::{
    ops::{operator, suspend},
    receiver::Receiver,
    test_app::TestApp,
};

#[tokio::test]
async fn only_the_secret_of_such_a_connector_opens_the_connection() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let (ari, address) = (Ari::of(&tenant).await, app.address.to_string());
    let http =
        tenant.post("/api/v1/connectors", &json!({ "name": "x", "system": "other", "way": "http" })).await.json();
    let text = |key: &str| http[key].as_str().unwrap().to_owned();
    let (id, secret) = (ari.id.as_str(), ari.secret.as_str());
    let (other_id, other_secret) = (text("id"), text("secret"));
    for (user, password, protocol, status, says) in [
        ("", "", "ari", 401, "Set username and password"),
        (id, "wrong", "ari", 401, "its secret is wrong"),
        ("con_01kb4qz1a2b3c4d5e6f7g8h9jk", secret, "ari", 401, "There is no such connector"),
        ("nobody", secret, "ari", 401, "There is no such connector"),
        (other_id.as_str(), other_secret.as_str(), "ari", 409, "connected in another way"),
        (id, secret, "", 400, "protocols = ari"),
        (id, secret, "sip", 400, "protocols = ari"),
    ] {
        let (code, text) = dial(&address, user, password, protocol).await.err().expect("it is accepted");
        assert!(code == status && text.contains(says), "{user} {protocol}: {code} {text}");
    }
    let plain = app.http.get(app.url("/connect/asterisk")).basic_auth(&ari.id, Some(&ari.secret)).send().await.unwrap();
    assert!(plain.status().is_client_error(), "{}", plain.status());
    tenant.post(&format!("/api/v1/connectors/{}/pause", ari.id), &json!({})).await;
    let (code, text) = dial(&address, &ari.id, &ari.secret, "ari").await.err().expect("it is accepted");
    assert!(code == 409 && text.contains("paused"), "{code} {text}");
}

#[tokio::test]
async fn a_rotated_secret_ends_the_connection_and_trunks_count_at_once() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    let (ari, address) = (Ari::of(&tenant).await, app.address.to_string());
    let path = format!("/api/v1/connectors/{}", ari.id);
    let mut connection = ari.dial(&address).await;
    connection.settle(&Asterisk::default()).await;
    let rotated = tenant.post(&format!("{path}/rotate"), &json!({})).await;
    assert!(rotated.status.is_success(), "{}", rotated.text);
    let (code, reason) = connection.closed().await;
    assert!(code == CloseCode::Policy && reason.contains("another secret"), "{code} {reason}");
    let messages = recording("in_answered");
    let mut asterisk = Asterisk::of(&messages);
    let secret = rotated.json()["secret"].as_str().unwrap().to_owned();
    let ari = Ari { secret, ..ari };
    let mut connection = ari.dial(&address).await;
    connection.play(&mut asterisk, &messages).await;
    assert!(lines(&mut receiver, 2).await[1].starts_with("CallProcessed incoming answered 3 s"));
}

#[tokio::test]
async fn a_suspended_account_s_phone_system_is_told_so() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let (ari, address) = (Ari::of(&tenant).await, app.address.to_string());
    let mut connection = ari.dial(&address).await;
    connection.settle(&Asterisk::default()).await;
    suspend(&mut operator(&app).await, &tenant, "Unpaid since May").await;
    let (code, reason) = connection.closed().await;
    assert_eq!(
        (code, reason.as_str()),
        (CloseCode::Policy, "This account is suspended: Unpaid since May. Ask your provider.")
    );
    let (code, text) = dial(&address, &ari.id, &ari.secret, "ari").await.err().expect("it is accepted");
    assert!(code == 403 && text.contains("Unpaid since May"), "{code} {text}");
}

#[tokio::test]
async fn a_large_message_and_garbage_end_the_connection_with_a_reason() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let (ari, address) = (Ari::of(&tenant).await, app.address.to_string());
    let mut connection = ari.dial(&address).await;
    connection.settle(&Asterisk::default()).await;
    let large = "x".repeat(1_024 * 1_024 + 1);
    // The server may have closed the connection before all of it was sent.
    let _ = connection.socket.send(Message::text(large)).await;
    let state = app.until(async || Some(ari.state(&tenant).await).filter(|it| !it["state"]["problem"].is_null())).await;
    assert_eq!(state["state"]["problem"], "malformed");
    assert!(state["state"]["detail"].as_str().unwrap().contains("larger than 1 MiB"), "{state}");
    let mut connection = ari.dial(&address).await;
    connection.settle(&Asterisk::default()).await;
    for _ in 0..100 {
        let _ = connection.socket.send(Message::text("GET / HTTP/1.1")).await;
    }
    let (code, reason) = connection.closed().await;
    assert!(code == CloseCode::Policy && reason.contains("isn't Asterisk"), "{code} {reason}");
}

#[tokio::test]
async fn what_is_no_websocket_is_refused_with_a_code_and_a_problem() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let (ari, address) = (Ari::of(&tenant).await, app.address.to_string());
    let large = [&[0x81, 0xff][..], &(2_u64 << 20).to_be_bytes(), &[0; 4]].concat();
    for (frame, expected, says) in [
        (&[0x81, 1, b'x'][..], CloseCode::Protocol, "RFC 6455"),
        (&[0x83, 0x80, 0, 0, 0, 0], CloseCode::Protocol, "RFC 6455"),
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff], CloseCode::Invalid, "UTF-8"),
        (&large, CloseCode::Size, "1 MiB"),
    ] {
        let mut connection = ari.dial(&address).await;
        connection.settle(&Asterisk::default()).await;
        connection.send_raw(frame).await;
        let (code, reason) = connection.closed().await;
        assert!(code == expected && reason.contains(says), "{code} {reason}");
        let is_malformed = async || Some(ari.state(&tenant).await).filter(|it| it["state"]["problem"] == "malformed");
        app.until(is_malformed).await;
    }
}

#[tokio::test]
async fn a_silent_connection_is_closed_and_reported() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let (ari, address) = (Ari::of(&tenant).await, app.address.to_string());
    let mut connection = ari.dial(&address).await;
    connection.settle(&Asterisk::default()).await;
    app.until(async || Some(ari.state(&tenant).await).filter(|it| it["status"] == "connected")).await;
    // Nothing reads, so nothing answers a ping.
    app.until(async || Some(ari.state(&tenant).await).filter(|it| it["status"] == "reconnecting")).await;
    let gaps = app.until(async || Some(ari.gaps(&tenant).await).filter(|gaps| !gaps.is_empty())).await;
    assert_eq!(gaps[0]["reason"], "connection_lost");
}

#[tokio::test]
async fn an_asterisk_that_refuses_its_own_configuration_is_named() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let (ari, address) = (Ari::of(&tenant).await, app.address.to_string());
    let mut connection = open(&address, &ari.id, &ari.secret, "ari").await.expect("it is refused");
    connection.socket.close(None).await.unwrap();
    let state = app.until(async || Some(ari.state(&tenant).await).filter(|it| !it["state"]["problem"].is_null())).await;
    assert_eq!(state["state"]["problem"], "missing_permission");
    assert!(state["state"]["detail"].as_str().unwrap().contains("closes the connection at once"), "{state}");
}
