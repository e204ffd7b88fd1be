//! SQLite's log is folded into the file beside the writer, soon after a commit and without one.

use std::time::Duration;

use domain::event::EventKind;
use engine::clock::sleep_ms;
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

use crate::bed::{Bed, On};

/// Far less than any load takes to fill the log up to where the writer would fold it.
const SOON: Duration = Duration::from_secs(5);

/// How many events the file holds, its log left aside.
async fn events_in_the_file(bed: &Bed) -> i64 {
    let options: SqliteConnectOptions = bed.database_url().parse().unwrap();
    let mut file = options.immutable(true).read_only(true).connect().await.unwrap();
    // Before the first folding there is not even a table.
    sqlx::query_scalar("SELECT COUNT(*) FROM events").fetch_one(&mut file).await.unwrap_or_default()
}

#[tokio::test]
async fn what_is_committed_comes_into_the_file_by_itself() {
    let bed = Bed::new(On::Sqlite).await;
    bed.endpoint().await;
    let engine = bed.another_running().await;
    bed.accept_by(&engine, EventKind::CallProcessed, 1).await;
    let folded = async {
        while events_in_the_file(&bed).await == 0 {
            sleep_ms(20).await;
        }
    };
    tokio::time::timeout(SOON, folded).await.expect("the event stayed in the log");
    engine.stop().await;
}
