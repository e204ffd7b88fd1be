//! The clock jumps back: by an hour, as when a wrong one is set right.

use domain::{
    delivery::Status,
    endpoint::Endpoints as _,
    event::EventKind,
    recover::{RecoverForm, Recovery as _},
    time::{HOUR_MS, iso_utc},
};
use engine::sender::recover;

use crate::{
    bed::{Bed, On, on_both},
    receiver::Reply,
};

on_both! {
    after_an_hour_back_everything_arrives_once_and_in_order
    a_rate_is_kept_by_the_new_clock_and_not_by_the_old_one
    a_recovery_goes_on_by_the_new_clock
}

async fn after_an_hour_back_everything_arrives_once_and_in_order(bed: Bed) {
    bed.endpoint_with(|form| form.deliver_late = true).await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.run().await;
    bed.clock.step_ms(-HOUR_MS);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.accept(EventKind::CallProcessed, 2).await;
    assert_eq!(bed.run().await, 1, "what is new is not held up by the old clock");
    assert_eq!(bed.run_after_ms(HOUR_MS + 7_000).await, 2, "what waited for its time waits for it by the new clock");
    let kinds = bed.receiver.kinds();
    assert_eq!(kinds, ["IncomingCall", "CallProcessed", "IncomingCall", "CallProcessed"]);
    let rows = bed.deliveries().await;
    assert!(rows.iter().all(|row| row.status == Status::Delivered));
    assert_eq!(rows.iter().map(|row| row.attempts).sum::<u32>(), 4);
}

async fn a_rate_is_kept_by_the_new_clock_and_not_by_the_old_one(bed: Bed) {
    bed.endpoint_with(|form| form.rate_per_s = "1".into()).await;
    for call in 0..3 {
        bed.accept(EventKind::CallProcessed, call).await;
    }
    assert_eq!(bed.run().await, 1);
    bed.clock.step_ms(-HOUR_MS);
    assert_eq!(bed.run().await, 1);
    assert_eq!(bed.run().await, 0);
    assert_eq!(bed.run_after_ms(1_000).await, 1);
}

async fn a_recovery_goes_on_by_the_new_clock(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.receiver.usually(Reply::Status(410));
    for call in 0..4 {
        bed.accept(EventKind::CallProcessed, call).await;
        bed.run().await;
        bed.resume(&endpoint.id).await;
    }
    bed.receiver.forget_script();
    bed.clock.step_ms(1_000);
    let form = RecoverForm { from: iso_utc(crate::bed::START), rate_per_s: "2".into(), ..RecoverForm::default() };
    bed.engine.start_recovery(&bed.admin, &endpoint.id, &form).await.unwrap();
    bed.clock.step_ms(1_000);
    let sender = bed.engine.sender();
    assert_eq!(recover::round(sender).await.unwrap().put_back, 2);
    bed.clock.step_ms(-HOUR_MS);
    assert_eq!(recover::round(sender).await.unwrap().put_back, 2, "it does not rest for an hour");
}

#[tokio::test]
async fn a_node_that_died_by_the_old_clock_is_given_up_by_the_new_one() {
    let bed = Bed::new(On::Postgres).await;
    bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    // The first node dies with one delivery in hand; then the clock is set back, and another node starts.
    bed.clock.step_ms(-HOUR_MS);
    bed.another().await;
    bed.clock.step_ms(engine::store::nodes::TAKEOVER_MAX_MS);
    let next = bed.another().await;
    assert_eq!(next.sender().run_once().await.unwrap(), 1);
}

#[tokio::test]
async fn a_running_node_notices_that_the_clock_was_set_back() {
    let bed = Bed::new(On::Sqlite).await;
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    let running = bed.another_running().await;
    bed.clock.step_ms(-HOUR_MS);
    bed.engine.resume_endpoint(&bed.admin, &endpoint.id, None).await.unwrap();
    let arrived = tokio::time::timeout(std::time::Duration::from_secs(20), bed.receiver.has_received(1)).await;
    assert!(arrived.is_ok(), "what was held waits for the old clock");
    running.stop().await;
}

#[tokio::test]
async fn the_order_of_a_call_holds_when_the_clock_was_set_back_between_two_runs() {
    let bed = Bed::new(On::Sqlite).await;
    let endpoint = bed.endpoint_with(|form| form.deliver_late = true).await;
    bed.pause(&endpoint.id).await;
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.clock.step_ms(-HOUR_MS);
    let next = bed.another().await;
    bed.accept_by(&next, EventKind::CallProcessed, 1).await;
    bed.resume_by(&next, &endpoint.id).await;
    assert_eq!(next.sender().run_once().await.unwrap(), 2);
    assert_eq!(bed.receiver.kinds(), ["IncomingCall", "CallProcessed"]);
}
