//! What a response decides: its status line, however its body arrives.

use domain::{
    attempt::{Attempt, RESPONSE_HEAD_KEPT_BYTES},
    cause::Cause,
    delivery::{DeliveryRow, Status},
    endpoint::{EndpointState, Endpoints},
    event::EventKind,
};

use crate::{
    harness::{TestHarness, on_both},
    receiver::Reply,
};

on_both! { a_success_counts_however_its_body_arrives a_refusal_keeps_its_status_however_its_body_arrives gone_pauses_the_endpoint_although_its_body_stalls odd_header_lines_are_accepted too_many_header_lines_have_their_own_sentence endless_interim_responses_end_at_the_limit a_response_behind_too_many_interim_responses_does_not_count reasons_of_interim_responses_are_bounded_too a_long_head_is_kept_up_to_its_limit }

/// A response whose body is announced but never complete: cut off, stalled, dripping and unreadable.
fn broken_bodies(status: &str) -> Vec<Reply> {
    let sized = format!("HTTP/1.1 {status}\r\ncontent-length: 9\r\n\r\nshort");
    let chunked = format!("HTTP/1.1 {status}\r\ntransfer-encoding: chunked\r\n\r\nshort, not a chunk\r\n");
    vec![Reply::Bytes(sized.clone()), Reply::Stall(sized), Reply::Bytes(chunked)]
}

/// Sends one event for each of these responses to an endpoint with a time limit of a second.
async fn respond_with(harness: &TestHarness, replies: Vec<Reply>) {
    harness.endpoint_with(|form| form.timeout_s = "1".into()).await;
    let count = u32::try_from(replies.len()).unwrap();
    harness.receiver.next(replies);
    for call in 0..count {
        harness.accept(EventKind::CallProcessed, call).await;
    }
    assert_eq!(harness.run().await, count as usize);
}

async fn a_success_counts_however_its_body_arrives(harness: TestHarness) {
    let mut replies = broken_bodies("200 OK");
    replies.push(Reply::Drip);
    respond_with(&harness, replies).await;
    for row in harness.deliveries().await {
        assert_eq!((row.status, row.status_code), (Status::Delivered, Some(200)), "{row:?}");
        let attempt = &harness.attempts(&row.id).await[0];
        assert!(attempt.response_cut && attempt.failure.is_none(), "{attempt:?}");
    }
}

async fn a_refusal_keeps_its_status_however_its_body_arrives(harness: TestHarness) {
    respond_with(&harness, broken_bodies("403 No")).await;
    for row in harness.deliveries().await {
        assert_eq!(row.failure.as_ref().map(|failure| failure.cause), Some(Cause::Http401403), "{row:?}");
        assert_eq!((row.status, row.status_code), (Status::Retrying, Some(403)));
    }
}

async fn gone_pauses_the_endpoint_although_its_body_stalls(harness: TestHarness) {
    respond_with(&harness, vec![Reply::Stall("HTTP/1.1 410 Gone\r\ncontent-length: 9\r\n\r\n".into())]).await;
    let endpoints = harness.engine.endpoints(&harness.admin).await.unwrap();
    assert_eq!(endpoints[0].endpoint.state, EndpointState::Paused);
}

/// One attempt answered with these bytes.
async fn answered(harness: &TestHarness, bytes: String) -> (DeliveryRow, Attempt) {
    harness.receiver.next([Reply::Stall(bytes)]);
    harness.endpoint_with(|form| form.timeout_s = "1".into()).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 1);
    let row = harness.deliveries().await.remove(0);
    let attempt = harness.attempts(&row.id).await.remove(0);
    (row, attempt)
}

async fn odd_header_lines_are_accepted(harness: TestHarness) {
    let head = "HTTP/1.1 200 OK\r\nX-Foo : bar\r\nX-Long: one\r\n two\r\nno colon here\r\nContent-Length: 2\r\n\r\nok";
    let (row, attempt) = answered(&harness, head.into()).await;
    assert_eq!(row.status, Status::Delivered, "{row:?}");
    assert!(attempt.response_head.contains("x-foo: bar"), "{}", attempt.response_head);
    assert_eq!((attempt.response_body.as_str(), attempt.response_cut), ("ok", false));
}

async fn too_many_header_lines_have_their_own_sentence(harness: TestHarness) {
    let lines: String = (0..101).map(|n| format!("x-{n}: y\r\n")).collect();
    let (row, _) = answered(&harness, format!("HTTP/1.1 200 OK\r\n{lines}\r\n")).await;
    let sentence = "Response was not valid HTTP: more than 100 header lines or 64 KiB of them";
    assert_eq!(row.sentence(harness.now()), sentence);
}

async fn endless_interim_responses_end_at_the_limit(harness: TestHarness) {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n";
    let (row, attempt) = answered(&harness, interim.repeat(2_000)).await;
    assert_eq!(row.sentence(harness.now()), "Response was not valid HTTP: more than 64 KiB of interim responses (1xx)");
    assert!(attempt.duration_ms < 1_000, "before the time is up");
    let few = format!("{}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", interim.repeat(3));
    harness.receiver.next([Reply::Stall(few)]);
    assert_eq!(harness.run_after_ms(6_000).await, 1);
    assert_eq!(harness.only_delivery().await.row.status, Status::Delivered);
}

/// The response is already there when the limit is noticed.
async fn a_response_behind_too_many_interim_responses_does_not_count(harness: TestHarness) {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n";
    let response = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    harness.endpoint().await;
    for (call, many) in [(1, 4_000), (2, 1_500), (3, 1_000)] {
        harness.receiver.next([Reply::Stall(interim.repeat(many) + response)]);
        let event = harness.accept(EventKind::CallProcessed, call).await.id;
        assert_eq!(harness.run().await, 1);
        let row = harness.deliveries().await.into_iter().find(|row| row.event_id == event).unwrap();
        let sentence = row.sentence(harness.now());
        let expected = if many > 1_400 { "Response was not valid HTTP: more than 64 KiB of interim" } else { "200 in" };
        assert!(sentence.starts_with(expected), "{many}: {sentence}");
    }
}

/// What the library does not report of them counts towards the limit of the connection.
async fn reasons_of_interim_responses_are_bounded_too(harness: TestHarness) {
    let interim = format!("HTTP/1.1 103 {}\r\n\r\n", "x".repeat(30_000));
    let (row, _) = answered(&harness, interim.repeat(100)).await;
    let sentence = "Response was not valid HTTP: more than 2048 KiB of interim responses (1xx)";
    assert_eq!(row.sentence(harness.now()), sentence);
}

async fn a_long_head_is_kept_up_to_its_limit(harness: TestHarness) {
    let lines: String = (0..50).map(|n| format!("x-{n}: {}\r\n", "y".repeat(1_000))).collect();
    let (row, attempt) = answered(&harness, format!("HTTP/1.1 200 OK\r\n{lines}content-length: 0\r\n\r\n")).await;
    assert_eq!(row.status, Status::Delivered);
    let kept = attempt.response_head.len();
    assert!((RESPONSE_HEAD_KEPT_BYTES / 2..=RESPONSE_HEAD_KEPT_BYTES).contains(&kept), "{kept}");
}
