//! The engine's readiness.

use std::{fs::File, os::unix::fs::FileExt as _};

use domain::{
    Error,
    event::EventKind,
    ops::{OpsAccounts as _, health::HealthLevel},
    time::SECOND_MS,
};

use crate::{
    crashes::limit_pages,
    harness::{On, TestHarness, on_both},
    ops::operator,
};

on_both! { a_responding_database_is_ready a_database_that_returns_errors_is_not_ready readiness_does_not_write_each_time_it_is_asked }

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

async fn readiness_does_not_write_each_time_it_is_asked(harness: TestHarness) {
    let probed = async || harness.text("SELECT CAST(COALESCE(probed_ms, 0) AS TEXT) FROM nodes").await;
    assert_eq!(harness.engine.ready().await, Ok(()));
    let first = probed().await;
    assert_ne!(first, "0", "nothing else has written, so it tried");
    harness.clock.step_ms(9 * SECOND_MS);
    assert_eq!(harness.engine.ready().await, Ok(()));
    assert_eq!(probed().await, first, "it was writable a moment ago");
    harness.clock.step_ms(2 * SECOND_MS);
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.engine.ready().await, Ok(()));
    assert_eq!(probed().await, first, "an event was just stored");
    harness.clock.step_ms(11 * SECOND_MS);
    assert_eq!(harness.engine.ready().await, Ok(()));
    assert_ne!(probed().await, first);
}

#[tokio::test]
async fn a_full_disk_is_not_ready_until_there_is_space_and_operators_are_told() {
    let harness = TestHarness::new(On::Sqlite).await;
    let olga = operator(&harness).await;
    harness.endpoint().await;
    assert_eq!(harness.engine.ready().await, Ok(()));
    limit_pages(&harness, "1").await;
    let mut refused = Vec::new();
    for call in 0..500 {
        refused.extend(harness.accept_as(EventKind::CallProcessed, call, None).await.err());
        if !refused.is_empty() {
            break;
        }
    }
    let Some(Error::Unavailable { detail, .. }) = refused.first() else { panic!("{refused:?}") };
    assert!(detail.contains("disk of the database is full"), "{detail}");
    let reason = harness.engine.ready().await.unwrap_err();
    assert!(reason.contains("full"), "{reason}");
    let (level, verdict) = harness.engine.health(&olga).await.unwrap().verdict();
    assert!(level == HealthLevel::Failing && verdict.contains(&reason), "{verdict}");
    limit_pages(&harness, "1073741823").await;
    harness.clock.step_ms(SECOND_MS);
    assert_eq!(harness.engine.ready().await, Ok(()), "it tries again without a restart");
    assert_eq!(harness.engine.health(&olga).await.unwrap().verdict().0, HealthLevel::Healthy);
}

#[tokio::test]
async fn a_database_file_that_was_deleted_or_replaced_accepts_nothing() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    let path = std::path::PathBuf::from(harness.database_url().strip_prefix("sqlite://").unwrap());
    let aside = path.with_extension("aside");
    std::fs::rename(&path, &aside).unwrap();
    let reason = harness.engine.ready().await.unwrap_err();
    assert!(reason.contains("deleted or replaced"), "{reason}");
    std::fs::copy(&aside, &path).unwrap();
    assert_eq!(harness.engine.ready().await, Err(reason), "a copy is not what is open");
    let refused = harness.accept_as(EventKind::CallProcessed, 1, None).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "an event would be lost: {refused:?}");
    std::fs::rename(&aside, &path).unwrap();
    harness.clock.step_ms(SECOND_MS);
    assert_eq!(harness.engine.ready().await, Ok(()));
    assert!(harness.accept_as(EventKind::CallProcessed, 1, None).await.is_ok());
}

#[tokio::test]
async fn a_write_ahead_log_that_was_deleted_accepts_nothing() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    assert_eq!(harness.engine.ready().await, Ok(()));
    let log = format!("{}-wal", harness.database_url().strip_prefix("sqlite://").unwrap());
    std::fs::remove_file(log).unwrap();
    let refused = harness.accept_as(EventKind::CallProcessed, 1, None).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "an event would be lost: {refused:?}");
    let reason = harness.engine.ready().await.unwrap_err();
    assert!(reason.contains("offhook.db-wal was deleted or replaced"), "{reason}");
}
