//! The ways of a delivery: always the first one of its bed.

use domain::{delivery::Deliveries as _, endpoint::Endpoints as _, event::EventKind, id::DeliveryId};

use super::{Walk, walk};
use crate::{bed::Bed, receiver::Reply};

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

async fn stands(bed: &Bed) -> String {
    let state = "SELECT state || CASE WHEN end_reason IS NULL THEN '' ELSE ' (' || end_reason || ')' END \
                 FROM deliveries ORDER BY id LIMIT 1";
    bed.text(state).await
}

async fn id(bed: &Bed) -> DeliveryId {
    bed.deliveries().await[0].id.clone()
}

/// An endpoint with one delivery of this kind that stands there.
async fn bring(bed: &Bed, to: &str, kind: EventKind) {
    let endpoint = bed.endpoint().await.id;
    match to {
        "queued" | "delivered" => {}
        "retrying" => bed.receiver.next([Reply::Status(500)]),
        "failed" => bed.receiver.next([Reply::Status(410)]),
        "expired" | "cancelled" => bed.pause(&endpoint).await,
        other => panic!("a delivery is never {other}"),
    }
    bed.accept(kind, 1).await;
    match to {
        "queued" => {}
        "expired" => bed.clock.step_ms(61_000),
        "cancelled" => bed.engine.cancel_delivery(&bed.admin, &id(bed).await).await.unwrap(),
        _ => assert_eq!(bed.run().await, 1),
    }
    if matches!(to, "failed" | "expired" | "cancelled") {
        bed.resume(&endpoint).await;
        bed.run().await;
    }
    assert_eq!(stands(bed).await.split(' ').next(), Some(to));
}

async fn accepted(bed: Bed, _: &str) -> String {
    bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    stands(&bed).await
}

async fn answered_well(bed: Bed, from: &str) -> String {
    bring(&bed, from, EventKind::CallProcessed).await;
    assert_eq!(bed.run_after_ms(A_WHILE_MS).await, 1);
    stands(&bed).await
}

async fn answered_badly(bed: Bed, from: &str) -> String {
    bring(&bed, from, EventKind::CallProcessed).await;
    bed.receiver.next([Reply::HangUp]);
    assert_eq!(bed.run_after_ms(A_WHILE_MS).await, 1);
    stands(&bed).await
}

async fn answered_badly_for_the_last_time(bed: Bed, from: &str) -> String {
    bring(&bed, from, EventKind::CallProcessed).await;
    bed.receiver.usually(Reply::Status(500));
    for _ in 0..11 {
        assert_eq!(stands(&bed).await, from);
        let next = bed.only_delivery().await.row.next_attempt_at.unwrap();
        assert_eq!(bed.run_after_ms(next.since_ms(bed.now())).await, 1);
    }
    stands(&bed).await
}

async fn gone(bed: Bed, from: &str) -> String {
    bring(&bed, from, EventKind::CallProcessed).await;
    bed.receiver.next([Reply::Status(410)]);
    assert_eq!(bed.run_after_ms(A_WHILE_MS).await, 1);
    stands(&bed).await
}

async fn cannot_be_sent(bed: Bed, from: &str) -> String {
    bring(&bed, from, EventKind::CallProcessed).await;
    bed.execute("UPDATE endpoints SET auth_token_sealed = secret_sealed").await.unwrap();
    assert_eq!(bed.run_after_ms(A_WHILE_MS).await, 0, "nothing goes out");
    stands(&bed).await
}

async fn too_late(bed: Bed, from: &str) -> String {
    bring(&bed, from, EventKind::IncomingCall).await;
    if from == "queued" {
        let later = "HTTP/1.1 503 Later\r\nretry-after: 90\r\ncontent-length: 0\r\n\r\n";
        bed.receiver.next([Reply::Bytes(later.into())]);
        assert_eq!(bed.run().await, 1);
    } else {
        assert_eq!(bed.run_after_ms(61_000).await, 0);
    }
    stands(&bed).await
}

async fn overtaken(bed: Bed, from: &str) -> String {
    bring(&bed, from, EventKind::IncomingCall).await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    if from == "queued" {
        bed.run().await;
    }
    stands(&bed).await
}

async fn cancelled(bed: Bed, from: &str) -> String {
    bring(&bed, from, EventKind::CallProcessed).await;
    // What is fresh is in the sender's hands until its endpoint pauses.
    let endpoint = bed.deliveries().await[0].endpoint_id.clone();
    bed.pause(&endpoint).await;
    bed.engine.cancel_delivery(&bed.admin, &id(&bed).await).await.unwrap();
    stands(&bed).await
}

async fn endpoint_deleted(bed: Bed, from: &str) -> String {
    bring(&bed, from, EventKind::CallProcessed).await;
    let endpoint = bed.deliveries().await[0].endpoint_id.clone();
    bed.engine.delete_endpoint(&bed.admin, &endpoint).await.unwrap();
    stands(&bed).await
}

async fn resent(bed: Bed, from: &str) -> String {
    let kind = if from == "expired" { EventKind::IncomingCall } else { EventKind::CallProcessed };
    bring(&bed, from, kind).await;
    bed.engine.resend(&bed.admin, &id(&bed).await).await.unwrap();
    let stands = stands(&bed).await;
    let before = bed.receiver.received().len();
    assert_eq!(bed.run().await, 1, "and it goes out");
    assert_eq!(bed.receiver.received().len(), before + 1);
    stands
}

async fn hurried(bed: Bed, from: &str) -> String {
    bring(&bed, from, EventKind::CallProcessed).await;
    bed.engine.resend(&bed.admin, &id(&bed).await).await.unwrap();
    let stands = stands(&bed).await;
    assert_eq!(bed.run().await, 1, "without waiting for its time");
    stands
}

async fn put_back(bed: Bed, from: &str) -> String {
    let kind = if from == "expired" { EventKind::IncomingCall } else { EventKind::CallProcessed };
    bring(&bed, from, kind).await;
    let endpoint = bed.deliveries().await[0].endpoint_id.clone();
    crate::recover::start(&bed, &endpoint, &crate::recover::form()).await;
    bed.clock.step_ms(100);
    assert_eq!(crate::recover::round(&bed.engine).await, 1);
    stands(&bed).await
}
