//! Work on many rows holds nobody up: it goes in small steps, and heartbeats have a task of their own.

use std::time::Duration;

use domain::{delivery::Status, endpoint::Endpoints as _, event::EventKind};
use engine::{background::Worker as _, store::nodes::TAKEOVER_MAX_MS};
use futures::future::join_all;

use crate::harness::{On, TestHarness, on_both};

on_both! { deleting_an_endpoint_cancels_its_deliveries_in_small_steps many_leases_of_a_dead_node_are_taken_over }

/// More than two steps.
const MANY: u32 = 1_100;
/// Most deliveries of one transaction.
const STEP_MAX: u32 = 500;

async fn deleting_an_endpoint_cancels_its_deliveries_in_small_steps(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    join_all((0..MANY).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    // Each transaction then has a time of its own.
    harness.clock.run();
    assert_eq!(harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap(), MANY);
    let steps = "SELECT CAST(COUNT(*) AS TEXT) FROM deliveries WHERE state = 'cancelled' GROUP BY finished_ms";
    let steps: Vec<u32> = harness.texts(steps.to_owned()).await.iter().map(|step| step.parse().unwrap()).collect();
    assert!(steps.iter().sum::<u32>() == MANY && steps.iter().all(|step| *step <= STEP_MAX), "{steps:?}");
}

async fn many_leases_of_a_dead_node_are_taken_over(harness: TestHarness) {
    harness.endpoint().await;
    join_all((0..MANY).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    harness.clock.step_ms(TAKEOVER_MAX_MS);
    let next = harness.another().await;
    assert_eq!(next.sender().run_once().await.unwrap(), MANY as usize);
}

#[tokio::test]
async fn a_takeover_that_has_to_wait_delays_no_heartbeat() {
    use sqlx::{Connection as _, Executor as _};
    let harness = TestHarness::new(On::Postgres).await;
    harness.endpoint().await;
    let next = harness.another().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    // Someone works on a delivery of a node that is about to be declared dead.
    let mut other = sqlx::PgConnection::connect(harness.database_url()).await.unwrap();
    other.execute("BEGIN; SELECT id FROM deliveries FOR UPDATE").await.unwrap();
    harness.clock.step_ms(TAKEOVER_MAX_MS);
    let waiting = next.clone();
    let takeover = tokio::spawn(async move { waiting.background().takeover.round().await });
    let locked =
        "SELECT COUNT(*)::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while harness.texts(locked.to_owned()).await == ["0"] {}
    for _ in 0..3 {
        let beat = tokio::time::timeout(Duration::from_secs(5), next.background().heartbeat.tick()).await;
        beat.expect("the heartbeat waits for the takeover").unwrap();
    }
    assert!(!takeover.is_finished());
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(takeover.await.unwrap().unwrap(), 1);
    assert_eq!(next.sender().run_once().await.unwrap(), 1);
    assert_eq!(harness.only_delivery().await.row.status, Status::Delivered);
}
