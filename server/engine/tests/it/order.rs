//! Order within a call (G4), and its end overtaking its ephemeral events.

use domain::{delivery::Status, event::EventKind, retry::EndReason};

use crate::{
    harness::{TestHarness, call_id, on_both},
    receiver::Reply,
};

on_both! { events_of_a_call_are_sent_in_the_order_they_were_accepted a_later_event_waits_for_an_earlier_one_of_its_call the_end_of_a_call_overtakes_ephemeral_events_waiting_for_a_retry ephemeral_events_that_fail_while_the_end_waits_are_superseded with_deliver_late_the_end_waits_for_earlier_events calls_do_not_wait_for_each_other fifty_calls_arrive_complete_and_in_order_though_every_fifth_response_is_a_500 }

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
    assert_eq!(harness.run_after_ms(120_000).await, 2);
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
    futures::future::join_all((0..50).map(|call| harness.accept(EventKind::IncomingCall, call))).await;
    // Half a minute of ringing and talking: as long as ephemeral events are retried.
    for _ in 0..16 {
        harness.run().await;
        harness.clock.step_ms(2_100);
    }
    futures::future::join_all((0..50).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
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
