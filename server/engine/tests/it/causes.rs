//! What each way of failing is called.

use domain::{
    cause::{Cause, Failure},
    delivery::Status,
    endpoint::EndpointForm,
    event::EventKind,
};

use crate::{
    bed::{Bed, On},
    receiver::Reply,
};

/// The failure of one attempt at an endpoint that was changed like this, and replies like that.
async fn failure(change: impl FnOnce(&mut EndpointForm), reply: Reply) -> Failure {
    let bed = Bed::new(On::Sqlite).await;
    bed.receiver.usually(reply);
    bed.endpoint_with(change).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(bed.run().await, 1);
    let row = bed.only_delivery().await.row;
    assert!(matches!(row.status, Status::Retrying | Status::Failed), "{row:?}");
    row.failure.unwrap()
}

async fn cause_of(reply: Reply) -> Cause {
    failure(|form| form.timeout_s = "1".into(), reply).await.cause
}

#[tokio::test]
async fn every_status_has_its_cause() {
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
async fn broken_answers_have_their_causes() {
    assert_eq!(cause_of(Reply::HangUp).await, Cause::Reset);
    assert_eq!(cause_of(Reply::Reset).await, Cause::Reset);
    assert_eq!(cause_of(Reply::Hang).await, Cause::ResponseTimeout);
    assert_eq!(cause_of(Reply::Drip).await, Cause::ResponseTimeout, "the limit includes the body");
    assert_eq!(cause_of(Reply::Bytes("220 smtp.example ESMTP\r\n".into())).await, Cause::BadResponse);
    assert_eq!(cause_of(Reply::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort".into())).await, Cause::Reset);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_tells_where_it_points() {
    let moved = "HTTP/1.1 301 Moved\r\nlocation: https://new.example/x\r\ncontent-length: 0\r\n\r\n";
    let failure = failure(|_| {}, Reply::Bytes(moved.into())).await;
    assert_eq!(failure.facts.location.as_deref(), Some("https://new.example/x"));
}

#[tokio::test]
async fn what_is_wrong_before_the_answer_has_its_cause() {
    let refused = failure(|form| form.url = "http://127.0.0.1:1/".into(), Reply::HangUp).await;
    assert_eq!((refused.cause, refused.facts.port), (Cause::ConnectRefused, Some(1)));
    let unknown = failure(|form| form.url = "http://nowhere.invalid/".into(), Reply::HangUp).await;
    assert_eq!((unknown.cause, unknown.facts.host.as_str()), (Cause::DnsNotFound, "nowhere.invalid"));
    let not_tls = failure(|form| form.url = form.url.replace("http:", "https:"), Reply::Status(200)).await;
    assert_eq!(not_tls.cause, Cause::TlsVersion);
}

/// What loopback sockets buffer on both sides, at most; the rest has been read by somebody.
const BUFFERED_BYTES: usize = 16 * 1_024 * 1_024;

#[tokio::test]
async fn a_huge_answer_is_read_only_as_far_as_the_limit() {
    let bed = Bed::new(On::Sqlite).await;
    bed.receiver.usually(Reply::Flood(1_000_000_000));
    bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    let delivery = bed.only_delivery().await;
    assert_eq!(delivery.row.status, Status::Delivered);
    assert_eq!((delivery.attempts[0].response_body.len(), delivery.attempts[0].response_cut), (16_384, true));
    let taken = bed.receiver.flooded();
    assert!(taken < BUFFERED_BYTES, "reading went on: {taken} bytes");
}

#[tokio::test]
async fn hostile_receivers_cost_the_others_nothing() {
    let bed = Bed::new(On::Sqlite).await;
    for reply in [Reply::Hang, Reply::Drip, Reply::Flood(1_000_000_000), Reply::Reset, Reply::HangUp] {
        let hostile = crate::receiver::Receiver::start().await;
        hostile.usually(reply);
        bed.endpoint_with(|form| form.url = hostile.url()).await;
    }
    bed.endpoint().await;
    let running = bed.another_running().await;
    for call in 0..200 {
        bed.accept_by(&running, EventKind::CallProcessed, call).await;
    }
    // Far below the 15 seconds after which the slow ones are given up.
    let all = tokio::time::timeout(std::time::Duration::from_secs(10), bed.receiver.has_received(200)).await;
    assert!(all.is_ok(), "the healthy endpoint waited: {} of 200", bed.receiver.received().len());
}
