//! The states of deliveries and endpoints, and every way between them that a person or an answer takes.

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
    bed::{Bed, on_both},
    receiver::Reply,
};

on_both! {
    a_paused_endpoint_holds_its_events_and_drains_in_order
    news_held_too_long_expire_when_the_endpoint_resumes
    news_that_were_tried_before_they_were_too_late_keep_their_cause
    an_expired_delivery_is_counted_as_expired_and_not_as_failed
    a_410_fails_the_delivery_and_pauses_the_endpoint
    a_record_fails_when_all_tries_are_used
    a_failed_delivery_is_resent_with_new_tries_and_the_same_id
    a_waiting_delivery_is_hurried_by_a_resend
    a_waiting_delivery_can_be_cancelled_and_its_call_goes_on
    deleting_an_endpoint_cancels_what_waits
    an_endpoint_is_failing_after_ten_failures_and_recovers
    pausing_between_attempts_stops_the_retries
}

async fn a_paused_endpoint_holds_its_events_and_drains_in_order(bed: Bed) {
    let endpoint = bed.endpoint_with(|form| form.deliver_late = true).await;
    bed.pause(&endpoint.id).await;
    for kind in EventKind::ALL {
        bed.accept(kind, 1).await;
    }
    assert_eq!(bed.run().await, 0);
    let rows = bed.deliveries().await;
    assert!(rows.iter().all(|row| row.status == Status::Held));
    assert_eq!(rows[0].failure.as_ref().map(|f| f.cause), Some(Cause::NotSentPaused));
    let summary = bed.engine.endpoint(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!((summary.waiting, summary.endpoint.pause_reason), (3, Some(PauseReason::Person)));
    bed.resume(&endpoint.id).await;
    assert_eq!(bed.run_after_ms(3_600_000).await, 3);
    assert_eq!(bed.receiver.kinds(), ["IncomingCall", "OutgoingCall", "CallProcessed"]);
}

async fn news_held_too_long_expire_when_the_endpoint_resumes(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.clock.step_ms(61_000);
    bed.resume(&endpoint.id).await;
    assert_eq!(bed.run().await, 1);
    let rows = bed.deliveries().await;
    assert_eq!((rows[0].status, rows[0].end_reason), (Status::Expired, Some(EndReason::TooLate)));
    assert_eq!(rows[1].status, Status::Delivered);
}

async fn news_that_were_tried_before_they_were_too_late_keep_their_cause(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.run().await;
    bed.pause(&endpoint.id).await;
    bed.clock.step_ms(61_000);
    bed.resume(&endpoint.id).await;
    assert_eq!(bed.run().await, 0);
    let row = bed.only_delivery().await.row;
    assert_eq!((row.status, row.end_reason), (Status::Expired, Some(EndReason::TooLate)));
    assert_eq!((row.status_code, row.attempts), (Some(500), 1));
    let said = row.sentence(bed.now());
    assert!(said.ends_with(". Before: Error in your server (500)"), "{said}");
    let by_cause = DeliveryFilter::parse("?cause=http_5xx");
    assert_eq!(bed.engine.deliveries(&bed.admin, &by_cause).await.unwrap().rows.len(), 1);
}

async fn an_expired_delivery_is_counted_as_expired_and_not_as_failed(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.receiver.usually(Reply::Status(500));
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.receiver.next([Reply::Status(410)]);
    bed.accept(EventKind::CallProcessed, 2).await;
    bed.run().await;
    let counts = bed.engine.delivery_counts(&bed.admin, &DeliveryFilter::default()).await.unwrap();
    let said = (counts.matching, counts.failed, counts.expired);
    assert_eq!(said, (3, 1, 1), "{:?}", bed.deliveries().await);
    let summary = bed.engine.endpoint(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!(summary.failed_24h, counts.failed, "the endpoint's row says what the list says");
}

async fn a_410_fails_the_delivery_and_pauses_the_endpoint(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.receiver.next([Reply::Status(410)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.accept(EventKind::CallProcessed, 2).await;
    assert_eq!(bed.run().await, 0);
    let rows = bed.deliveries().await;
    assert_eq!((rows[0].status, rows[0].end_reason), (Status::Failed, Some(EndReason::Gone)));
    assert_eq!(rows[1].status, Status::Held);
    let paused = bed.engine.endpoint(&bed.admin, &endpoint.id).await.unwrap().endpoint;
    assert_eq!((paused.state, paused.pause_reason), (EndpointState::Paused, Some(PauseReason::Gone)));
    bed.resume(&endpoint.id).await;
    assert_eq!(bed.run().await, 1);
}

async fn a_record_fails_when_all_tries_are_used(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.usually(Reply::Status(500));
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    for _ in 0..11 {
        let next = bed.only_delivery().await.row.next_attempt_at.unwrap();
        assert_eq!(bed.run_after_ms(next.since_ms(bed.now())).await, 1);
    }
    assert_eq!(bed.run_after_ms(27 * 3_600_000).await, 0);
    let row = bed.only_delivery().await.row;
    assert_eq!((row.status, row.end_reason, row.attempts), (Status::Failed, Some(EndReason::Exhausted), 12));
    assert_eq!(row.sentence(bed.now()), "Error in your server (500)");
}

async fn a_failed_delivery_is_resent_with_new_tries_and_the_same_id(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.run().await;
    bed.run_after_ms(61_000).await;
    let id = bed.only_delivery().await.row.id;
    bed.engine.resend(&bed.admin, &id).await.unwrap();
    assert_eq!(bed.run().await, 1, "a resend is fresh again");
    let row = bed.delivery(&id).await;
    assert_eq!((row.status, row.attempts, row.attempts_before), (Status::Delivered, 2, 1));
    let ids: Vec<_> = bed.receiver.received().iter().map(|r| r.header("webhook-id")).collect();
    assert_eq!(ids[0], ids[1]);
}

async fn a_waiting_delivery_is_hurried_by_a_resend(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    let id = bed.only_delivery().await.row.id;
    bed.engine.resend(&bed.admin, &id).await.unwrap();
    assert_eq!(bed.run().await, 1);
    assert_eq!(bed.delivery(&id).await.status, Status::Delivered);
}

async fn a_waiting_delivery_can_be_cancelled_and_its_call_goes_on(bed: Bed) {
    bed.endpoint_with(|form| form.deliver_late = true).await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.run().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    let first = bed.deliveries().await[0].id.clone();
    bed.engine.cancel_delivery(&bed.admin, &first).await.unwrap();
    assert_eq!(bed.run().await, 1);
    assert_eq!(bed.delivery(&first).await.status, Status::Cancelled);
    assert!(matches!(bed.engine.cancel_delivery(&bed.admin, &first).await, Err(Error::Conflict { .. })));
    assert_eq!(bed.receiver.kinds(), ["IncomingCall", "CallProcessed"]);
}

async fn deleting_an_endpoint_cancels_what_waits(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    assert_eq!(bed.engine.delete_endpoint(&bed.admin, &endpoint.id).await.unwrap(), 1);
    assert_eq!(bed.run_after_ms(60_000).await, 0);
    let row = bed.only_delivery().await.row;
    assert_eq!((row.status, row.end_reason), (Status::Cancelled, Some(EndReason::EndpointDeleted)));
    assert!(matches!(bed.engine.resend(&bed.admin, &row.id).await, Err(Error::Conflict { .. })));
    assert_eq!(bed.accept(EventKind::CallProcessed, 2).await.deliveries, 0);
    assert!(bed.engine.endpoints(&bed.admin).await.unwrap().is_empty());
}

async fn an_endpoint_is_failing_after_ten_failures_and_recovers(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.receiver.usually(Reply::Status(500));
    for call in 0..10 {
        bed.accept(EventKind::CallProcessed, call).await;
        bed.run().await;
    }
    let health = bed.engine.endpoint(&bed.admin, &endpoint.id).await.unwrap();
    assert!(health.endpoint.health.is_failing(bed.now()));
    assert_eq!(health.failure.map(|f| f.cause), Some(Cause::Http5xx));
    bed.receiver.usually(Reply::Status(200));
    bed.run_after_ms(6_000).await;
    let health = bed.engine.endpoint(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!(health.endpoint.health.failures_in_row, 0);
    assert!(health.endpoint.health.last_success_at.is_some() && health.failure.is_none());
}

async fn pausing_between_attempts_stops_the_retries(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.pause(&endpoint.id).await;
    assert_eq!(bed.run_after_ms(60_000).await, 0);
    assert_eq!(bed.only_delivery().await.row.status, Status::Held);
    let refused = bed.engine.send_test(&bed.admin, &endpoint.id, EventKind::IncomingCall, None).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
    bed.resume(&endpoint.id).await;
    assert_eq!(bed.run().await, 1);
}
