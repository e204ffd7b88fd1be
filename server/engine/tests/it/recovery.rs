//! Crashes and other nodes: nothing is lost, and only one node's outcome counts.

use domain::{Error, delivery::Status, event::EventKind};
use futures::future::join_all;

use crate::{
    bed::{Bed, On, on_both},
    receiver::Reply,
};

on_both! {
    what_a_dead_node_had_in_hand_is_taken_up_by_the_next
    the_outcome_of_a_node_that_was_given_up_does_not_count
    a_node_that_hears_it_was_given_up_sends_nothing_of_what_it_had_in_hand
    what_memory_would_not_take_is_claimed_later
    a_node_that_leaves_lets_go_of_everything
}

/// A node is given up after this.
const SILENT_MS: i64 = 15_001;

async fn what_a_dead_node_had_in_hand_is_taken_up_by_the_next(bed: Bed) {
    bed.endpoint().await;
    join_all((0..20).map(|call| bed.accept(EventKind::CallProcessed, call))).await;
    // The first node has all of them in hand and never gets to send them.
    bed.clock.step_ms(SILENT_MS);
    let next = bed.another().await;
    assert_eq!(next.sender().run_once().await.unwrap(), 20);
    assert!(bed.deliveries().await.iter().all(|row| row.status == Status::Delivered));
}

async fn the_outcome_of_a_node_that_was_given_up_does_not_count(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.next([Reply::Status(200), Reply::Status(500)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.clock.step_ms(SILENT_MS);
    let next = bed.another().await;
    assert_eq!(next.sender().run_once().await.unwrap(), 1);
    // The first node wakes up and sends what it had in hand: a repeat, whose failure must not undo the success.
    assert_eq!(bed.run().await, 1);
    let delivery = bed.only_delivery().await;
    assert_eq!((delivery.row.status, delivery.attempts.len()), (Status::Delivered, 1));
    assert_eq!(bed.engine.sender().counters.fenced.load(std::sync::atomic::Ordering::Relaxed), 1);
}

async fn a_node_that_hears_it_was_given_up_sends_nothing_of_what_it_had_in_hand(bed: Bed) {
    bed.endpoint().await;
    join_all((0..20).map(|call| bed.accept(EventKind::CallProcessed, call))).await;
    bed.clock.step_ms(SILENT_MS);
    let next = bed.another().await;
    // As after a stop of the whole process: it takes one more in before it finds out.
    bed.accept(EventKind::CallProcessed, 20).await;
    bed.engine.heartbeat().await.unwrap();
    assert_eq!(next.sender().run_once().await.unwrap(), 21, "what it had in hand is free");
    assert_eq!(bed.run().await, 0, "and is sent once");
    assert_eq!(bed.receiver.received().len(), 21);
    bed.engine.heartbeat().await.unwrap();
    bed.accept(EventKind::CallProcessed, 21).await;
    assert_eq!(bed.run().await, 1, "it goes on with what is new");
}

async fn what_memory_would_not_take_is_claimed_later(bed: Bed) {
    bed.endpoint().await;
    let calls = u32::try_from(engine::sender::LEASED_PER_ENDPOINT_MAX).unwrap() + 76;
    join_all((0..calls).map(|call| bed.accept(EventKind::CallProcessed, call))).await;
    assert_eq!(bed.run().await, calls as usize);
    assert_eq!(bed.receiver.received().len(), calls as usize);
}

async fn a_node_that_leaves_lets_go_of_everything(bed: Bed) {
    bed.endpoint().await;
    join_all((0..5).map(|call| bed.accept(EventKind::CallProcessed, call))).await;
    bed.engine.sender().stop(1_000).await;
    let next = bed.another().await;
    assert_eq!(next.sender().run_once().await.unwrap(), 5, "without waiting for silence");
}

/// SQLite's own limit on pages stands in for a disk: past it every write fails as on a full one (SQLITE_FULL).
async fn limit_pages(bed: &Bed, pages: &str) {
    let engine::store::db::Pool::Sqlite(writer) = &bed.engine.sender().db.writer else {
        panic!("this bed is on SQLite")
    };
    sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).execute(writer).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_events_for_now_and_intake_resumes_by_itself() {
    let bed = Bed::new(On::Sqlite).await;
    bed.endpoint().await;
    let first = bed.accept_as(EventKind::CallProcessed, 0, None).await;
    assert!(first.is_ok());
    limit_pages(&bed, "1").await;
    let mut refused = None;
    for call in 1..500 {
        if let Err(error) = bed.accept_as(EventKind::CallProcessed, call, None).await {
            refused = Some((call, error));
            break;
        }
    }
    let (accepted, error) = refused.expect("a full disk must refuse at some point");
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    limit_pages(&bed, "1073741823").await;
    assert!(bed.accept_as(EventKind::CallProcessed, 1_000, None).await.is_ok(), "no restart is needed");
    assert_eq!(bed.run().await, accepted as usize + 1, "what was accepted arrives, what was refused does not");
}

#[tokio::test]
async fn a_reader_that_connects_does_not_wait_for_the_writer() {
    let bed = Bed::new(On::Sqlite).await;
    let engine = bed.another().await;
    let _writing = engine.sender().db.begin().await.unwrap();
    let filter = domain::filter::DeliveryFilter::default();
    let read = domain::delivery::Deliveries::deliveries(&*engine, &bed.admin, &filter);
    let answered = tokio::time::timeout(std::time::Duration::from_secs(2), read).await;
    assert!(answered.expect("a read waited for a transaction").is_ok());
}

#[tokio::test]
async fn a_locked_database_refuses_events_for_now_and_intake_resumes_by_itself() {
    let bed = Bed::new(On::Sqlite).await;
    bed.endpoint().await;
    let other = bed.another().await;
    // Another process writes for longer than anybody waits.
    let lock = other.sender().db.begin().await.unwrap();
    let refused = bed.accept_as(EventKind::CallProcessed, 1, None).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    drop(lock);
    assert!(bed.accept_as(EventKind::CallProcessed, 2, None).await.is_ok());
    assert_eq!(bed.run().await, 1);
}

#[tokio::test]
async fn connections_that_are_cut_in_the_middle_are_made_again_and_nothing_is_lost() {
    let bed = Bed::new(On::Postgres).await;
    bed.endpoint().await;
    let mut accepted = 0;
    for call in 0..30 {
        if call % 10 == 5 {
            cut_connections(&bed).await;
        }
        accepted += usize::from(bed.accept_as(EventKind::CallProcessed, call, None).await.is_ok());
    }
    assert!(accepted >= 20, "only those that were under way may be refused: {accepted} of 30");
    cut_connections(&bed).await;
    let mut attempts = 0;
    while attempts < accepted {
        attempts += bed.engine.sender().run_once().await.unwrap_or(0);
    }
    let arrived: std::collections::HashSet<_> =
        bed.receiver.received().iter().map(|got| got.header("webhook-id")).collect();
    assert_eq!(arrived.len(), accepted);
}

/// What a restart of Postgres does to its clients.
async fn cut_connections(bed: &Bed) {
    let engine::store::db::Pool::Postgres(pool) = &bed.engine.sender().db.writer else { panic!("on Postgres") };
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let _ = sqlx::query(cut).execute(pool).await;
}
