//! Uploads of call record files: their places, and what is left of them.

use domain::{
    Error,
    actor::Actor,
    connector::imports::{FILES_MAX, ImportState, NewPiece, Reading, RecordImports, UNUSED_KEPT_MS, UPLOAD_LEASE_MS},
};
use engine::{
    background::Worker as _,
    store::{connectors::imports, db::Dialect},
};
use futures::future::join_all;

use crate::{
    connectors::create,
    harness::{TestHarness, on_both},
    imports::{connector, pieces, uploaded},
};

on_both! { a_file_that_does_not_arrive_leaves_nothing an_upload_keeps_its_place_while_bytes_arrive an_upload_that_lost_its_place_does_not_get_it_back a_restart_frees_the_places_of_uploads too_many_files_are_refused_and_old_ones_forgotten uploads_at_once_are_counted_one_after_the_other a_file_that_is_started_at_the_last_moment_is_kept }

async fn a_file_that_does_not_arrive_leaves_nothing(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    let imp = engine.begin_upload(admin, &con).await.unwrap();
    engine.add_piece(admin, &con, &imp, NewPiece { number: 0, bytes: b"x" }).await.unwrap();
    engine.cancel_import(admin, &con, &imp).await.unwrap();
    assert!(engine.record_import(admin, &con, &imp).await.is_err());
    assert_eq!(pieces(&harness).await, [""; 0]);
    engine.begin_upload(admin, &con).await.unwrap();
    assert_eq!(engine.record_imports(admin, &con).await.unwrap().len(), 1);
    harness.clock.step_ms(UPLOAD_LEASE_MS);
    assert!(engine.record_imports(admin, &con).await.unwrap().is_empty(), "nobody will send the rest");
}

async fn an_upload_keeps_its_place_while_bytes_arrive(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    let slow = engine.begin_upload(admin, &con).await.unwrap();
    for _ in 1..FILES_MAX {
        engine.begin_upload(admin, &con).await.unwrap();
    }
    for number in 0..4 {
        harness.clock.step_ms(UPLOAD_LEASE_MS - 1);
        match number {
            0 | 2 => engine.keep_upload(admin, &con, &slow).await.unwrap(),
            _ => engine.add_piece(admin, &con, &slow, NewPiece { number, bytes: b"x" }).await.unwrap(),
        }
    }
    engine.background().connector_watch.tick().await.unwrap();
    let kept = engine.record_imports(admin, &con).await.unwrap();
    assert!(matches!(&kept[..], [import] if import.id == slow), "{kept:?}");
    engine.end_upload(admin, &con, &slow, "slow.csv").await.unwrap();
    assert!(engine.keep_upload(admin, &con, &slow).await.is_err(), "it has arrived");
}

async fn an_upload_that_lost_its_place_does_not_get_it_back(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    let stalled = engine.begin_upload(admin, &con).await.unwrap();
    engine.add_piece(admin, &con, &stalled, NewPiece { number: 0, bytes: b"x" }).await.unwrap();
    harness.clock.step_ms(UPLOAD_LEASE_MS);
    for _ in 0..FILES_MAX {
        engine.begin_upload(admin, &con).await.unwrap();
    }
    let tried = async || {
        [
            engine.keep_upload(admin, &con, &stalled).await,
            engine.add_piece(admin, &con, &stalled, NewPiece { number: 1, bytes: b"x" }).await,
            engine.end_upload(admin, &con, &stalled, "calls.csv").await,
        ]
    };
    for refused in tried().await {
        let lost = matches!(&refused, Err(Error::Conflict { detail, .. }) if detail.contains("Upload it again."));
        assert!(lost, "{refused:?}");
    }
    assert_eq!(engine.record_imports(admin, &con).await.unwrap().len(), FILES_MAX as usize);
    harness.clock.step_ms(1);
    engine.background().connector_watch.tick().await.unwrap();
    assert!(matches!(engine.record_import(admin, &con, &stalled).await, Err(Error::NotFound(_))), "it is deleted");
    for refused in tried().await {
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    }
}

async fn a_restart_frees_the_places_of_uploads(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    for _ in 0..FILES_MAX {
        engine.begin_upload(admin, &con).await.unwrap();
    }
    engine.release_imports().await.unwrap();
    // Another node may be receiving them.
    if engine.context().db.dialect == Dialect::Postgres {
        assert!(engine.begin_upload(admin, &con).await.is_err());
        harness.clock.step_ms(UPLOAD_LEASE_MS);
    }
    assert!(engine.begin_upload(admin, &con).await.is_ok());
    assert_eq!(engine.record_imports(admin, &con).await.unwrap().len(), 1);
}

async fn too_many_files_are_refused_and_old_ones_forgotten(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    let waiting = uploaded(&harness, &con).await;
    for _ in 1..FILES_MAX {
        engine.begin_upload(admin, &con).await.unwrap();
    }
    assert!(matches!(engine.begin_upload(admin, &con).await, Err(Error::Conflict { .. })));
    harness.clock.step_ms(UPLOAD_LEASE_MS + 1);
    assert!(engine.begin_upload(admin, &con).await.is_ok(), "what did not arrive does not count");
    harness.clock.step_ms(UNUSED_KEPT_MS);
    engine.background().connector_watch.tick().await.unwrap();
    assert!(engine.record_import(admin, &con, &waiting).await.is_err());
    assert_eq!(pieces(&harness).await, [""; 0]);
}

async fn uploads_at_once_are_counted_one_after_the_other(harness: TestHarness) {
    let con = connector(&harness).await;
    let platform = create(&harness, &Actor::COMMAND_LINE, "other", "files").await.connector.id;
    for (actor, con) in [(&harness.admin, &con), (&Actor::COMMAND_LINE, &platform)] {
        let begun = join_all((0..12).map(|_| harness.engine.begin_upload(actor, con))).await;
        assert_eq!(begun.iter().filter(|begun| begun.is_ok()).count(), FILES_MAX as usize, "{begun:?}");
    }
}

async fn a_file_that_is_started_at_the_last_moment_is_kept(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    let (late, unused) = (uploaded(&harness, &con).await, uploaded(&harness, &con).await);
    harness.clock.step_ms(UNUSED_KEPT_MS + 1);
    let (db, now) = (&engine.context().db, harness.now());
    let listed = imports::expired(db, now, 10).await.unwrap();
    assert_eq!(listed, [late.as_str(), unused.as_str()]);
    engine.start_import(admin, &con, &late, &Reading::default()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    for (id, removed) in [(&late, false), (&unused, true)] {
        assert_eq!(imports::remove_expired(&mut tx, id.as_str(), now).await.unwrap(), removed);
    }
    tx.commit().await.unwrap();
    assert_eq!(engine.record_import(admin, &con, &late).await.unwrap().state, ImportState::Running);
    assert!(engine.record_import(admin, &con, &unused).await.is_err());
    assert_eq!(pieces(&harness).await.len(), 2, "those of the import that runs");
}
