//! Whether the engine says that it can work.

use std::{fs::File, os::unix::fs::FileExt as _};

use domain::event::EventKind;

use crate::bed::{Bed, On, on_both};

on_both! {
    a_database_that_answers_is_ready
    a_database_that_answers_with_an_error_is_not_ready
}

async fn a_database_that_answers_is_ready(bed: Bed) {
    bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    assert_eq!(bed.engine.ready().await, Ok(()));
}

async fn a_database_that_answers_with_an_error_is_not_ready(bed: Bed) {
    bed.execute("DROP TABLE attempts").await.unwrap();
    let reason = bed.engine.ready().await.unwrap_err();
    assert!(reason.contains("attempts"), "{reason}");
}

#[tokio::test]
async fn a_database_file_with_a_broken_page_is_not_ready() {
    let bed = Bed::new(On::Sqlite).await;
    bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.engine.stop().await;
    let number = async |query: &str| bed.texts(query.to_owned()).await[0].parse::<u64>().unwrap();
    let page = number("SELECT CAST(rootpage AS TEXT) FROM sqlite_master WHERE name = 'events'").await;
    let bytes = number("SELECT CAST(page_size AS TEXT) FROM pragma_page_size").await;
    let path = bed.database_url().strip_prefix("sqlite://").unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&vec![0xA5; usize::try_from(bytes).unwrap()], (page - 1) * bytes).unwrap();
    // Nothing that is done at the start reads events.
    let later = bed.another().await;
    let reason = later.ready().await.unwrap_err();
    assert!(reason.contains("malformed"), "{reason}");
}
