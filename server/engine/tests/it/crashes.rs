//! Crashes and several nodes: nothing is lost, and only one node's outcome counts.

use domain::{Error, delivery::Status, event::EventKind};
use engine::background::Worker as _;
use futures::future::join_all;

use crate::{
    harness::{On, TestHarness, on_both},
    receiver::Reply,
};

on_both! { the_next_node_takes_over_the_leases_of_a_dead_one the_outcome_of_a_node_declared_dead_is_discarded a_node_that_learns_it_was_declared_dead_sends_none_of_its_leases deliveries_beyond_the_memory_limit_are_claimed_later a_stopping_node_releases_all_its_leases }

/// A node is declared dead after this.
const NODE_TIMEOUT_MS: i64 = 15_001;

async fn the_next_node_takes_over_the_leases_of_a_dead_one(harness: TestHarness) {
    harness.endpoint().await;
    join_all((0..20).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    // The first node has leased all of them and never sends them.
    harness.clock.step_ms(NODE_TIMEOUT_MS);
    let next = harness.another().await;
    assert_eq!(next.sender().run_once().await.unwrap(), 20);
    assert!(harness.deliveries().await.iter().all(|row| row.status == Status::Delivered));
}

async fn the_outcome_of_a_node_declared_dead_is_discarded(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(200), Reply::Status(500)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.clock.step_ms(NODE_TIMEOUT_MS);
    let next = harness.another().await;
    assert_eq!(next.sender().run_once().await.unwrap(), 1);
    // The first node wakes up and sends what it had leased: a repeat, whose failure must not undo the success.
    assert_eq!(harness.run().await, 1);
    let delivery = harness.only_delivery().await;
    assert_eq!((delivery.row.status, delivery.attempts.len()), (Status::Delivered, 1));
    assert_eq!(harness.engine.context().counters.fenced.load(std::sync::atomic::Ordering::Relaxed), 1);
}

async fn a_node_that_learns_it_was_declared_dead_sends_none_of_its_leases(harness: TestHarness) {
    harness.endpoint().await;
    join_all((0..20).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    harness.clock.step_ms(NODE_TIMEOUT_MS);
    let next = harness.another().await;
    // As after a pause of the whole process: it accepts one more event before it finds out.
    harness.accept(EventKind::CallProcessed, 20).await;
    harness.engine.background().heartbeat.tick().await.unwrap();
    assert_eq!(next.sender().run_once().await.unwrap(), 21, "its leases are free");
    assert_eq!(harness.run().await, 0, "and is sent once");
    assert_eq!(harness.receiver.received().len(), 21);
    harness.engine.background().heartbeat.tick().await.unwrap();
    harness.accept(EventKind::CallProcessed, 21).await;
    assert_eq!(harness.run().await, 1, "it continues with new events");
}

async fn deliveries_beyond_the_memory_limit_are_claimed_later(harness: TestHarness) {
    harness.endpoint().await;
    let calls = u32::try_from(engine::delivery::LEASED_PER_ENDPOINT_MAX).unwrap() + 76;
    join_all((0..calls).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    assert_eq!(harness.run().await, calls as usize);
    assert_eq!(harness.receiver.received().len(), calls as usize);
}

async fn a_stopping_node_releases_all_its_leases(harness: TestHarness) {
    harness.endpoint().await;
    join_all((0..5).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    harness.engine.sender().stop(1_000).await;
    let next = harness.another().await;
    assert_eq!(next.sender().run_once().await.unwrap(), 5, "without waiting for the node to time out");
}

/// SQLite's page limit simulates a full disk: beyond it every write fails with SQLITE_FULL.
pub(crate) async fn limit_pages(harness: &TestHarness, pages: &str) {
    let engine::store::db::Pool::Sqlite(writer) = &harness.engine.context().db.writer else {
        panic!("this harness uses SQLite")
    };
    sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).execute(writer).await.unwrap();
    let limit =
        |direct: &rusqlite::Connection| direct.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()));
    harness.engine.context().db.set_direct(limit).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_events_until_there_is_space_again() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    let first = harness.accept_as(EventKind::CallProcessed, 0, None).await;
    assert!(first.is_ok());
    limit_pages(&harness, "1").await;
    let mut refused = None;
    for call in 1..500 {
        if let Err(error) = harness.accept_as(EventKind::CallProcessed, call, None).await {
            refused = Some((call, error));
            break;
        }
    }
    let (accepted, error) = refused.expect("a full disk must refuse at some point");
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    limit_pages(&harness, "1073741823").await;
    assert!(harness.accept_as(EventKind::CallProcessed, 1_000, None).await.is_ok(), "no restart is needed");
    assert_eq!(harness.run().await, accepted as usize + 1, "what was accepted arrives, what was refused does not");
}

#[tokio::test]
async fn a_new_reader_does_not_wait_for_the_writer() {
    let harness = TestHarness::new(On::Sqlite).await;
    let engine = harness.another().await;
    let _writing = engine.context().db.begin().await.unwrap();
    let filter = domain::filter::DeliveryFilter::default();
    let read = domain::delivery::Deliveries::deliveries(&*engine, &harness.admin, &filter);
    let answered = tokio::time::timeout(std::time::Duration::from_secs(2), read).await;
    assert!(answered.expect("a read waited for a transaction").is_ok());
}

#[tokio::test]
async fn a_locked_database_refuses_events_until_it_is_unlocked() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    let other = harness.another().await;
    // Another process holds the lock for longer than the timeout.
    harness.shorten_lock_timeout(&harness.engine).await;
    let lock = other.context().db.begin().await.unwrap();
    let refused = harness.accept_as(EventKind::CallProcessed, 1, None).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    drop(lock);
    assert!(harness.accept_as(EventKind::CallProcessed, 2, None).await.is_ok());
    assert_eq!(harness.run().await, 1);
}

#[tokio::test]
async fn dropped_connections_are_reopened_and_nothing_is_lost() {
    let harness = TestHarness::new(On::Postgres).await;
    harness.endpoint().await;
    let mut accepted = 0;
    for call in 0..30 {
        if call % 10 == 5 {
            cut_connections(&harness).await;
        }
        accepted += usize::from(harness.accept_as(EventKind::CallProcessed, call, None).await.is_ok());
    }
    assert!(accepted >= 20, "only requests in flight may be refused: {accepted} of 30");
    cut_connections(&harness).await;
    let mut attempts = 0;
    while attempts < accepted {
        attempts += harness.engine.sender().run_once().await.unwrap_or(0);
    }
    let arrived: std::collections::HashSet<_> =
        harness.receiver.received().iter().map(|got| got.header("webhook-id")).collect();
    assert_eq!(arrived.len(), accepted);
}

/// Drops all connections, as a restart of Postgres does.
async fn cut_connections(harness: &TestHarness) {
    let engine::store::db::Pool::Postgres(pool) = &harness.engine.context().db.writer else { panic!("on Postgres") };
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let _ = sqlx::query(cut).execute(pool).await;
}
