//! Work on many rows holds nobody up: it goes in small steps, and heartbeats have a task of their own.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use domain::{delivery::Status, endpoint::Endpoints as _, event::EventKind};
use engine::{
    background::Worker as _,
    service::backfill::{BACKFILL_MAX, Backfill, Run},
    store::nodes::TAKEOVER_MAX_MS,
};
use futures::future::join_all;

use crate::harness::{On, START, TestHarness, on_both};

on_both! { deleting_an_endpoint_cancels_its_deliveries_in_small_steps many_leases_of_a_dead_node_are_taken_over expired_sessions_are_deleted_in_small_steps }

on_both! { #[ignore = "takes up to 20 s: `make faults` runs it"] cancelling_100000_deliveries_holds_up_no_event_and_no_heartbeat }

/// More than two steps.
const MANY: u32 = 1_100;
/// Deliveries that wait at one endpoint in the long run.
const LONG_QUEUE: u64 = 100_000;
/// Longest that an event and a heartbeat may take together meanwhile; after 12 s without one a node is declared dead.
const HELD_UP_MAX: Duration = Duration::from_secs(1);
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

async fn expired_sessions_are_deleted_in_small_steps(harness: TestHarness) {
    let numbers = (0..MANY).map(|n| format!("('s{n}', 'x', 1)")).collect::<Vec<_>>().join(",");
    harness.execute(format!("INSERT INTO sessions (id, data_sealed, expires_ms) VALUES {numbers}")).await.unwrap();
    let postgres = harness.database_url().starts_with("postgres");
    if postgres {
        let recorded = [
            "CREATE TABLE deleted (step BIGINT)",
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN INSERT INTO deleted VALUES (txid_current()); RETURN OLD; END'",
            "CREATE TRIGGER note BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION note()",
        ];
        for statement in recorded {
            harness.execute(statement).await.unwrap();
        }
    }
    harness.engine.background().expiry.tick().await.unwrap();
    assert_eq!(harness.text("SELECT CAST(COUNT(*) AS TEXT) FROM sessions").await, "0");
    if postgres {
        let steps = harness.texts("SELECT COUNT(*)::text FROM deleted GROUP BY step".to_owned()).await;
        assert!(steps.len() == 3 && steps.iter().all(|step| step.parse::<u32>().unwrap() <= STEP_MAX), "{steps:?}");
    }
}

#[expect(clippy::disallowed_methods, reason = "how long others wait is measured")]
async fn cancelling_100000_deliveries_holds_up_no_event_and_no_heartbeat(harness: TestHarness) {
    let (full, other) = (harness.endpoint().await, harness.endpoint().await);
    let account = harness.token.account().unwrap();
    for first in (0..LONG_QUEUE).step_by(1_000) {
        let endpoints = std::slice::from_ref(&full.id);
        let run = Run { account, endpoints, first, count: BACKFILL_MAX, at: START, to: Backfill::Waiting };
        harness.engine.backfill(&run).await.unwrap();
    }
    harness.pause(&other.id).await;
    let (engine, actor, id) = (harness.engine.clone(), harness.admin.clone(), full.id.clone());
    let started = Instant::now();
    let mut deleting = tokio::spawn(async move { engine.delete_endpoint(&actor, &id).await });
    let (mut longest, mut call) = (Duration::ZERO, 0);
    let cancelled = loop {
        let began = Instant::now();
        harness.accept(EventKind::CallProcessed, call).await;
        harness.engine.background().heartbeat.tick().await.unwrap();
        (longest, call) = (longest.max(began.elapsed()), call + 1);
        if let Ok(cancelled) = tokio::time::timeout(Duration::ZERO, &mut deleting).await {
            break cancelled.unwrap().unwrap();
        }
    };
    let took = started.elapsed();
    let summary =
        format!("{cancelled} deliveries cancelled in {took:?}; {call} events meanwhile, the slowest {longest:?}");
    let _ = writeln!(std::io::stdout(), "{summary}");
    assert!(u64::from(cancelled) >= LONG_QUEUE, "{summary}");
    assert!(longest < HELD_UP_MAX, "{summary}");
}
