//! The clock jumps back by an hour, as when a wrong clock is corrected.

use domain::{
    delivery::Status,
    endpoint::Endpoints as _,
    event::EventKind,
    recover::{RecoverForm, Recovery as _},
    time::{HOUR_MS, iso_utc},
};

use crate::{
    harness::{On, TestHarness, on_both},
    receiver::Reply,
};

on_both! { after_the_clock_goes_back_an_hour_everything_arrives_once_and_in_order a_rate_limit_follows_the_new_clock a_recovery_continues_by_the_new_clock }

async fn after_the_clock_goes_back_an_hour_everything_arrives_once_and_in_order(harness: TestHarness) {
    harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    harness.clock.step_ms(-HOUR_MS);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.accept(EventKind::CallProcessed, 2).await;
    assert_eq!(harness.run().await, 1, "new events do not wait for the old clock");
    assert_eq!(harness.run_after_ms(HOUR_MS + 7_000).await, 2, "a scheduled retry follows the new clock");
    let kinds = harness.receiver.kinds();
    assert_eq!(kinds, ["IncomingCall", "CallProcessed", "IncomingCall", "CallProcessed"]);
    let rows = harness.deliveries().await;
    assert!(rows.iter().all(|row| row.status == Status::Delivered));
    assert_eq!(rows.iter().map(|row| row.attempts).sum::<u32>(), 4);
}

async fn a_rate_limit_follows_the_new_clock(harness: TestHarness) {
    harness.endpoint_with(|form| form.rate_per_s = "1".into()).await;
    for call in 0..3 {
        harness.accept(EventKind::CallProcessed, call).await;
    }
    assert_eq!(harness.run().await, 1);
    harness.clock.step_ms(-HOUR_MS);
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.run().await, 0);
    assert_eq!(harness.run_after_ms(1_000).await, 1);
}

async fn a_recovery_continues_by_the_new_clock(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.usually(Reply::Status(410));
    for call in 0..4 {
        harness.accept(EventKind::CallProcessed, call).await;
        harness.run().await;
        harness.resume(&endpoint.id).await;
    }
    harness.receiver.reset_script();
    harness.clock.step_ms(1_000);
    let form = RecoverForm { from: iso_utc(crate::harness::START), rate_per_s: "2".into(), ..RecoverForm::default() };
    harness.engine.start_recovery(&harness.admin, &endpoint.id, &form.input().unwrap()).await.unwrap();
    harness.clock.step_ms(1_000);
    let jobs = &harness.engine.background().recovery_jobs;
    assert_eq!(jobs.round().await.unwrap().requeued, 2);
    harness.clock.step_ms(-HOUR_MS);
    assert_eq!(jobs.round().await.unwrap().requeued, 2, "it does not wait for an hour");
}

#[tokio::test]
async fn a_node_that_died_by_the_old_clock_is_declared_dead_by_the_new_one() {
    let harness = TestHarness::new(On::Postgres).await;
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    // The first node dies with one lease; then the clock is set back and another node starts.
    harness.clock.step_ms(-HOUR_MS);
    harness.another().await;
    harness.clock.step_ms(engine::store::nodes::TAKEOVER_MAX_MS);
    let next = harness.another().await;
    assert_eq!(next.sender().run_once().await.unwrap(), 1);
}

#[tokio::test]
async fn a_running_node_notices_that_the_clock_was_set_back() {
    let harness = TestHarness::new(On::Sqlite).await;
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    let running = harness.another_running().await;
    harness.clock.step_ms(-HOUR_MS);
    harness.engine.resume_endpoint(&harness.admin, &endpoint.id, None).await.unwrap();
    let arrived = tokio::time::timeout(std::time::Duration::from_secs(20), harness.receiver.has_received(1)).await;
    assert!(arrived.is_ok(), "the held event waits for the old clock");
    running.stop().await;
}

#[tokio::test]
async fn call_order_survives_a_clock_set_back_between_two_runs() {
    let harness = TestHarness::new(On::Sqlite).await;
    let endpoint = harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.clock.step_ms(-HOUR_MS);
    let next = harness.another().await;
    harness.accept_by(&next, EventKind::CallProcessed, 1).await;
    harness.resume_by(&next, &endpoint.id).await;
    assert_eq!(next.sender().run_once().await.unwrap(), 2);
    assert_eq!(harness.receiver.kinds(), ["IncomingCall", "CallProcessed"]);
}
