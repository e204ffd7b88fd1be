//! States of deliveries and endpoints, and the transitions that users and responses trigger.

use domain::{
    Error,
    cause::Cause,
    delivery::{Deliveries, Status},
    endpoint::{EndpointState, Endpoints, PauseReason},
    event::EventKind,
    filter::DeliveryFilter,
    retry::EndReason,
};

use crate::{
    harness::{TestHarness, on_both},
    receiver::Reply,
};

on_both! { a_paused_endpoint_holds_its_events_and_drains_in_order ephemeral_events_held_too_long_expire_when_the_endpoint_resumes ephemeral_events_tried_before_they_expire_keep_their_cause an_expired_delivery_is_counted_as_expired_and_not_as_failed a_410_fails_the_delivery_and_pauses_the_endpoint a_durable_event_fails_after_its_last_attempt a_failed_delivery_is_resent_with_new_attempts_and_the_same_id resending_a_waiting_delivery_retries_it_now cancelling_a_waiting_delivery_unblocks_its_call deleting_an_endpoint_cancels_its_waiting_deliveries an_endpoint_is_failing_after_ten_failures_and_recovers pausing_between_attempts_stops_the_retries }

async fn a_paused_endpoint_holds_its_events_and_drains_in_order(harness: TestHarness) {
    let endpoint = harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.pause(&endpoint.id).await;
    for kind in EventKind::ALL {
        harness.accept(kind, 1).await;
    }
    assert_eq!(harness.run().await, 0);
    let rows = harness.deliveries().await;
    assert!(rows.iter().all(|row| row.status == Status::Held));
    assert_eq!(rows[0].failure.as_ref().map(|f| f.cause), Some(Cause::NotSentPaused));
    let summary = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!((summary.waiting, summary.endpoint.pause_reason), (3, Some(PauseReason::User)));
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run_after_ms(3_600_000).await, 3);
    assert_eq!(harness.receiver.kinds(), ["IncomingCall", "OutgoingCall", "CallProcessed"]);
}

async fn ephemeral_events_held_too_long_expire_when_the_endpoint_resumes(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.clock.step_ms(61_000);
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 1);
    let rows = harness.deliveries().await;
    assert_eq!((rows[0].status, rows[0].end_reason), (Status::Expired, Some(EndReason::TooLate)));
    assert_eq!(rows[1].status, Status::Delivered);
}

async fn ephemeral_events_tried_before_they_expire_keep_their_cause(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    harness.pause(&endpoint.id).await;
    harness.clock.step_ms(61_000);
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 0);
    let row = harness.only_delivery().await.row;
    assert_eq!((row.status, row.end_reason), (Status::Expired, Some(EndReason::TooLate)));
    assert_eq!((row.status_code, row.attempts), (Some(500), 1));
    let sentence = row.sentence(harness.now());
    assert!(sentence.ends_with(". Last failure: Server error (500)"), "{sentence}");
    let by_cause = DeliveryFilter::parse("?cause=http_5xx");
    assert_eq!(harness.engine.deliveries(&harness.admin, &by_cause).await.unwrap().rows.len(), 1);
}

async fn an_expired_delivery_is_counted_as_expired_and_not_as_failed(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.usually(Reply::Status(500));
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.receiver.next([Reply::Status(410)]);
    harness.accept(EventKind::CallProcessed, 2).await;
    harness.run().await;
    let counts = harness.engine.delivery_counts(&harness.admin, &DeliveryFilter::default()).await.unwrap();
    let counted = (counts.matching, counts.failed, counts.expired);
    assert_eq!(counted, (3, 1, 1), "{:?}", harness.deliveries().await);
    let summary = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!(summary.failed_24h, counts.failed, "the endpoint's row and the list agree");
}

async fn a_410_fails_the_delivery_and_pauses_the_endpoint(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.next([Reply::Status(410)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.accept(EventKind::CallProcessed, 2).await;
    assert_eq!(harness.run().await, 0);
    let rows = harness.deliveries().await;
    assert_eq!((rows[0].status, rows[0].end_reason), (Status::Failed, Some(EndReason::Gone)));
    assert_eq!(rows[1].status, Status::Held);
    let paused = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap().endpoint;
    assert_eq!((paused.state, paused.pause_reason), (EndpointState::Paused, Some(PauseReason::Gone)));
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 1);
}

async fn a_durable_event_fails_after_its_last_attempt(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.usually(Reply::Status(500));
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    for _ in 0..11 {
        let next = harness.only_delivery().await.row.next_attempt_at.unwrap();
        assert_eq!(harness.run_after_ms(next.since_ms(harness.now())).await, 1);
    }
    assert_eq!(harness.run_after_ms(27 * 3_600_000).await, 0);
    let row = harness.only_delivery().await.row;
    assert_eq!((row.status, row.end_reason, row.attempts), (Status::Failed, Some(EndReason::Exhausted), 12));
    assert_eq!(row.sentence(harness.now()), "Server error (500)");
}

async fn a_failed_delivery_is_resent_with_new_attempts_and_the_same_id(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    harness.run_after_ms(61_000).await;
    let id = harness.only_delivery().await.row.id;
    harness.engine.resend(&harness.admin, &id).await.unwrap();
    assert_eq!(harness.run().await, 1, "a resent delivery counts as fresh");
    let row = harness.delivery(&id).await;
    assert_eq!((row.status, row.attempts, row.attempts_before), (Status::Delivered, 2, 1));
    let ids: Vec<_> = harness.receiver.received().iter().map(|r| r.header("webhook-id")).collect();
    assert_eq!(ids[0], ids[1]);
}

async fn resending_a_waiting_delivery_retries_it_now(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let id = harness.only_delivery().await.row.id;
    harness.engine.resend(&harness.admin, &id).await.unwrap();
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.delivery(&id).await.status, Status::Delivered);
}

async fn cancelling_a_waiting_delivery_unblocks_its_call(harness: TestHarness) {
    harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    let first = harness.deliveries().await[0].id.clone();
    harness.engine.cancel_delivery(&harness.admin, &first).await.unwrap();
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.delivery(&first).await.status, Status::Cancelled);
    assert!(matches!(harness.engine.cancel_delivery(&harness.admin, &first).await, Err(Error::Conflict { .. })));
    assert_eq!(harness.receiver.kinds(), ["IncomingCall", "CallProcessed"]);
}

async fn deleting_an_endpoint_cancels_its_waiting_deliveries(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    assert_eq!(harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap(), 1);
    assert_eq!(harness.run_after_ms(60_000).await, 0);
    let row = harness.only_delivery().await.row;
    assert_eq!((row.status, row.end_reason), (Status::Cancelled, Some(EndReason::EndpointDeleted)));
    assert!(matches!(harness.engine.resend(&harness.admin, &row.id).await, Err(Error::Conflict { .. })));
    assert_eq!(harness.accept(EventKind::CallProcessed, 2).await.deliveries, 0);
    assert!(harness.engine.endpoints(&harness.admin).await.unwrap().is_empty());
}

async fn an_endpoint_is_failing_after_ten_failures_and_recovers(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.usually(Reply::Status(500));
    for call in 0..10 {
        harness.accept(EventKind::CallProcessed, call).await;
        harness.run().await;
    }
    let health = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap();
    assert!(health.endpoint.health.is_failing(harness.now()));
    assert_eq!(health.failure.map(|f| f.cause), Some(Cause::Http5xx));
    harness.receiver.usually(Reply::Status(200));
    harness.run_after_ms(6_000).await;
    let health = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!(health.endpoint.health.failures_in_row, 0);
    assert!(health.endpoint.health.last_success_at.is_some() && health.failure.is_none());
}

async fn pausing_between_attempts_stops_the_retries(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.pause(&endpoint.id).await;
    assert_eq!(harness.run_after_ms(60_000).await, 0);
    assert_eq!(harness.only_delivery().await.row.status, Status::Held);
    let refused = harness.engine.send_test(&harness.admin, &endpoint.id, EventKind::IncomingCall, None).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 1);
}
