//! Order within a call (G4), and its end overtaking its news.

use domain::{delivery::Status, event::EventKind, retry::EndReason};

use crate::{
    bed::{Bed, call_id, on_both},
    receiver::Reply,
};

on_both! {
    the_events_of_a_call_go_out_in_the_order_they_were_accepted
    a_later_event_waits_for_an_earlier_one_of_its_call
    the_end_of_a_call_overtakes_its_news_that_wait_for_a_retry
    news_that_fail_while_the_end_waits_are_superseded
    with_deliver_anyway_the_end_waits_for_the_news
    two_calls_do_not_wait_for_each_other
    fifty_calls_arrive_whole_and_in_order_though_every_fifth_answer_is_a_500
}

async fn the_events_of_a_call_go_out_in_the_order_they_were_accepted(bed: Bed) {
    bed.endpoint().await;
    for kind in EventKind::ALL {
        bed.accept(kind, 1).await;
    }
    assert_eq!(bed.run().await, 3);
    assert_eq!(bed.receiver.kinds(), ["IncomingCall", "OutgoingCall", "CallProcessed"]);
}

async fn a_later_event_waits_for_an_earlier_one_of_its_call(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.accept(EventKind::OutgoingCall, 1).await;
    assert_eq!(bed.run().await, 1, "the second waits behind the first, which waits for its retry");
    assert_eq!(bed.run_after_ms(1_200).await, 2);
    assert_eq!(bed.receiver.kinds(), ["IncomingCall", "IncomingCall", "OutgoingCall"]);
}

async fn the_end_of_a_call_overtakes_its_news_that_wait_for_a_retry(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.run().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(bed.run().await, 1);
    let rows = bed.deliveries().await;
    assert_eq!((rows[0].status, rows[0].end_reason), (Status::Expired, Some(EndReason::Superseded)));
    assert_eq!(rows[1].status, Status::Delivered);
    assert_eq!(bed.receiver.kinds(), ["IncomingCall", "CallProcessed"]);
    assert_eq!(bed.run_after_ms(60_000).await, 0, "no late news after the end");
}

async fn news_that_fail_while_the_end_waits_are_superseded(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(bed.run().await, 2);
    let rows = bed.deliveries().await;
    assert_eq!((rows[0].status, rows[0].end_reason), (Status::Expired, Some(EndReason::Superseded)));
    assert_eq!(rows[1].status, Status::Delivered);
}

async fn with_deliver_anyway_the_end_waits_for_the_news(bed: Bed) {
    bed.endpoint_with(|form| form.deliver_late = true).await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.run().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(bed.run().await, 0);
    assert_eq!(bed.run_after_ms(120_000).await, 2);
    assert_eq!(bed.receiver.kinds(), ["IncomingCall", "IncomingCall", "CallProcessed"]);
}

async fn two_calls_do_not_wait_for_each_other(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.accept(EventKind::CallProcessed, 2).await;
    assert_eq!(bed.run().await, 1);
    let states: Vec<_> = bed.deliveries().await.iter().map(|row| row.status).collect();
    assert_eq!(states, [Status::Retrying, Status::Delivered]);
}

async fn fifty_calls_arrive_whole_and_in_order_though_every_fifth_answer_is_a_500(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.fail_every(5);
    futures::future::join_all((0..50).map(|call| bed.accept(EventKind::IncomingCall, call))).await;
    // Half a minute of ringing and talking: as long as news are tried.
    for _ in 0..16 {
        bed.run().await;
        bed.clock.step_ms(2_100);
    }
    futures::future::join_all((0..50).map(|call| bed.accept(EventKind::CallProcessed, call))).await;
    for _ in 0..30 {
        bed.run().await;
        bed.clock.step_ms(600_000);
    }
    let rows = bed.deliveries().await;
    assert_eq!(rows.iter().filter(|row| row.status == Status::Delivered).count(), 100);
    assert!(rows.iter().any(|row| row.attempts > 1));
    for call in 0..50 {
        let of_call = bed.receiver.received().into_iter().filter(|got| got.body.contains(&call_id(call)));
        let kinds: Vec<String> = of_call.map(|got| got.header("offhook-event").unwrap()).collect();
        assert!(kinds.is_sorted_by_key(|kind| kind == "CallProcessed"), "{kinds:?}");
    }
}
