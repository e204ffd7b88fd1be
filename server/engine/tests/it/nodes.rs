//! Several nodes on one Postgres, in real time: what one hears from another does not wait for its next look.

use std::time::Duration;

use domain::{delivery::Status, event::EventKind};

use engine::store::nodes::{HEARTBEAT_MS, SILENT_MS, TAKEOVER_MAX_MS};

use crate::bed::{Bed, On};

/// Far less than a node waits before it looks by itself.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_resume_through_one_node_wakes_the_other() {
    let bed = Bed::new(On::Postgres).await;
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    // The second node runs by itself; the first takes events in and sends nothing.
    let other = bed.another_running().await;
    let mut changes = other.changes();
    bed.resume(&endpoint.id).await;
    let delivered = async {
        while bed.only_delivery().await.row.status != Status::Delivered {
            let _ = changes.recv().await;
        }
    };
    tokio::time::timeout(AT_ONCE, delivered).await.expect("the other node was not woken");
    other.stop().await;
}

#[tokio::test]
async fn a_change_through_one_node_is_seen_by_the_feed_of_the_other() {
    let bed = Bed::new(On::Postgres).await;
    let other = bed.another_running().await;
    let mut changes = other.changes();
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    let account = tokio::time::timeout(AT_ONCE, changes.recv()).await.expect("nothing was heard").unwrap();
    assert_eq!(Some(&account), bed.token.account().ok());
    other.stop().await;
}

#[tokio::test]
async fn a_living_node_takes_over_from_a_dead_one_within_fifteen_seconds() {
    let bed = Bed::new(On::Postgres).await;
    bed.endpoint().await;
    let other = bed.another_running().await;
    // The first node has them in hand and dies: nobody beats for it any more.
    for call in 0..20 {
        bed.accept(EventKind::CallProcessed, call).await;
    }
    // All that may pass until the other's next heartbeat, which is then the last within the promise.
    bed.clock.step_ms(TAKEOVER_MAX_MS - HEARTBEAT_MS + 1);
    let taken = tokio::time::timeout(AT_ONCE, bed.receiver.has_received(20)).await;
    assert!(taken.is_ok(), "{} of 20 were taken over", bed.receiver.received().len());
    other.stop().await;
}

#[tokio::test]
async fn a_node_that_was_silent_asks_before_it_sends() {
    let bed = Bed::new(On::Postgres).await;
    bed.endpoint().await;
    let other = bed.another_running().await;
    // As after a stop of the whole process: nobody knows yet whether the others have taken over.
    bed.clock.step_ms(SILENT_MS);
    bed.accept_by(&other, EventKind::CallProcessed, 1).await;
    tokio::time::timeout(AT_ONCE, bed.receiver.has_received(1)).await.expect("it goes on after a heartbeat");
    let beats = bed.texts("SELECT CAST(MAX(heartbeat_ms) AS TEXT) FROM nodes".to_owned()).await;
    assert_eq!(beats, [bed.now().0.to_string()], "it sent before it knew");
    other.stop().await;
}
