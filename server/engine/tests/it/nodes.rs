//! Several nodes on one Postgres, in real time: what one hears from another does not wait for its next look.

use std::time::Duration;

use domain::{delivery::Status, endpoint::Endpoints, event::EventKind};

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
    let heard = async {
        loop {
            bed.engine.pause_endpoint(&bed.admin, &endpoint.id).await.unwrap();
            bed.clock.step_ms(1_000);
            if let Ok(account) = changes.recv().await {
                return account;
            }
        }
    };
    let account = tokio::time::timeout(AT_ONCE, heard).await.expect("nothing was heard");
    assert_eq!(Some(&account), bed.token.account().ok());
    other.stop().await;
}
