//! Nothing that panics stops a node: not an attempt, not the writer, not a worker.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use domain::{
    cause::Cause,
    delivery::{Deliveries as _, DeliveryRow, Status},
    event::EventKind,
    ops::{OpsAccounts as _, health::HealthLevel},
};
use engine::{Engine, Value, background::Worker as _};
use futures::FutureExt as _;

use crate::{
    harness::{HandClock, On, START, TestHarness, on_both},
    ops::operator,
    receiver::Reply,
};

on_both! { an_attempt_that_panics_is_our_fault_and_is_retried a_panic_anywhere_loses_no_event_and_no_delivery }

/// How long to wait for something that should happen within seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than any wait before a retry of a call's end within the first attempts, in milliseconds.
const RETRIED_MS: i64 = 6_000;

async fn an_attempt_that_panics_is_our_fault_and_is_retried(harness: TestHarness) {
    harness.endpoint().await;
    let panicked = |harness: &TestHarness| harness.engine.tasks().iter().any(|task| task.name == "attempts");
    let mut call = 0;
    // Whoever reads the clock first, second and so on panics; one of them is an attempt.
    while !panicked(&harness) {
        call += 1;
        harness.accept(EventKind::CallProcessed, call).await;
        harness.clock.panic_at(call.into());
        let _ = AssertUnwindSafe(harness.run()).catch_unwind().await;
        assert!(harness.clock.has_panicked(), "no attempt has read the clock");
    }
    let ours = |row: &DeliveryRow| row.failure.as_ref().is_some_and(|failure| failure.cause == Cause::OurFault);
    let row = harness.deliveries().await.into_iter().find(ours).unwrap();
    let delivery = harness.engine.delivery(&harness.admin, &row.id, None).await.unwrap();
    assert_eq!((delivery.row.status, delivery.row.attempts), (Status::Retrying, 1));
    assert_eq!(delivery.attempts[0].failure.as_ref().map(|failure| failure.cause), Some(Cause::OurFault));
    harness.run_after_ms(RETRIED_MS).await;
    assert_eq!(harness.delivery(&row.id).await.status, Status::Delivered, "its concurrency and its lease are free");
}

/// Waits until all deliveries satisfy a condition, while the clock advances by this much again and again.
async fn until(harness: &TestHarness, engine: &Engine, step: (&HandClock, i64), done: impl Fn(&DeliveryRow) -> bool) {
    let waited = async {
        let mut changes = engine.changes();
        while !harness.deliveries().await.iter().all(&done) {
            step.0.step_ms(step.1);
            // The database's clock agrees with the node's.
            harness.clock.step_ms(step.1);
            // As the node does every few seconds.
            let _ = engine.background().lease_reconciliation.tick().await;
            engine.sender().wake_at(START);
            let _ = tokio::time::timeout(Duration::from_millis(50), changes.recv()).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waited).await;
    assert!(waited.is_ok(), "{:?}, {:?}", harness.deliveries().await.pop(), engine.tasks());
}

/// The clock is read by the writer, by claims, by attempts and by workers: each of the first readings panics once.
async fn a_panic_anywhere_loses_no_event_and_no_delivery(harness: TestHarness) {
    let harness = Arc::new(harness);
    harness.endpoint().await;
    let clock = HandClock::new();
    let engine = harness.another_with_clock(&clock).await;
    let step = if harness.database_url().starts_with("postgres") { 3 } else { 1 };
    for n in (1..=24).step_by(step) {
        clock.panic_at(n.into());
        harness.receiver.next([Reply::Status(500)]);
        // A platform posts again until the event is accepted.
        let accepted = async {
            loop {
                let (harness, engine, id) = (harness.clone(), engine.clone(), format!("panic-{n}"));
                let posted = async move { harness.try_accept_by(&engine, n, Some(&id)).await };
                if let Ok(Ok(_)) = tokio::spawn(posted).await {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, accepted).await.unwrap_or_else(|_| panic!("not accepted after panic {n}"));
        until(&harness, &engine, (&clock, 0), |row| row.attempts > 0 || row.status.is_final()).await;
        until(&harness, &engine, (&clock, RETRIED_MS), |row| row.status == Status::Delivered).await;
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_panicked_worker_is_named_and_runs_again() {
    let harness = TestHarness::new(On::Sqlite).await;
    let olga = operator(&harness).await;
    let clock = HandClock::new();
    let engine = harness.another_with_clock(&clock).await;
    // The first that read the clock are the workers that tick at once.
    clock.panic_at(1);
    let named = async {
        loop {
            if let Some(task) = engine.tasks().into_iter().find(|task| task.panics > 0) {
                return task.name;
            }
            tokio::task::yield_now().await;
        }
    };
    let name = tokio::time::timeout(PATIENCE, named).await.expect("no task is named");
    let (level, verdict) = engine.health(&olga).await.unwrap().verdict();
    assert!(level != HealthLevel::Healthy && verdict.contains(&name), "{name}: {verdict}");
    let up = async {
        while engine.tasks().iter().any(|task| task.down) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, up).await.expect("it was not started again");
    let metrics = engine.metrics().await.unwrap();
    let panics = metrics.iter().find(|metric| metric.name == "offhook_task_panics_total").unwrap();
    let Value::Family(counts) = &panics.value else { panic!("{panics:?}") };
    assert!(counts.contains(&(vec![("task", name)], Value::counter(1))), "{counts:?}");
    engine.stop().await;
}
