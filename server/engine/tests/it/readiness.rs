//! The engine's readiness.

use std::{fs::File, os::unix::fs::FileExt as _};

use domain::event::EventKind;

use crate::harness::{On, TestHarness, on_both};

on_both! { a_responding_database_is_ready a_database_that_returns_errors_is_not_ready }

async fn a_responding_database_is_ready(harness: TestHarness) {
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    assert_eq!(harness.engine.ready().await, Ok(()));
}

async fn a_database_that_returns_errors_is_not_ready(harness: TestHarness) {
    harness.execute("DROP TABLE attempts").await.unwrap();
    let reason = harness.engine.ready().await.unwrap_err();
    assert!(reason.contains("attempts"), "{reason}");
}

#[tokio::test]
async fn a_corrupt_database_file_is_not_ready() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.engine.stop().await;
    let number = async |query: &str| harness.texts(query.to_owned()).await[0].parse::<u64>().unwrap();
    let page = number("SELECT CAST(rootpage AS TEXT) FROM sqlite_master WHERE name = 'events'").await;
    let bytes = number("SELECT CAST(page_size AS TEXT) FROM pragma_page_size").await;
    let path = harness.database_url().strip_prefix("sqlite://").unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&vec![0xA5; usize::try_from(bytes).unwrap()], (page - 1) * bytes).unwrap();
    // Opening does not read events.
    let later = harness.another().await;
    let reason = later.ready().await.unwrap_err();
    assert!(reason.contains("malformed"), "{reason}");
}
