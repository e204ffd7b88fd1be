//! Order within a call (G4), and its end overtaking its ephemeral events.

use std::sync::Arc;

use domain::{
    Error,
    delivery::{Deliveries as _, Status},
    event::EventKind,
    order::OrderGivenUp,
    retry::EndReason,
    time::MINUTE_MS,
};
use futures::future::join_all;
use tokio::sync::Semaphore;

use crate::{
    harness::{On, TestHarness, call_id, on_both},
    receiver::Reply,
};

on_both! { events_of_a_call_are_sent_in_the_order_they_were_accepted a_later_event_waits_for_an_earlier_one_of_its_call the_end_of_a_call_overtakes_ephemeral_events_waiting_for_a_retry ephemeral_events_that_fail_while_the_end_waits_are_superseded with_deliver_late_the_end_waits_for_earlier_events calls_do_not_wait_for_each_other fifty_calls_arrive_complete_and_in_order_though_every_fifth_response_is_a_500 after_a_definite_4xx_the_next_event_of_the_call_goes a_request_to_come_back_later_keeps_the_order after_two_minutes_without_success_the_next_event_of_the_call_goes a_paused_endpoint_does_not_run_out_of_patience a_call_start_event_that_gave_up_its_order_never_follows_the_end the_end_waits_for_a_call_start_event_in_flight_that_gave_up_its_order a_resent_delivery_keeps_the_order_again a_call_with_a_thousand_waiting_events_gets_no_more }

async fn events_of_a_call_are_sent_in_the_order_they_were_accepted(harness: TestHarness) {
    harness.endpoint().await;
    for kind in EventKind::ALL {
        harness.accept(kind, 1).await;
    }
    assert_eq!(harness.run().await, 3);
    assert_eq!(harness.receiver.kinds(), ["IncomingCall", "OutgoingCall", "CallProcessed"]);
}

async fn a_later_event_waits_for_an_earlier_one_of_its_call(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.accept(EventKind::OutgoingCall, 1).await;
    assert_eq!(harness.run().await, 1, "the second waits for the first, which waits for its retry");
    assert_eq!(harness.run_after_ms(1_200).await, 2);
    assert_eq!(harness.receiver.kinds(), ["IncomingCall", "IncomingCall", "OutgoingCall"]);
}

async fn the_end_of_a_call_overtakes_ephemeral_events_waiting_for_a_retry(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 1);
    let rows = harness.deliveries().await;
    assert_eq!((rows[0].status, rows[0].end_reason), (Status::Expired, Some(EndReason::Superseded)));
    assert_eq!(rows[1].status, Status::Delivered);
    assert_eq!(harness.receiver.kinds(), ["IncomingCall", "CallProcessed"]);
    assert_eq!(harness.run_after_ms(60_000).await, 0, "no ephemeral event is sent after the end");
}

async fn ephemeral_events_that_fail_while_the_end_waits_are_superseded(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 2);
    let rows = harness.deliveries().await;
    assert_eq!((rows[0].status, rows[0].end_reason), (Status::Expired, Some(EndReason::Superseded)));
    assert_eq!(rows[1].status, Status::Delivered);
}

async fn with_deliver_late_the_end_waits_for_earlier_events(harness: TestHarness) {
    harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 0);
    assert_eq!(harness.run_after_ms(110_000).await, 2);
    assert_eq!(harness.receiver.kinds(), ["IncomingCall", "IncomingCall", "CallProcessed"]);
}

async fn calls_do_not_wait_for_each_other(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.accept(EventKind::CallProcessed, 2).await;
    assert_eq!(harness.run().await, 1);
    let states: Vec<_> = harness.deliveries().await.iter().map(|row| row.status).collect();
    assert_eq!(states, [Status::Retrying, Status::Delivered]);
}

async fn fifty_calls_arrive_complete_and_in_order_though_every_fifth_response_is_a_500(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.fail_every(5);
    join_all((0..50).map(|call| harness.accept(EventKind::IncomingCall, call))).await;
    // Half a minute of ringing and talking: as long as ephemeral events are retried.
    for _ in 0..16 {
        harness.run().await;
        harness.clock.step_ms(2_100);
    }
    join_all((0..50).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    for _ in 0..30 {
        harness.run().await;
        harness.clock.step_ms(600_000);
    }
    let rows = harness.deliveries().await;
    assert_eq!(rows.iter().filter(|row| row.status == Status::Delivered).count(), 100);
    assert!(rows.iter().any(|row| row.attempts > 1));
    for call in 0..50 {
        let of_call = harness.receiver.received().into_iter().filter(|got| got.body.contains(&call_id(call)));
        let kinds: Vec<String> = of_call.map(|got| got.header("offhook-event").unwrap()).collect();
        assert!(kinds.is_sorted_by_key(|kind| kind == "CallProcessed"), "{kinds:?}");
    }
}

#[tokio::test]
async fn clocks_that_differ_by_two_seconds_do_not_change_the_order() {
    let harness = TestHarness::new(On::Postgres).await;
    let endpoint = harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.pause(&endpoint.id).await;
    // Set after it was measured.
    let (ahead, clock) = harness.another_off_by_ms(0).await;
    clock.step_ms(2_000);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.accept_by(&ahead, EventKind::OutgoingCall, 1).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 3);
    assert_eq!(harness.receiver.kinds(), ["IncomingCall", "OutgoingCall", "CallProcessed"]);
}

#[tokio::test]
async fn a_node_of_the_previous_version_keeps_its_place_in_the_order() {
    let harness = TestHarness::new(On::Postgres).await;
    let endpoint = harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::IncomingCall, 1).await;
    // As that version inserts, without a number, and with an id from a clock that is far behind.
    harness
        .execute(
            "INSERT INTO deliveries (id, account_id, endpoint_id, event_id, kind, call_id, caller, callee, test, state, \
             attempts, attempts_before, fresh_from_ms, created_ms) SELECT 'dlv_00000000000000000000000000', account_id, \
             endpoint_id, event_id, kind, call_id, caller, callee, test, state, 0, 0, fresh_from_ms, created_ms \
             FROM deliveries",
        )
        .await
        .unwrap();
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 3);
    let sent: Vec<_> = harness.receiver.received().iter().map(|got| got.header("offhook-delivery").unwrap()).collect();
    assert_eq!(sent[1], "dlv_00000000000000000000000000");
}

async fn after_a_definite_4xx_the_next_event_of_the_call_goes(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(400)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 2, "the second waited");
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 1, "the third arrived later");
    let rows = harness.deliveries().await;
    assert_eq!((rows[0].status, rows[0].order_given_up), (Status::Retrying, Some(OrderGivenUp::Rejected)));
    assert_eq!((rows[1].status, rows[2].status), (Status::Delivered, Status::Delivered));
    assert_eq!(rows[1].order_given_up, None);
    assert_eq!(harness.run_after_ms(6_000).await, 1, "the first is still retried");
    assert_eq!(harness.deliveries().await[0].status, Status::Delivered);
}

async fn a_request_to_come_back_later_keeps_the_order(harness: TestHarness) {
    harness.endpoint().await;
    for (call, status) in [(1, 408), (2, 425), (3, 500), (4, 302)] {
        harness.receiver.next([Reply::Status(status)]);
        harness.accept(EventKind::CallProcessed, call).await;
        harness.run().await;
        harness.accept(EventKind::CallProcessed, call).await;
        assert_eq!(harness.run().await, 0, "{status}");
    }
    assert!(harness.deliveries().await.iter().all(|row| row.order_given_up.is_none()));
}

async fn after_two_minutes_without_success_the_next_event_of_the_call_goes(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([500, 500, 500].map(Reply::Status));
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 1);
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run_after_ms(6_000).await, 1);
    assert_eq!(harness.run_after_ms(34_000).await, 1);
    assert_eq!(harness.run_after_ms(79_999).await, 0);
    assert_eq!(harness.run_after_ms(1).await, 1);
    let rows = harness.deliveries().await;
    assert_eq!((rows[0].status, rows[0].order_given_up), (Status::Retrying, Some(OrderGivenUp::NoSuccess)));
    assert_eq!(rows[1].status, Status::Delivered);
    assert_eq!(harness.run_after_ms(MINUTE_MS).await, 1, "the first is still retried");
}

async fn a_paused_endpoint_does_not_run_out_of_patience(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.pause(&endpoint.id).await;
    assert_eq!(harness.run_after_ms(10 * MINUTE_MS).await, 0);
    harness.receiver.next([Reply::Status(500)]);
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 1, "the first fails again, and the second waits again");
    assert_eq!(harness.run_after_ms(34_000).await, 2);
    assert!(harness.deliveries().await.iter().all(|row| row.order_given_up.is_none()));
}

async fn a_call_start_event_that_gave_up_its_order_never_follows_the_end(harness: TestHarness) {
    harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.receiver.usually(Reply::Status(400));
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.accept(EventKind::IncomingCall, 2).await;
    harness.accept(EventKind::CallProcessed, 2).await;
    harness.run().await;
    harness.receiver.reset_script();
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run_after_ms(MINUTE_MS).await;
    harness.run_after_ms(60 * MINUTE_MS).await;
    let rows = harness.deliveries().await;
    for start in &rows[..2] {
        assert_eq!((start.status, start.end_reason), (Status::Expired, Some(EndReason::Superseded)));
        assert_eq!(start.attempts, 1);
    }
    assert!(rows[2..].iter().all(|end| end.status == Status::Delivered));
    let kinds = harness.receiver.kinds();
    let last_start = kinds.iter().rposition(|kind| kind == "IncomingCall").unwrap();
    let first_end = kinds.iter().position(|kind| kind == "CallProcessed").unwrap();
    assert!(last_start < first_end, "{kinds:?}");
}

async fn the_end_waits_for_a_call_start_event_in_flight_that_gave_up_its_order(harness: TestHarness) {
    let harness = Arc::new(harness);
    harness.endpoint_with(|form| form.deliver_late = true).await;
    let gate = Arc::new(Semaphore::new(0));
    harness.receiver.next([Reply::Status(400), Reply::Wait(gate.clone())]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    harness.clock.step_ms(6_000);
    let sending = tokio::spawn({
        let harness = harness.clone();
        async move { harness.run().await }
    });
    harness.receiver.has_received(2).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    let due = "SELECT CAST(COUNT(due_ms) AS TEXT) FROM deliveries WHERE kind = 'CallProcessed'";
    assert_eq!(harness.text(due).await, "0", "it would pass the one in flight");
    gate.add_permits(1);
    assert_eq!(sending.await.unwrap(), 2);
    assert_eq!(harness.receiver.kinds(), ["IncomingCall", "IncomingCall", "CallProcessed"]);
}

async fn a_resent_delivery_keeps_the_order_again(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(400)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.run_after_ms(6_000).await;
    let first = harness.deliveries().await.remove(0);
    assert_eq!((first.status, first.order_given_up), (Status::Delivered, Some(OrderGivenUp::Rejected)));
    harness.receiver.next([Reply::Status(500)]);
    harness.engine.resend(&harness.admin, &first.id).await.unwrap();
    harness.run().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 0);
    assert_eq!(harness.deliveries().await[0].order_given_up, None);
}

/// Most open deliveries of one call at an endpoint.
const OPEN_MAX: u32 = 1_000;

async fn a_call_with_a_thousand_waiting_events_gets_no_more(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    let accepted = join_all((0..OPEN_MAX + 10).map(|_| harness.accept_as(EventKind::CallProcessed, 1, None))).await;
    let refused = accepted.iter().filter(|result| matches!(result, Err(Error::LimitReached { .. }))).count();
    assert_eq!(refused, 10);
    let again = harness.accept_as(EventKind::CallProcessed, 1, Some("own-1")).await;
    assert!(matches!(again, Err(Error::LimitReached { .. })), "{again:?}");
    let stored = "SELECT CAST((SELECT COUNT(*) FROM events) AS TEXT) || ' ' || CAST(COUNT(*) AS TEXT) FROM deliveries";
    assert_eq!(harness.text(stored).await, "1000 1000", "a refused event leaves nothing behind");
    harness.accept(EventKind::CallProcessed, 2).await;
    let waiting = harness.deliveries().await.into_iter().find(|row| row.call_id == call_id(1)).unwrap();
    harness.engine.cancel_delivery(&harness.admin, &waiting.id).await.unwrap();
    assert!(!harness.accept_as(EventKind::CallProcessed, 1, Some("own-1")).await.unwrap().repeated);
}
