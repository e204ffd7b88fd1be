//! An endpoint whose server requests a pause: its whole queue pauses, is probed with one attempt, and loses nothing.

use domain::{
    delivery::Status,
    endpoint::{Endpoint, EndpointInput, Endpoints},
    event::EventKind,
    retry::{DURABLE_MAX_MS, EndReason},
    time::{HOUR_MS, SECOND_MS},
};

use crate::{
    harness::{TestHarness, on_both},
    receiver::Reply,
};

on_both! { a_wait_pauses_the_whole_endpoint a_pause_holds_on_every_node_and_after_a_restart throttled_attempts_do_not_count_and_durable_events_end_after_three_days any_failing_status_may_ask_for_a_pause a_receiver_that_takes_two_a_second_gets_every_call a_pause_ends_when_the_endpoint_is_resumed_or_moved an_ephemeral_event_that_would_be_late_expires a_burst_over_the_limit_is_one_failure }

/// A response that asks for a pause of this many seconds.
fn asks(status: &str, seconds: u32) -> Reply {
    Reply::Bytes(format!(
        "HTTP/1.1 {status}\r\nretry-after: {seconds}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    ))
}

async fn accept(harness: &TestHarness, calls: std::ops::Range<u32>) {
    for call in calls {
        harness.accept(EventKind::CallProcessed, call).await;
    }
}

async fn a_wait_pauses_the_whole_endpoint(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([asks("429 Slow", 30)]);
    accept(&harness, 0..1).await;
    assert_eq!(harness.run().await, 1);
    let waiting = &harness.deliveries().await[0];
    let pause_ms = waiting.next_attempt_at.unwrap().since_ms(harness.now());
    assert!((30_000..=33_000).contains(&pause_ms), "{pause_ms}");
    accept(&harness, 1..20).await;
    assert_eq!(harness.run_after_ms(29_900).await, 0, "the others wait, too");
    assert_eq!(harness.run_after_ms(3_200).await, 20, "afterwards all of them go");
    assert!(harness.deliveries().await.iter().all(|row| row.status == Status::Delivered));
}

async fn a_pause_holds_on_every_node_and_after_a_restart(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([asks("503 Busy", 60)]);
    accept(&harness, 0..1).await;
    assert_eq!(harness.run().await, 1);
    let another = harness.another().await;
    harness.accept_by(&another, EventKind::CallProcessed, 1).await;
    harness.clock.step_ms(59_000);
    assert_eq!(another.sender().run_once().await.unwrap(), 0);
    harness.clock.step_ms(8_000);
    assert_eq!(another.sender().run_once().await.unwrap(), 2);
}

async fn throttled_attempts_do_not_count_and_durable_events_end_after_three_days(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.usually(asks("429 Slow", 3_600));
    accept(&harness, 0..1).await;
    let mut attempts = harness.run().await;
    let began = harness.now();
    while harness.only_delivery().await.row.status == Status::Retrying {
        assert!(harness.now().since_ms(began) < DURABLE_MAX_MS, "it ends");
        attempts += harness.run_after_ms(HOUR_MS + HOUR_MS / 10).await;
    }
    let row = harness.only_delivery().await.row;
    assert_eq!((row.status, row.end_reason), (Status::Failed, Some(EndReason::Exhausted)));
    assert!(attempts > 60, "far more than the schedule has: {attempts}");
    assert_eq!((row.attempts as usize, row.attempts_before as usize), (attempts, attempts));
}

async fn any_failing_status_may_ask_for_a_pause(harness: TestHarness) {
    harness.endpoint().await;
    for (call, status) in ["302 Found", "403 No", "500 Broken", "503 Busy"].into_iter().enumerate() {
        let call = u32::try_from(call).unwrap() * 2;
        harness.receiver.next([asks(status, 60)]);
        accept(&harness, call..call + 1).await;
        assert_eq!(harness.run().await, 1, "{status}");
        accept(&harness, call + 1..call + 2).await;
        assert_eq!(harness.run_after_ms(59_000).await, 0, "{status}");
        assert_eq!(harness.run_after_ms(8_000).await, 2, "{status}");
    }
}

async fn a_receiver_that_takes_two_a_second_gets_every_call(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.allow(2);
    for call in 0..60 {
        harness.accept(EventKind::IncomingCall, call).await;
    }
    harness.run().await;
    for _ in 0..50 {
        harness.receiver.allow(2);
        harness.run_after_ms(SECOND_MS + SECOND_MS / 10).await;
    }
    let rows = harness.deliveries().await;
    let delivered = rows.iter().filter(|row| row.status == Status::Delivered).count();
    assert_eq!(delivered, 60, "within a minute, by a receiver that takes two a second");
}

async fn change(harness: &TestHarness, endpoint: &Endpoint, url: String) {
    let form = EndpointInput::of(&harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap().endpoint);
    let form = EndpointInput { url, ..form };
    harness.engine.update_endpoint(&harness.admin, &endpoint.id, &form, None).await.unwrap();
}

async fn a_pause_ends_when_the_endpoint_is_resumed_or_moved(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.next([asks("429 Slow", 3_600)]);
    accept(&harness, 0..1).await;
    assert_eq!(harness.run().await, 1);
    accept(&harness, 1..2).await;
    change(&harness, &endpoint, harness.receiver.url()).await;
    assert_eq!(harness.run().await, 0, "the same server still wants its pause");
    harness.pause(&endpoint.id).await;
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 1, "a user knows better; what was rejected waits for its own time");
    harness.receiver.next([asks("429 Slow", 3_600)]);
    accept(&harness, 2..4).await;
    assert!(harness.run().await > 0);
    change(&harness, &endpoint, format!("{}/moved", harness.receiver.url())).await;
    accept(&harness, 4..5).await;
    assert!(harness.run().await > 0, "another URL, another limit");
}

async fn an_ephemeral_event_that_would_be_late_expires(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([asks("429 Slow", 120)]);
    harness.accept(EventKind::IncomingCall, 0).await;
    harness.run().await;
    let row = harness.only_delivery().await.row;
    assert_eq!((row.status, row.end_reason), (Status::Expired, Some(EndReason::TooLate)));
}

async fn a_burst_over_the_limit_is_one_failure(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.allow(0);
    accept(&harness, 0..8).await;
    // As many as begin before the first response.
    assert!((1..=8).contains(&harness.run().await));
    let health = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap().endpoint.health;
    assert_eq!(health.failures_in_row, 1);
}
