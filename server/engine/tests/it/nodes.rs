//! Several nodes on one Postgres, in real time: notifications between nodes do not wait for the next poll.

use std::time::Duration;

use domain::{delivery::Status, event::EventKind, id::UserId, user::Users as _};
use engine::{
    Engine,
    store::{
        db::Pool,
        nodes::{HEARTBEAT_MS, NODE_TIMEOUT_MS, TAKEOVER_MAX_MS},
    },
};
use tokio::sync::broadcast::Receiver;

use crate::{
    database,
    harness::{On, TestHarness},
    proxy::Proxy,
};

/// Far less than a node's polling interval.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn resuming_on_one_node_wakes_the_other() {
    let harness = TestHarness::new(On::Postgres).await;
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    // The second node sends in the background; the first only accepts events.
    let other = harness.another_running().await;
    let mut changes = other.changes();
    harness.resume(&endpoint.id).await;
    let delivered = async {
        while harness.only_delivery().await.row.status != Status::Delivered {
            let _ = changes.recv().await;
        }
    };
    tokio::time::timeout(AT_ONCE, delivered).await.expect("the other node did not wake up");
    other.stop().await;
}

#[tokio::test]
async fn a_change_on_one_node_reaches_the_live_feed_of_the_other() {
    let harness = TestHarness::new(On::Postgres).await;
    let other = harness.another_running().await;
    let mut changes = other.changes();
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    let account = tokio::time::timeout(AT_ONCE, changes.recv()).await.expect("no notification arrived").unwrap();
    assert_eq!(Some(&account), harness.token.account().ok());
    other.stop().await;
}

#[tokio::test]
async fn what_ends_on_one_node_is_reported_on_the_other() {
    let harness = TestHarness::new(On::Postgres).await;
    let other = harness.another_running().await;
    let mut changes = other.access_changes();
    let reported = async |changes: &mut Receiver<String>| {
        tokio::time::timeout(AT_ONCE, changes.recv()).await.expect("no notification arrived").unwrap()
    };
    harness.engine.delete_session("a-session").await.unwrap();
    assert_eq!(reported(&mut changes).await, Engine::session_handle("a-session"));
    let (admin, _) = harness.newcomer("Beta").await;
    let user = UserId::parse(admin.id().unwrap()).unwrap();
    harness.engine.end_other_sessions(&user, "", "").await.unwrap();
    assert_eq!(reported(&mut changes).await, user.as_str());
    other.stop().await;
}

#[tokio::test]
async fn a_live_node_takes_over_from_a_dead_one_within_fifteen_seconds() {
    let harness = TestHarness::new(On::Postgres).await;
    harness.endpoint().await;
    let other = harness.another_running().await;
    // The first node leases them and dies: its heartbeats stop.
    for call in 0..20 {
        harness.accept(EventKind::CallProcessed, call).await;
    }
    // The most that may pass until the other's next heartbeat, which is then the last one within the promise.
    harness.clock.step_ms(TAKEOVER_MAX_MS - HEARTBEAT_MS + 1);
    let taken = tokio::time::timeout(AT_ONCE, harness.receiver.has_received(20)).await;
    assert!(taken.is_ok(), "{} of 20 were taken over", harness.receiver.received().len());
    other.stop().await;
}

#[tokio::test]
async fn a_node_that_was_silent_checks_its_leases_before_it_sends() {
    let harness = TestHarness::new(On::Postgres).await;
    harness.endpoint().await;
    let other = harness.another_running().await;
    // As after a pause of the whole process: the others may have taken over.
    harness.clock.step_ms(NODE_TIMEOUT_MS);
    harness.accept_by(&other, EventKind::CallProcessed, 1).await;
    tokio::time::timeout(AT_ONCE, harness.receiver.has_received(1)).await.expect("it continues after a heartbeat");
    let beats = harness.texts("SELECT CAST(MAX(heartbeat_ms) AS TEXT) FROM nodes".to_owned()).await;
    assert_eq!(beats, [harness.now().0.to_string()], "it sent before its heartbeat");
    other.stop().await;
}

#[tokio::test]
async fn what_all_nodes_share_is_reported_by_one_of_them() {
    let harness = TestHarness::new(On::Postgres).await;
    let other = harness.another().await;
    let names = async |engine: &Engine| -> Vec<&'static str> {
        engine.metrics().await.unwrap().into_iter().map(|metric| metric.name).collect()
    };
    let shared = ["offhook_deliveries_waiting", "offhook_oldest_due_timestamp_seconds", "offhook_endpoints"];
    let (here, there) = (names(&harness.engine).await, names(&other).await);
    for name in shared {
        assert_ne!(here.contains(&name), there.contains(&name), "{name}");
    }
    assert!(here.contains(&"offhook_attempts_in_flight") && there.contains(&"offhook_attempts_in_flight"));
    let (reporting, silent) =
        if here.contains(&shared[0]) { (&harness.engine, &other) } else { (&other, &harness.engine) };
    reporting.stop().await;
    // A node that has left or died no longer reports.
    assert!(names(silent).await.contains(&shared[0]));
}

#[tokio::test]
async fn the_listener_has_a_connection_of_its_own() {
    let harness = TestHarness::new(On::Postgres).await;
    let listening =
        "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let before = harness.texts(listening.to_owned()).await.len();
    let other = harness.another_running().await;
    assert_eq!(harness.texts(listening.to_owned()).await.len(), before + 1, "one per node");
    // All connections of its pools are free.
    let mut held = Vec::new();
    for pool in [&other.context().db.readers, &other.context().db.writer] {
        let Pool::Postgres(pool) = pool else { panic!("this harness uses PostgreSQL") };
        for _ in 0..pool.options().get_max_connections() {
            held.push(pool.acquire().await.expect("a connection is missing"));
        }
    }
    drop(held);
    other.stop().await;
}

#[tokio::test]
async fn a_change_in_many_accounts_is_announced_in_as_many_round_trips_as_in_one() {
    let direct = database::fresh().await;
    let proxy = Proxy::start(&direct).await;
    let harness = TestHarness::on(proxy.url(&direct), tempfile::tempdir().unwrap()).await;
    let trips = async |accounts: usize| {
        let before = proxy.round_trips();
        harness.engine.sender().changed((0..accounts).map(|n| format!("acct_{accounts}_{n}"))).await;
        proxy.round_trips() - before
    };
    // To look whether the connection still works, to prepare the statement, and to execute it.
    let one = trips(1).await;
    assert!(one > 0);
    assert!(trips(50).await <= one, "as many as for one");
}
