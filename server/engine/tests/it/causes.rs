//! The cause of each kind of failure.

use domain::{
    cause::{Cause, Failure},
    delivery::Status,
    endpoint::EndpointForm,
    event::EventKind,
};

use crate::{
    harness::{On, START, TestHarness},
    receiver::Reply,
};

/// The failure of one attempt at an endpoint with this change and this reply.
async fn failure(change: impl FnOnce(&mut EndpointForm), reply: Reply) -> Failure {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.receiver.usually(reply);
    harness.endpoint_with(change).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 1);
    let row = harness.only_delivery().await.row;
    assert!(matches!(row.status, Status::Retrying | Status::Failed), "{row:?}");
    row.failure.unwrap()
}

async fn cause_of(reply: Reply) -> Cause {
    failure(|form| form.timeout_s = "1".into(), reply).await.cause
}

#[tokio::test]
async fn each_status_maps_to_its_cause() {
    for (status, cause) in [
        (302, Cause::Redirected),
        (401, Cause::Http401403),
        (403, Cause::Http401403),
        (404, Cause::Http404),
        (405, Cause::Http405),
        (410, Cause::Http410),
        (413, Cause::Http413),
        (418, Cause::Http4xx),
        (429, Cause::Http429),
        (500, Cause::Http5xx),
        (502, Cause::Http502504),
    ] {
        assert_eq!(cause_of(Reply::Status(status)).await, cause, "{status}");
    }
}

#[tokio::test]
async fn each_broken_response_maps_to_its_cause() {
    assert_eq!(cause_of(Reply::HangUp).await, Cause::Reset);
    assert_eq!(cause_of(Reply::Reset).await, Cause::Reset);
    assert_eq!(cause_of(Reply::Hang).await, Cause::ResponseTimeout);
    assert_eq!(cause_of(Reply::Bytes("220 smtp.example ESMTP\r\n".into())).await, Cause::BadResponse);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_target_is_recorded() {
    let moved = "HTTP/1.1 301 Moved\r\nlocation: https://new.example/x\r\ncontent-length: 0\r\n\r\n";
    let failure = failure(|_| {}, Reply::Bytes(moved.into())).await;
    assert_eq!(failure.facts.location.as_deref(), Some("https://new.example/x"));
}

#[tokio::test]
async fn failures_before_a_response_have_their_causes() {
    let refused = failure(|form| form.url = "http://127.0.0.1:1/".into(), Reply::HangUp).await;
    assert_eq!((refused.cause, refused.facts.port), (Cause::ConnectRefused, Some(1)));
    let unknown = failure(|form| form.url = "http://nowhere.invalid/".into(), Reply::HangUp).await;
    assert_eq!((unknown.cause, unknown.facts.host.as_str()), (Cause::DnsNotFound, "nowhere.invalid"));
    let not_tls = failure(|form| form.url = form.url.replace("http:", "https:"), Reply::Status(200)).await;
    assert_eq!(not_tls.cause, Cause::TlsPlainHttp);
}

#[tokio::test]
async fn a_status_of_cloudflare_is_named_by_what_it_means() {
    let by = |server: &str| format!("HTTP/1.1 522 X\r\nserver: {server}\r\ncontent-length: 0\r\n\r\n");
    let failed = failure(|_| {}, Reply::Bytes(by("cloudflare"))).await;
    assert_eq!(failed.cause, Cause::Http520527);
    assert_eq!(failed.sentence(START), "Cloudflare: connecting to your server timed out (522)");
    assert_eq!(failure(|_| {}, Reply::Bytes(by("nginx"))).await.sentence(START), "Server error (522)");
}

/// The most that loopback sockets buffer on both sides; anything beyond was read.
const BUFFERED_BYTES: usize = 16 * 1_024 * 1_024;

#[tokio::test]
async fn a_huge_response_is_read_only_up_to_the_limit() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.receiver.usually(Reply::Flood(1_000_000_000));
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let delivery = harness.only_delivery().await;
    assert_eq!(delivery.row.status, Status::Delivered);
    assert_eq!((delivery.attempts[0].response_body.len(), delivery.attempts[0].response_cut), (16_384, true));
    let taken = harness.receiver.flooded();
    assert!(taken < BUFFERED_BYTES, "it read on: {taken} bytes");
}

#[tokio::test]
async fn hostile_receivers_do_not_slow_down_the_others() {
    let harness = TestHarness::new(On::Sqlite).await;
    for reply in [Reply::Hang, Reply::Drip, Reply::Flood(1_000_000_000), Reply::Reset, Reply::HangUp] {
        let hostile = crate::receiver::Receiver::start().await;
        hostile.usually(reply);
        harness.endpoint_with(|form| form.url = hostile.url()).await;
    }
    harness.endpoint().await;
    let running = harness.another_running().await;
    for call in 0..200 {
        harness.accept_by(&running, EventKind::CallProcessed, call).await;
    }
    // Far below the 15 seconds after which the slow ones time out.
    let all = tokio::time::timeout(std::time::Duration::from_secs(10), harness.receiver.has_received(200)).await;
    assert!(all.is_ok(), "the healthy endpoint waited: {} of 200", harness.receiver.received().len());
}
