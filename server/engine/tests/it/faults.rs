//! The database becomes unavailable and recovers: locked, restarted, or silent after a commit.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{
    Error,
    delivery::{Deliveries as _, Status},
    event::EventKind,
    time::MINUTE_MS,
};
use engine::{
    Engine,
    background::{Pause, Worker as _},
    clock::sleep_ms,
    store::error::StoreError,
};
use futures::future::join_all;
use tokio::sync::Semaphore;

use crate::{
    cluster::Cluster,
    database,
    harness::{On, TestHarness, on_both},
    proxy::Proxy,
    receiver::Reply,
};

on_both! { leases_that_no_failure_announced_are_found_within_minutes leases_whose_commit_was_not_acknowledged_are_found held_leases_are_not_mistaken_for_orphans }

/// How long another process locks the file: several lock timeouts.
const LOCKED_MS: u64 = 1_000;
/// How long to wait for something that should happen within seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until every accepted event has been delivered.
async fn all_delivered(harness: &TestHarness, engine: &Engine) {
    let delivered = async {
        let mut changes = engine.changes();
        loop {
            let rows = harness.deliveries_by(engine).await;
            if rows.iter().all(|row| row.status == Status::Delivered) {
                return rows.len();
            }
            let _ = tokio::time::timeout(Duration::from_secs(1), changes.recv()).await;
        }
    };
    tokio::time::timeout(PATIENCE, delivered).await.expect("not everything was delivered");
}

/// How often each event arrived.
fn arrivals(harness: &TestHarness) -> HashMap<String, usize> {
    let mut arrivals = HashMap::new();
    for request in harness.receiver.received() {
        *arrivals.entry(request.header("webhook-id").unwrap()).or_default() += 1;
    }
    arrivals
}

#[tokio::test]
async fn a_file_locked_for_long_loses_and_repeats_nothing() {
    use sqlx::{ConnectOptions as _, Executor as _};
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    let engine = harness.another_running().await;
    harness.shorten_lock_timeout(&engine).await;
    let gate = Arc::new(Semaphore::new(0));
    harness.receiver.usually(Reply::Wait(gate.clone()));
    join_all((0..8).map(|call| harness.accept_by(&engine, EventKind::CallProcessed, call))).await;
    harness.receiver.has_received(8).await;
    let options: sqlx::sqlite::SqliteConnectOptions = harness.database_url().parse().unwrap();
    let mut other = options.connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    // All eight get their response now, and none of the outcomes can be written.
    gate.add_permits(1_000);
    let (refused, ()) = tokio::join!(harness.try_accept_by(&engine, 100, None), sleep_ms(LOCKED_MS));
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    other.execute("ROLLBACK").await.unwrap();
    let again = async {
        while harness.try_accept_by(&engine, 101, Some("again")).await.is_err() {
            sleep_ms(50).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("intake did not resume");
    all_delivered(&harness, &engine).await;
    assert!(arrivals(&harness).values().all(|times| *times == 1), "{:?}", arrivals(&harness));
    assert_eq!(arrivals(&harness).len(), 9, "the refused event is not sent");
    engine.stop().await;
}

/// Events posted while Postgres restarts.
const EVENTS: u32 = 600;
/// Events posted at once.
const AT_ONCE: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarting_postgres_under_load_loses_nothing() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let harness = Arc::new(TestHarness::on(cluster.url(), tempfile::tempdir().unwrap()).await);
    harness.endpoint().await;
    let engine = harness.another_running().await;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let posts = (0..EVENTS).map(|n| {
        let (harness, engine, room) = (harness.clone(), engine.clone(), room.clone());
        tokio::spawn(async move {
            let _room = room.acquire().await.unwrap();
            let id = format!("restart-{n}");
            let mut refused = 0;
            // A platform retries until the event is accepted.
            while harness.try_accept_by(&engine, n, Some(&id)).await.is_err() {
                refused += 1;
                sleep_ms(50).await;
            }
            refused
        })
    });
    let posts: Vec<_> = posts.collect();
    for part in 1..=2 {
        harness.receiver.has_received(EVENTS as usize * part / 4).await;
        cluster.restart();
    }
    let refused: u32 = join_all(posts).await.into_iter().map(Result::unwrap).sum();
    all_have_arrived(&harness).await;
    assert!(refused > 0, "nothing was refused, so the restart came too early or too late");
    engine.stop().await;
}

/// Waits until each of the events has arrived at least once.
async fn all_have_arrived(harness: &TestHarness) {
    let everything = async {
        let mut received = 0;
        while arrivals(harness).len() < EVENTS as usize {
            received = harness.receiver.received().len().max(received + 1);
            let _ = tokio::time::timeout(Duration::from_secs(1), harness.receiver.has_received(received)).await;
        }
    };
    let all = tokio::time::timeout(PATIENCE, everything).await;
    assert!(all.is_ok(), "only {} of {EVENTS} arrived", arrivals(harness).len());
}

/// As after a commit whose acknowledgement was lost: the lease exists, but no sender holds it.
async fn orphan_the_leases(harness: &TestHarness) {
    harness
        .execute("UPDATE deliveries SET lease_owner = (SELECT MAX(id) FROM nodes), due_ms = created_ms")
        .await
        .unwrap();
}

async fn leases_whose_commit_was_not_acknowledged_are_found(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    join_all((0..3).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    orphan_the_leases(&harness).await;
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 0);
    assert_eq!(
        harness.engine.background().lease_reconciliation.reconcile().await.unwrap(),
        0,
        "a single sighting may be a hand-over in progress"
    );
    assert_eq!(harness.engine.background().lease_reconciliation.reconcile().await.unwrap(), 3);
    assert_eq!(harness.run().await, 3);
    assert_eq!(harness.engine.background().lease_reconciliation.reconcile().await.unwrap(), 0);
    assert!(harness.deliveries().await.iter().all(|row| row.status == Status::Delivered));
}

async fn leases_that_no_failure_announced_are_found_within_minutes(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    orphan_the_leases(&harness).await;
    harness.resume(&endpoint.id).await;
    let reconciliation = &harness.engine.background().lease_reconciliation;
    let mut waited_ms = 0;
    while harness.run().await == 0 {
        assert!(waited_ms < 3 * MINUTE_MS.unsigned_abs(), "nothing looks for them");
        let Pause::Fixed(ms) = reconciliation.tick().await.unwrap() else { panic!("it ticks steadily") };
        waited_ms += ms;
    }
    assert_eq!(harness.only_delivery().await.row.status, Status::Delivered);
}

async fn held_leases_are_not_mistaken_for_orphans(harness: TestHarness) {
    harness.endpoint().await;
    join_all((0..5).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    let sender = harness.engine.sender();
    sender.mark_uncertain();
    assert_eq!(
        harness.engine.background().lease_reconciliation.reconcile().await.unwrap()
            + harness.engine.background().lease_reconciliation.reconcile().await.unwrap(),
        0
    );
    assert_eq!(harness.run().await, 5);
    assert_eq!(harness.receiver.received().len(), 5);
}

#[tokio::test]
async fn a_refused_event_that_was_committed_is_sent_when_posted_again() {
    let harness = TestHarness::new(On::Postgres).await;
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.try_accept_by(&harness.engine, 1, Some("own-1")).await.unwrap();
    orphan_the_leases(&harness).await;
    harness.resume(&endpoint.id).await;
    let again = harness.try_accept_by(&harness.engine, 1, Some("own-1")).await.unwrap();
    assert!(again.repeated);
    let sender = harness.engine.sender();
    sender.mark_uncertain();
    harness.engine.background().lease_reconciliation.reconcile().await.unwrap();
    harness.engine.background().lease_reconciliation.reconcile().await.unwrap();
    harness.run().await;
    assert_eq!(harness.only_delivery().await.row.status, Status::Delivered);
    assert_eq!(harness.engine.delivery_counts(&harness.admin, &Default::default()).await.unwrap().matching, 1);
}

#[tokio::test]
async fn a_node_that_freezes_in_a_transaction_keeps_its_locks_for_seconds() {
    use sqlx::Connection as _;
    let harness = TestHarness::new(On::Postgres).await;
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    let mut frozen = harness.engine.context().db.begin().await.unwrap();
    let engine::store::db::Tx::Postgres(tx) = &mut frozen else { panic!("this harness uses Postgres") };
    // A tenth of what applies to every session, so that the test takes a second.
    let setting: String =
        sqlx::query_scalar("SHOW idle_in_transaction_session_timeout").fetch_one(&mut **tx).await.unwrap();
    assert_eq!(setting, "10s");
    sqlx::raw_sql("SET idle_in_transaction_session_timeout = '1s'").execute(&mut **tx).await.unwrap();
    sqlx::raw_sql("SELECT id FROM deliveries FOR UPDATE").execute(&mut **tx).await.unwrap();
    let sent = tokio::time::timeout(Duration::from_secs(20), harness.run()).await;
    assert_eq!(sent.expect("it waits for the frozen node's locks"), 1);
    assert!(StoreError::from(tx.ping().await.unwrap_err()).is_transient());
}

/// Times that connections are cut, at ever different bytes of the responses.
const CUTS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_is_reported_as_unavailable_and_loses_nothing() {
    let direct = database::fresh().await;
    let proxy = Proxy::start(&direct).await;
    let harness = TestHarness::on(proxy.url(&direct), tempfile::tempdir().unwrap()).await;
    harness.endpoint().await;
    let engine = harness.another_running().await;
    let (mut call, mut refused) = (0, 0);
    for cut in 0..CUTS {
        if cut % 10 == 0 {
            proxy.cut()
        } else {
            proxy.cut_after(cut * 7)
        }
        let posts = join_all((0..8).map(|n| harness.try_accept_by(&engine, call + n, None))).await;
        for post in posts {
            match post {
                Ok(_) => {}
                Err(Error::Unavailable { .. }) => refused += 1,
                Err(error) => panic!("cut {cut}: {error:?}"),
            }
        }
        // Reads from the pages break in the same way.
        if let Err(error) = engine.deliveries(&harness.admin, &Default::default()).await {
            assert!(matches!(error, Error::Unavailable { .. }), "cut {cut}: {error:?}");
        }
        call += 8;
    }
    assert!(refused > 0, "nothing was cut");
    all_delivered(&harness, &engine).await;
    engine.stop().await;
}
