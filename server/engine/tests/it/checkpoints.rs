//! SQLite's write-ahead log is checkpointed beside the writer, soon after a commit and without another one.

use std::time::Duration;

use domain::event::EventKind;
use engine::clock::sleep_ms;
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

use crate::harness::{On, TestHarness};

/// Far less than it takes to fill the log to the point where the writer itself would checkpoint it.
const SOON: Duration = Duration::from_secs(5);

/// Number of events in the file, without its log.
async fn events_in_the_file(harness: &TestHarness) -> i64 {
    let options: SqliteConnectOptions = harness.database_url().parse().unwrap();
    let mut file = options.immutable(true).read_only(true).connect().await.unwrap();
    // Before the first checkpoint the file has no table.
    sqlx::query_scalar("SELECT COUNT(*) FROM events").fetch_one(&mut file).await.unwrap_or_default()
}

#[tokio::test]
async fn a_commit_reaches_the_file_without_further_writes() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    let engine = harness.another_running().await;
    harness.accept_by(&engine, EventKind::CallProcessed, 1).await;
    let folded = async {
        while events_in_the_file(&harness).await == 0 {
            sleep_ms(20).await;
        }
    };
    tokio::time::timeout(SOON, folded).await.expect("the event stayed in the log");
    engine.stop().await;
}
