//! The clock jumps back by an hour, as when a wrong clock is corrected.

use domain::{
    actor::Actor,
    delivery::Status,
    endpoint::Endpoints as _,
    event::EventKind,
    ops::OpsAccounts as _,
    recover::{RecoverForm, Recovery as _},
    time::{HOUR_MS, iso_utc},
};

use engine::{Engine, background::Worker as _};
use futures::future::join_all;

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

/// Ninety seconds: more than other nodes wait for a heartbeat.
const FAR_OFF_MS: i64 = 90_000;

async fn beat(engine: &Engine) {
    engine.background().heartbeat.tick().await.unwrap();
}

#[tokio::test]
async fn a_clock_that_is_far_off_takes_no_leases_from_others() {
    for off in [-FAR_OFF_MS, FAR_OFF_MS] {
        let harness = TestHarness::new(On::Postgres).await;
        harness.endpoint().await;
        let (other, _) = harness.another_off_by_ms(off).await;
        join_all((0..20).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
        for _ in 0..3 {
            beat(&other).await;
            let leased = format!("SELECT id FROM deliveries WHERE lease_owner = '{}'", harness.engine.context().node);
            assert_eq!(harness.texts(leased).await.len(), 20, "off by {off} ms");
            beat(&harness.engine).await;
        }
        other.sender().run_once().await.unwrap();
        assert_eq!(harness.run().await, 20, "off by {off} ms");
        assert_eq!(harness.receiver.received().len(), 20, "off by {off} ms");
    }
}

#[tokio::test]
async fn a_node_whose_clock_is_far_off_claims_nothing_and_says_why() {
    let harness = TestHarness::new(On::Postgres).await;
    harness.endpoint().await;
    let (other, clock) = harness.another_off_by_ms(FAR_OFF_MS).await;
    harness.accept_by(&other, EventKind::IncomingCall, 1).await;
    assert_eq!(other.sender().run_once().await.unwrap(), 0);
    let why = "This node's clock is 90.0 s ahead of the database's clock. The node claims no deliveries until they agree \
               within 10 s. Check its time synchronisation (NTP).";
    assert_eq!(other.ready().await.unwrap_err(), why);
    assert_eq!(other.health(&Actor::COMMAND_LINE).await.unwrap().verdict().1, why);
    let seen_by_others = harness.engine.health(&Actor::COMMAND_LINE).await.unwrap().verdict().1;
    assert_eq!(seen_by_others, why.replace("This node's clock", &format!("The clock of {}", other.context().node)));
    assert_eq!(offset_s(&other).await, 90.0);
    // Its times are corrected, so another node sends what it has accepted, at once.
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.only_delivery().await.row.created_at, harness.now());

    clock.step_ms(-FAR_OFF_MS);
    beat(&other).await;
    assert!(other.ready().await.is_ok());
    harness.accept_by(&other, EventKind::CallProcessed, 2).await;
    assert_eq!(other.sender().run_once().await.unwrap(), 1);
    assert_eq!(offset_s(&other).await, 0.0);
}

async fn offset_s(engine: &Engine) -> f64 {
    let metrics = engine.metrics().await.unwrap();
    let metric = metrics.into_iter().find(|metric| metric.name == "offhook_clock_offset_seconds").unwrap();
    let engine::Value::Gauge(value) = metric.value else { panic!("a gauge") };
    value
}

#[tokio::test]
async fn a_clock_that_is_seconds_off_is_shown_and_works() {
    let harness = TestHarness::new(On::Postgres).await;
    harness.endpoint().await;
    let (other, _) = harness.another_off_by_ms(-2_100).await;
    let verdict = other.health(&Actor::COMMAND_LINE).await.unwrap().verdict().1;
    assert_eq!(
        verdict,
        "This node's clock is 2.1 s behind the database's clock. Check the node's time synchronisation (NTP)."
    );
    harness.accept_by(&other, EventKind::CallProcessed, 1).await;
    assert_eq!(other.sender().run_once().await.unwrap(), 1);
}

#[tokio::test]
async fn the_database_tells_its_own_time() {
    let url = crate::database::fresh().await;
    let db = engine::store::db::Db::open(&url.into()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let (first, later) = (db.now(&mut tx).await.unwrap().unwrap(), db.now(&mut tx).await.unwrap().unwrap());
    use domain::time::Clock as _;
    let here = engine::SystemClock.now();
    assert!(here.since_ms(first).abs() < 60_000, "{first:?}, here {here:?}");
    assert!(later >= first);
    let stopped = async { while db.now(&mut tx).await.unwrap().unwrap() == first {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), stopped).await.expect("it stands still in a transaction");
}
