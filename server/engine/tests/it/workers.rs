//! Background workers: started, ticked, reported and stopped alike.

use std::time::Duration;

use engine::background::WorkerStatus;

use crate::{
    database,
    harness::{On, TestHarness},
    proxy::Proxy,
};

/// Longest wait for the first ticks.
const FIRST_TICKS: Duration = Duration::from_secs(20);
/// Longest wait until a worker has noticed that the database is gone, or is there again.
const NOTICED: Duration = Duration::from_secs(20);

#[tokio::test]
async fn workers_report_their_ticks_until_they_are_stopped() {
    let harness = TestHarness::new(On::Sqlite).await;
    assert!(harness.engine.background().status().is_empty(), "a test engine ticks step by step");
    let engine = harness.another_running().await;
    let ticked = async {
        let at_once =
            ["alerts", "phone_indexer", "recovery_jobs", "retention", "scheduled_rotation", "stuck_deliveries"];
        let has_ticked = |status: &WorkerStatus| status.last_tick.is_some() && status.last_error.is_none();
        loop {
            let status = engine.background().status();
            if at_once.iter().all(|name| status.iter().any(|one| one.name == *name && has_ticked(one))) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(FIRST_TICKS, ticked).await.expect("those that do not wait first have ticked");
    assert!(engine.tasks().iter().all(|task| !task.down && task.panics == 0 && task.problem.is_none()));
    engine.stop().await;
    assert!(engine.background().status().is_empty());
}

#[tokio::test]
async fn a_listener_is_no_longer_named_once_it_listens_again() {
    let direct = database::fresh().await;
    let proxy = Proxy::start(&direct).await;
    let harness = TestHarness::on(proxy.url(&direct), tempfile::tempdir().unwrap()).await;
    let engine = harness.another_running().await;
    let problem = || engine.tasks().into_iter().find(|task| task.name == "cluster_listener").unwrap().problem;
    let becomes = async |named: bool| {
        while problem().is_some() != named {
            tokio::task::yield_now().await;
        }
    };
    proxy.refuse(true);
    tokio::time::timeout(NOTICED, becomes(true)).await.expect("the connection is lost");
    proxy.refuse(false);
    tokio::time::timeout(NOTICED, becomes(false)).await.expect("it is still named although it listens");
    engine.stop().await;
}
