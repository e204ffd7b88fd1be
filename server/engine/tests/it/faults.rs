//! The database goes away in the middle of the work and comes back: locked, restarted, or silent after a commit.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{
    Error,
    delivery::{Deliveries as _, Status},
    event::EventKind,
};
use engine::{Engine, clock::sleep_ms};
use futures::future::join_all;
use tokio::sync::Semaphore;

use crate::{
    bed::{Bed, On, on_both},
    cluster::Cluster,
    receiver::Reply,
};

on_both! {
    leases_whose_commit_had_no_answer_are_found
    leases_that_are_in_hand_are_not_taken_for_astray
}

/// How long another process holds the lock of the file.
const LOCKED_MS: u64 = 10_000;
/// Longest wait for something that should happen within seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until every accepted event has been delivered.
async fn all_delivered(bed: &Bed, engine: &Engine) {
    let delivered = async {
        let mut changes = engine.changes();
        loop {
            let rows = bed.deliveries_by(engine).await;
            if rows.iter().all(|row| row.status == Status::Delivered) {
                return rows.len();
            }
            let _ = tokio::time::timeout(Duration::from_secs(1), changes.recv()).await;
        }
    };
    tokio::time::timeout(PATIENCE, delivered).await.expect("not everything was delivered");
}

/// How often each event arrived.
fn arrivals(bed: &Bed) -> HashMap<String, usize> {
    let mut arrivals = HashMap::new();
    for request in bed.receiver.received() {
        *arrivals.entry(request.header("webhook-id").unwrap()).or_default() += 1;
    }
    arrivals
}

#[tokio::test]
async fn a_file_that_is_locked_for_ten_seconds_loses_nothing_and_repeats_nothing() {
    use sqlx::{ConnectOptions as _, Executor as _};
    let bed = Bed::new(On::Sqlite).await;
    bed.endpoint().await;
    let engine = bed.another_running().await;
    let gate = Arc::new(Semaphore::new(0));
    bed.receiver.usually(Reply::Wait(gate.clone()));
    join_all((0..8).map(|call| bed.accept_by(&engine, EventKind::CallProcessed, call))).await;
    bed.receiver.has_received(8).await;
    let options: sqlx::sqlite::SqliteConnectOptions = bed.database_url().parse().unwrap();
    let mut other = options.connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    // All eight are answered now, and none of the outcomes can be written.
    gate.add_permits(1_000);
    let (refused, ()) = tokio::join!(bed.try_accept_by(&engine, 100, None), sleep_ms(LOCKED_MS));
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    other.execute("ROLLBACK").await.unwrap();
    let again = async {
        while bed.try_accept_by(&engine, 101, Some("again")).await.is_err() {
            sleep_ms(50).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("intake did not resume");
    all_delivered(&bed, &engine).await;
    assert!(arrivals(&bed).values().all(|times| *times == 1), "{:?}", arrivals(&bed));
    assert_eq!(arrivals(&bed).len(), 9, "what was refused is not sent");
    engine.stop().await;
}

/// Events of the run that Postgres is restarted in.
const EVENTS: u32 = 600;
/// Events posted at once.
const AT_ONCE: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_restarted_in_the_middle_and_nothing_is_lost() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let bed = Arc::new(Bed::on(cluster.url(), tempfile::tempdir().unwrap()).await);
    bed.endpoint().await;
    let engine = bed.another_running().await;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let posts = (0..EVENTS).map(|n| {
        let (bed, engine, room) = (bed.clone(), engine.clone(), room.clone());
        tokio::spawn(async move {
            let _room = room.acquire().await.unwrap();
            let id = format!("restart-{n}");
            let mut refused = 0;
            // A platform goes on until the event is taken.
            while bed.try_accept_by(&engine, n, Some(&id)).await.is_err() {
                refused += 1;
                sleep_ms(50).await;
            }
            refused
        })
    });
    let posts: Vec<_> = posts.collect();
    for part in 1..=2 {
        bed.receiver.has_received(EVENTS as usize * part / 4).await;
        cluster.restart();
    }
    let refused: u32 = join_all(posts).await.into_iter().map(Result::unwrap).sum();
    all_of_them(&bed).await;
    assert!(refused > 0, "nothing was refused, so nothing happened in the middle");
    engine.stop().await;
}

/// Waits until each of the events has arrived at least once.
async fn all_of_them(bed: &Bed) {
    let everything = async {
        let mut received = 0;
        while arrivals(bed).len() < EVENTS as usize {
            received = bed.receiver.received().len().max(received + 1);
            let _ = tokio::time::timeout(Duration::from_secs(1), bed.receiver.has_received(received)).await;
        }
    };
    let all = tokio::time::timeout(PATIENCE, everything).await;
    assert!(all.is_ok(), "only {} of {EVENTS} arrived", arrivals(bed).len());
}

/// As after a commit that happened while its answer was lost: the lease stands, and nobody has it in hand.
async fn lease_in_nobodys_hands(bed: &Bed) {
    bed.execute("UPDATE deliveries SET lease_owner = (SELECT MAX(id) FROM nodes), due_ms = created_ms").await.unwrap();
}

async fn leases_whose_commit_had_no_answer_are_found(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    join_all((0..3).map(|call| bed.accept(EventKind::CallProcessed, call))).await;
    lease_in_nobodys_hands(&bed).await;
    bed.resume(&endpoint.id).await;
    let sender = bed.engine.sender();
    assert_eq!((bed.run().await, sender.find_astray().await.unwrap()), (0, 0), "without a doubt nobody looks");
    bed.engine.sender().mark_uncertain();
    assert_eq!(sender.find_astray().await.unwrap(), 0, "once may be the moment of a hand-over");
    assert_eq!(sender.find_astray().await.unwrap(), 3);
    assert_eq!(bed.run().await, 3);
    assert_eq!(sender.find_astray().await.unwrap(), 0);
    assert!(bed.deliveries().await.iter().all(|row| row.status == Status::Delivered));
}

async fn leases_that_are_in_hand_are_not_taken_for_astray(bed: Bed) {
    bed.endpoint().await;
    join_all((0..5).map(|call| bed.accept(EventKind::CallProcessed, call))).await;
    let sender = bed.engine.sender();
    sender.mark_uncertain();
    assert_eq!(sender.find_astray().await.unwrap() + sender.find_astray().await.unwrap(), 0);
    assert_eq!(bed.run().await, 5);
    assert_eq!(bed.receiver.received().len(), 5);
}

#[tokio::test]
async fn a_refused_event_whose_commit_stands_is_sent_when_it_is_posted_again() {
    let bed = Bed::new(On::Postgres).await;
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    bed.try_accept_by(&bed.engine, 1, Some("own-1")).await.unwrap();
    lease_in_nobodys_hands(&bed).await;
    bed.resume(&endpoint.id).await;
    let again = bed.try_accept_by(&bed.engine, 1, Some("own-1")).await.unwrap();
    assert!(again.repeated);
    let sender = bed.engine.sender();
    sender.mark_uncertain();
    sender.find_astray().await.unwrap();
    sender.find_astray().await.unwrap();
    bed.run().await;
    assert_eq!(bed.only_delivery().await.row.status, Status::Delivered);
    assert_eq!(bed.engine.delivery_counts(&bed.admin, &Default::default()).await.unwrap().matching, 1);
}
