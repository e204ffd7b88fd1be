//! The ways of a delivery: always the first one of its harness.

use domain::{delivery::Deliveries as _, endpoint::Endpoints as _, event::EventKind, id::DeliveryId};

use super::{Walk, walk};
use crate::{harness::TestHarness, receiver::Reply};

pub const WALKS: [(&str, Walk); 13] = [
    walk!("an event is accepted and the endpoint listens", accepted),
    walk!("2xx", answered_well),
    walk!("any other answer, or none; tries left and worth it", answered_badly),
    walk!("the same after the last try", answered_badly_for_the_last_time),
    walk!("410", gone),
    walk!("it cannot be sent: its credentials do not open, or its payload is gone", cannot_be_sent),
    walk!("news whose next try would come more than 60 s after acceptance", too_late),
    walk!("news that failed, with the call's CallProcessed behind it", overtaken),
    walk!("cancel", cancelled),
    walk!("the endpoint is deleted", endpoint_deleted),
    walk!("resend, its endpoint exists and its payload is kept", resent),
    walk!("resend of one that waits", hurried),
    walk!("a job puts it back", put_back),
];

/// Longer than the first wait of any rhythm, shorter than news are fresh.
const A_WHILE_MS: i64 = 6_000;

async fn stands(harness: &TestHarness) -> String {
    let state = "SELECT state || CASE WHEN end_reason IS NULL THEN '' ELSE ' (' || end_reason || ')' END \
                 FROM deliveries ORDER BY id LIMIT 1";
    harness.text(state).await
}

async fn id(harness: &TestHarness) -> DeliveryId {
    harness.deliveries().await[0].id.clone()
}

/// An endpoint with one delivery of this kind that stands there.
async fn bring(harness: &TestHarness, to: &str, kind: EventKind) {
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
    assert_eq!(stands(harness).await.split(' ').next(), Some(to));
}

async fn accepted(harness: TestHarness, _: &str) -> String {
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    stands(&harness).await
}

async fn answered_well(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, EventKind::CallProcessed).await;
    assert_eq!(harness.run_after_ms(A_WHILE_MS).await, 1);
    stands(&harness).await
}

async fn answered_badly(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, EventKind::CallProcessed).await;
    harness.receiver.next([Reply::HangUp]);
    assert_eq!(harness.run_after_ms(A_WHILE_MS).await, 1);
    stands(&harness).await
}

async fn answered_badly_for_the_last_time(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, EventKind::CallProcessed).await;
    harness.receiver.usually(Reply::Status(500));
    for _ in 0..11 {
        assert_eq!(stands(&harness).await, from);
        let next = harness.only_delivery().await.row.next_attempt_at.unwrap();
        assert_eq!(harness.run_after_ms(next.since_ms(harness.now())).await, 1);
    }
    stands(&harness).await
}

async fn gone(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, EventKind::CallProcessed).await;
    harness.receiver.next([Reply::Status(410)]);
    assert_eq!(harness.run_after_ms(A_WHILE_MS).await, 1);
    stands(&harness).await
}

async fn cannot_be_sent(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, EventKind::CallProcessed).await;
    harness.execute("UPDATE endpoints SET auth_token_sealed = secret_sealed").await.unwrap();
    assert_eq!(harness.run_after_ms(A_WHILE_MS).await, 0, "nothing goes out");
    stands(&harness).await
}

async fn too_late(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, EventKind::IncomingCall).await;
    if from == "queued" {
        let later = "HTTP/1.1 503 Later\r\nretry-after: 90\r\ncontent-length: 0\r\n\r\n";
        harness.receiver.next([Reply::Bytes(later.into())]);
        assert_eq!(harness.run().await, 1);
    } else {
        assert_eq!(harness.run_after_ms(61_000).await, 0);
    }
    stands(&harness).await
}

async fn overtaken(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, EventKind::IncomingCall).await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    if from == "queued" {
        harness.run().await;
    }
    stands(&harness).await
}

async fn cancelled(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, EventKind::CallProcessed).await;
    // What is fresh is in the sender's hands until its endpoint pauses.
    let endpoint = harness.deliveries().await[0].endpoint_id.clone();
    harness.pause(&endpoint).await;
    harness.engine.cancel_delivery(&harness.admin, &id(&harness).await).await.unwrap();
    stands(&harness).await
}

async fn endpoint_deleted(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, EventKind::CallProcessed).await;
    let endpoint = harness.deliveries().await[0].endpoint_id.clone();
    harness.engine.delete_endpoint(&harness.admin, &endpoint).await.unwrap();
    stands(&harness).await
}

async fn resent(harness: TestHarness, from: &str) -> String {
    let kind = if from == "expired" { EventKind::IncomingCall } else { EventKind::CallProcessed };
    bring(&harness, from, kind).await;
    harness.engine.resend(&harness.admin, &id(&harness).await).await.unwrap();
    let stands = stands(&harness).await;
    let before = harness.receiver.received().len();
    assert_eq!(harness.run().await, 1, "and it goes out");
    assert_eq!(harness.receiver.received().len(), before + 1);
    stands
}

async fn hurried(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, EventKind::CallProcessed).await;
    harness.engine.resend(&harness.admin, &id(&harness).await).await.unwrap();
    let stands = stands(&harness).await;
    assert_eq!(harness.run().await, 1, "without waiting for its time");
    stands
}

async fn put_back(harness: TestHarness, from: &str) -> String {
    let kind = if from == "expired" { EventKind::IncomingCall } else { EventKind::CallProcessed };
    bring(&harness, from, kind).await;
    let endpoint = harness.deliveries().await[0].endpoint_id.clone();
    crate::recover::start(&harness, &endpoint, &crate::recover::form()).await;
    harness.clock.step_ms(100);
    assert_eq!(crate::recover::round(&harness.engine).await, 1);
    stands(&harness).await
}
