//! Transitions of a delivery: always the harness's first one.

use domain::{
    delivery::Deliveries as _, endpoint::Endpoints as _, event::EventKind, id::DeliveryId, recover::Recovery as _,
};

use super::{Test, transition};
use crate::{harness::TestHarness, parked, receiver::Reply};

pub(super) const TRANSITIONS: [(&str, Test); 18] = [
    transition!("an event is accepted and the endpoint is subscribed to it", accepted),
    transition!("an ephemeral event is accepted after its call's CallProcessed", superseded_on_arrival),
    transition!("2xx", succeeds),
    transition!("any other response, or none, with retries left", fails),
    transition!("a failing response that asks for a pause: 429, or Retry-After", throttled),
    transition!("the same after the last attempt", fails_for_the_last_time),
    transition!("410", gone),
    transition!("it cannot be sent: its credentials cannot be decrypted, or its payload is gone", unsendable),
    transition!("its outcome cannot be recorded; it is parked", unrecordable),
    transition!("an ephemeral event whose next attempt would be more than 60 s after acceptance", expires),
    transition!("an ephemeral event that failed, with the call's CallProcessed behind it", superseded),
    transition!(
        "a durable call-start event that has given up its order, when the call's CallProcessed becomes due",
        superseded_by_the_end
    ),
    transition!("cancel", cancelled),
    transition!("the endpoint is deleted", endpoint_deleted),
    transition!("resend, while its endpoint exists and its payload is kept", resent),
    transition!("retry now, or resend, of a delivery that is waiting for a retry", retried_now),
    transition!("a job retries it", retried_by_job),
    transition!("a recovery job resends it", recovered),
];

/// Longer than the first retry delay of any policy, shorter than an ephemeral event stays fresh.
const A_WHILE_MS: i64 = 6_000;

async fn state(harness: &TestHarness) -> String {
    let query = "SELECT state || CASE WHEN end_reason IS NULL THEN '' ELSE ' (' || end_reason || ')' END \
                 FROM deliveries ORDER BY id LIMIT 1";
    harness.text(query).await
}

async fn id(harness: &TestHarness) -> DeliveryId {
    harness.deliveries().await[0].id.clone()
}

/// Creates an endpoint with one delivery of this kind in that state.
async fn set_up(harness: &TestHarness, to: &str, kind: EventKind) {
    let endpoint = harness.endpoint().await.id;
    match to {
        "queued" | "delivered" => {}
        "retrying" => harness.receiver.next([Reply::Status(500)]),
        "failed" => harness.receiver.next([Reply::Status(410)]),
        "expired" | "cancelled" => harness.pause(&endpoint).await,
        other => panic!("a delivery is never {other}"),
    }
    harness.accept(kind, 1).await;
    match to {
        "queued" => {}
        "expired" => harness.clock.step_ms(61_000),
        "cancelled" => harness.engine.cancel_delivery(&harness.admin, &id(harness).await).await.unwrap(),
        _ => assert_eq!(harness.run().await, 1),
    }
    if matches!(to, "failed" | "expired" | "cancelled") {
        harness.resume(&endpoint).await;
        harness.run().await;
    }
    assert_eq!(state(harness).await.split(' ').next(), Some(to));
}

async fn accepted(harness: TestHarness, _: &str) -> String {
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    state(&harness).await
}

async fn superseded_on_arrival(harness: TestHarness, _: &str) -> String {
    let endpoint = harness.endpoint().await.id;
    harness.accept(EventKind::CallProcessed, 1).await;
    let is_sent_first = harness.run().await == 1;
    assert!(is_sent_first && harness.receiver.kinds() == ["CallProcessed"]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.accept(EventKind::OutgoingCall, 2).await;
    assert_eq!(harness.run().await, 1, "only that of the other call");
    let rows = harness.deliveries().await;
    let ended = rows.iter().find(|row| row.kind == EventKind::IncomingCall).unwrap();
    assert!(ended.endpoint_id == endpoint && ended.finished_at.is_some(), "{ended:?}");
    harness
        .text(
            "SELECT state || ' (' || end_reason || ')' FROM deliveries WHERE kind = 'IncomingCall' AND due_ms IS NULL \
             AND lease_owner IS NULL",
        )
        .await
}

async fn succeeds(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    assert_eq!(harness.run_after_ms(A_WHILE_MS).await, 1);
    state(&harness).await
}

async fn fails(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    // Twice: a connection that was idle is replaced at once.
    harness.receiver.next([Reply::HangUp, Reply::HangUp]);
    assert_eq!(harness.run_after_ms(A_WHILE_MS).await, 1);
    state(&harness).await
}

async fn throttled(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    harness.receiver.next([Reply::TooMany]);
    assert_eq!(harness.run_after_ms(A_WHILE_MS).await, 1);
    state(&harness).await
}

async fn fails_for_the_last_time(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    harness.receiver.usually(Reply::Status(500));
    for _ in 0..11 {
        assert_eq!(state(&harness).await, from);
        let next = harness.only_delivery().await.row.next_attempt_at.unwrap();
        assert_eq!(harness.run_after_ms(next.since_ms(harness.now())).await, 1);
    }
    state(&harness).await
}

async fn gone(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    harness.receiver.next([Reply::Status(410)]);
    assert_eq!(harness.run_after_ms(A_WHILE_MS).await, 1);
    state(&harness).await
}

async fn unsendable(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    harness.execute("UPDATE endpoints SET auth_token_sealed = secret_sealed").await.unwrap();
    assert_eq!(harness.run_after_ms(A_WHILE_MS).await, 0, "nothing is sent");
    state(&harness).await
}

async fn unrecordable(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    parked::refuse(&harness, "INSERT", "attempts", "NEW.number > 0".into()).await;
    harness.run_after_ms(A_WHILE_MS).await;
    state(&harness).await
}

async fn expires(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::IncomingCall).await;
    if from == "queued" {
        let later = "HTTP/1.1 503 Later\r\nretry-after: 90\r\ncontent-length: 0\r\n\r\n";
        harness.receiver.next([Reply::Bytes(later.into())]);
        assert_eq!(harness.run().await, 1);
    } else {
        assert_eq!(harness.run_after_ms(61_000).await, 0);
    }
    state(&harness).await
}

async fn superseded(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::IncomingCall).await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    if from == "queued" {
        harness.run().await;
    }
    state(&harness).await
}

async fn superseded_by_the_end(harness: TestHarness, from: &str) -> String {
    harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.receiver.next([Reply::Status(400)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    assert_eq!(harness.run().await, 1);
    assert_eq!(state(&harness).await, from);
    harness.accept(EventKind::CallProcessed, 1).await;
    state(&harness).await
}

async fn cancelled(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    // A fresh delivery stays leased until its endpoint is paused.
    let endpoint = harness.deliveries().await[0].endpoint_id.clone();
    harness.pause(&endpoint).await;
    harness.engine.cancel_delivery(&harness.admin, &id(&harness).await).await.unwrap();
    state(&harness).await
}

async fn endpoint_deleted(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    let endpoint = harness.deliveries().await[0].endpoint_id.clone();
    harness.engine.delete_endpoint(&harness.admin, &endpoint).await.unwrap();
    state(&harness).await
}

async fn resent(harness: TestHarness, from: &str) -> String {
    let kind = if from == "expired" { EventKind::IncomingCall } else { EventKind::CallProcessed };
    set_up(&harness, from, kind).await;
    harness.engine.resend(&harness.admin, &id(&harness).await).await.unwrap();
    let state = state(&harness).await;
    let before = harness.receiver.received().len();
    assert_eq!(harness.run().await, 1, "and it is sent");
    assert_eq!(harness.receiver.received().len(), before + 1);
    state
}

async fn retried_now(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    harness.engine.retry_delivery(&harness.admin, &id(&harness).await).await.unwrap();
    harness.engine.resend(&harness.admin, &id(&harness).await).await.unwrap();
    let state = state(&harness).await;
    assert_eq!(harness.run().await, 1, "without waiting for its time");
    state
}

async fn retried_by_job(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, EventKind::CallProcessed).await;
    harness.clock.step_ms(1);
    let endpoint = harness.deliveries().await[0].endpoint_id.clone();
    harness.engine.retry_endpoint(&harness.admin, &endpoint, None).await.unwrap();
    harness.clock.step_ms(100);
    assert_eq!(crate::recover::round(&harness.engine).await, 1);
    let state = state(&harness).await;
    assert_eq!(harness.run().await, 1, "without waiting for its time");
    state
}

async fn recovered(harness: TestHarness, from: &str) -> String {
    let kind = if from == "expired" { EventKind::IncomingCall } else { EventKind::CallProcessed };
    set_up(&harness, from, kind).await;
    let endpoint = harness.deliveries().await[0].endpoint_id.clone();
    crate::recover::start(&harness, &endpoint, &crate::recover::form()).await;
    harness.clock.step_ms(100);
    assert_eq!(crate::recover::round(&harness.engine).await, 1);
    state(&harness).await
}
