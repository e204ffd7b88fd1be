//! Imports of call record files: how a file is kept, who may start an import, and how a run takes over another.

use domain::{
    Error,
    account::StaffRole,
    audit::{Audit, AuditAction, AuditFilter},
    connector::{
        Connectors,
        imports::{
            BadRecord, IMPORTS_KEPT_MS, ImportProgress, ImportState, NewPiece, Reading, RecordImports, TRIES_MAX,
            WAITING_MAX_MS,
        },
    },
    id::{ConnectorId, ImportId},
};
use engine::{ImportRun, Wait, background::Worker as _};

use crate::{
    connectors::create,
    harness::{TestHarness, on_both},
    support::{inside, staff},
};

on_both! { a_file_is_kept_sealed_until_its_import_ends only_one_run_has_an_import_and_another_takes_over a_run_that_saves_nothing_is_taken_over an_import_that_kills_its_runs_is_given_up an_import_that_gets_further_is_never_given_up an_import_that_waits_for_its_owner_for_too_long_ends time_that_is_not_its_own_ends_no_import an_owner_has_two_runs_at_once_and_imports_take_turns a_cancelled_import_ends_its_run a_deleted_connector_leaves_no_files support_sees_imports_but_not_their_rows }

pub(crate) const NUMBER: &str = "01632960001";

pub(crate) async fn connector(harness: &TestHarness) -> ConnectorId {
    create(harness, &harness.admin, "other", "files").await.connector.id
}

/// A file with a phone number that is here.
pub(crate) async fn uploaded(harness: &TestHarness, con: &ConnectorId) -> ImportId {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let imp = engine.begin_upload(admin, con).await.unwrap();
    for (number, bytes) in [(0, NUMBER.repeat(100)), (1, "end".to_owned())] {
        engine.add_piece(admin, con, &imp, NewPiece { number, bytes: bytes.as_bytes() }).await.unwrap();
    }
    engine.end_upload(admin, con, &imp, "C:\\calls.csv").await.unwrap();
    imp
}

pub(crate) async fn started(harness: &TestHarness, con: &ConnectorId) -> ImportId {
    let imp = uploaded(harness, con).await;
    harness.engine.start_import(&harness.admin, con, &imp, &Reading::default()).await.unwrap();
    imp
}

/// A file that is being imported, with a row that was not understood.
pub(crate) async fn kept(harness: &TestHarness) {
    let con = connector(harness).await;
    started(harness, &con).await;
    let run = harness.engine.claim_import().await.unwrap().unwrap();
    let progress = ImportProgress { items: 1, not_understood: 1, ..ImportProgress::default() };
    assert!(harness.engine.save_import(&run, (&progress, &[bad(NUMBER)]), None).await.unwrap());
}

fn bad(reason: &str) -> BadRecord {
    BadRecord { line: Some(7), reason: reason.to_owned() }
}

pub(crate) async fn pieces(harness: &TestHarness) -> Vec<String> {
    harness.texts("SELECT piece_sealed FROM record_import_pieces".into()).await
}

async fn a_file_is_kept_sealed_until_its_import_ends(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    let imp = uploaded(&harness, &con).await;
    let import = engine.record_import(admin, &con, &imp).await.unwrap();
    assert_eq!((import.file_name.as_str(), import.file_bytes, import.state), ("calls.csv", 1_103, ImportState::Ready));
    assert!(engine.first_piece(admin, &con, &imp).await.unwrap().starts_with(NUMBER.as_bytes()));
    let stored = pieces(&harness).await;
    assert!(stored.len() == 2 && stored.iter().all(|piece| !piece.contains(NUMBER)), "{stored:?}");
    let reading = Reading { preset: "columns".into(), caller: "2".into(), ..Reading::default() };
    engine.start_import(admin, &con, &imp, &reading).await.unwrap();
    let again = engine.start_import(admin, &con, &imp, &reading).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    let remembered = engine.connector(admin, &con).await.unwrap();
    assert_eq!(Reading::suggested(&remembered, "UTC"), reading);
    let run = engine.claim_import().await.unwrap().unwrap();
    assert_eq!(engine.import_piece(&imp, 1).await.unwrap().as_deref(), Some(&b"end"[..]));
    assert_eq!(engine.import_piece(&imp, 2).await.unwrap(), None);
    let progress = ImportProgress { items: 1, not_understood: 1, ..ImportProgress::default() };
    assert!(engine.save_import(&run, (&progress, &[bad(NUMBER)]), None).await.unwrap());
    let rows = harness.texts("SELECT rows_sealed FROM record_import_rows".into()).await;
    assert!(rows.len() == 1 && !rows[0].contains(NUMBER));
    assert!(engine.end_import(&run, ImportState::Done, None).await.unwrap());
    assert_eq!(pieces(&harness).await, [""; 0], "the file is deleted");
    assert_eq!(engine.bad_records(admin, &con, &imp).await.unwrap(), [bad(NUMBER)]);
    let filter = AuditFilter::parse("?area=connector");
    assert_eq!(engine.audit(admin, &filter).await.unwrap().rows[0].action, AuditAction::ConnectorImportStarted);
    harness.clock.step_ms(IMPORTS_KEPT_MS + 1);
    engine.background().connector_watch.tick().await.unwrap();
    assert!(engine.record_import(admin, &con, &imp).await.is_err());
    assert_eq!(harness.texts("SELECT rows_sealed FROM record_import_rows".into()).await, [""; 0]);
}

async fn only_one_run_has_an_import_and_another_takes_over(harness: TestHarness) {
    let engine = &harness.engine;
    let con = connector(&harness).await;
    started(&harness, &con).await;
    let first = engine.claim_import().await.unwrap().unwrap();
    assert!(engine.claim_import().await.unwrap().is_none());
    let progress = ImportProgress { items: 200, imported: 200, ..ImportProgress::default() };
    assert!(engine.save_import(&first, (&progress, &[]), None).await.unwrap());
    harness.clock.step_ms(10_000);
    assert!(engine.renew_import(&first).await.unwrap());
    harness.clock.step_ms(10_000);
    assert!(engine.claim_import().await.unwrap().is_none(), "it was renewed");
    harness.clock.step_ms(60_000);
    let second = engine.claim_import().await.unwrap().unwrap();
    assert_eq!(second.import.progress, progress, "it continues where the first had saved");
    assert!(!engine.renew_import(&first).await.unwrap());
    assert!(!engine.save_import(&first, (&ImportProgress::default(), &[]), None).await.unwrap());
    assert!(!engine.end_import(&first, ImportState::Failed, Some("no")).await.unwrap());
    assert!(engine.renew_import(&second).await.unwrap(), "the first can't end it any more");
}

/// What a run that is lost leaves: its lease ends.
async fn claimed_again(harness: &TestHarness) -> Option<ImportRun> {
    harness.clock.step_ms(60_000);
    harness.engine.claim_import().await.unwrap()
}

async fn a_run_that_saves_nothing_is_taken_over(harness: TestHarness) {
    let engine = &harness.engine;
    let con = connector(&harness).await;
    started(&harness, &con).await;
    let first = engine.claim_import().await.unwrap().unwrap();
    let progress = ImportProgress { items: 200, rows: 200, ..ImportProgress::default() };
    for step in 0..40 {
        harness.clock.step_ms(10_000);
        if step == 10 {
            assert!(engine.save_import(&first, (&progress, &[]), None).await.unwrap());
        }
        assert!(engine.renew_import(&first).await.unwrap(), "{step}");
    }
    harness.clock.step_ms(20_000);
    assert!(!engine.renew_import(&first).await.unwrap(), "five minutes after it saved something");
    let second = claimed_again(&harness).await.unwrap();
    assert_eq!((second.import.progress, second.import.tries), (progress, 0), "it continues at the saved row");
    assert!(!engine.save_import(&first, (&progress, &[]), None).await.unwrap(), "nothing is done twice");
    assert!(engine.end_import(&second, ImportState::Done, None).await.unwrap());
}

async fn an_import_that_kills_its_runs_is_given_up(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    let imp = started(&harness, &con).await;
    let progress = ImportProgress { items: 400, rows: 412, imported: 400, ..ImportProgress::default() };
    let run = engine.claim_import().await.unwrap().unwrap();
    assert!(engine.save_import(&run, (&progress, &[]), None).await.unwrap());
    for n in 0..TRIES_MAX {
        let run = claimed_again(&harness).await.unwrap();
        assert_eq!((run.import.tries, run.import.progress), (n, progress));
        let waits = Some(Wait::Run(Some("The account has posted as many events as it may.")));
        assert!(engine.save_import(&run, (&progress, &[]), waits).await.unwrap(), "waiting is no progress");
    }
    assert!(claimed_again(&harness).await.is_none());
    let import = engine.record_import(admin, &con, &imp).await.unwrap();
    assert_eq!((import.state, import.progress), (ImportState::Failed, progress));
    assert!(import.problem.unwrap().contains("the rows after row 412"));
    assert_eq!(pieces(&harness).await, [""; 0], "its file is deleted");
}

async fn an_import_that_gets_further_is_never_given_up(harness: TestHarness) {
    let engine = &harness.engine;
    let con = connector(&harness).await;
    started(&harness, &con).await;
    for n in 1..=2 * u64::from(TRIES_MAX) {
        let run = claimed_again(&harness).await.unwrap();
        let progress = ImportProgress { items: n, ..ImportProgress::default() };
        assert!(engine.save_import(&run, (&progress, &[]), None).await.unwrap());
    }
    let run = claimed_again(&harness).await.unwrap();
    assert_eq!((run.import.tries, run.import.progress.items), (0, 20));
}

async fn an_import_that_waits_for_its_owner_for_too_long_ends(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    let imp = started(&harness, &con).await;
    engine.pause_connector(admin, &con).await.unwrap();
    for _ in 0..=TRIES_MAX {
        let run = claimed_again(&harness).await.unwrap();
        blocked(&harness, &run).await;
    }
    harness.clock.step_ms(WAITING_MAX_MS);
    assert!(claimed_again(&harness).await.is_none());
    let import = engine.record_import(admin, &con, &imp).await.unwrap();
    let problem = import.problem.unwrap();
    assert_eq!(import.state, ImportState::Failed);
    assert!(problem.contains("for 7 days. The connector is paused. Once that is solved, import"), "{problem}");
    assert_eq!(pieces(&harness).await, [""; 0]);
}

/// The run ends, for the reason that its connector has.
async fn blocked(harness: &TestHarness, run: &ImportRun) {
    let why = harness.engine.importing_connector(&run.import.connector).await.unwrap_err().to_string();
    let waits = Some(Wait::Owner(&why));
    assert!(harness.engine.save_import(run, (&ImportProgress::default(), &[]), waits).await.unwrap());
}

async fn time_that_is_not_its_own_ends_no_import(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    started(&harness, &con).await;
    harness.clock.step_ms(WAITING_MAX_MS);
    let run = claimed_again(&harness).await.expect("the server was off, or other imports had their turn");
    engine.pause_connector(admin, &con).await.unwrap();
    blocked(&harness, &run).await;
    let run = claimed_again(&harness).await.expect("it has only been paused for a minute");
    blocked(&harness, &run).await;
    harness.clock.step_ms(WAITING_MAX_MS);
    engine.resume_connector(admin, &con).await.unwrap();
    let run = claimed_again(&harness).await.expect("it is not paused any more");
    let progress = ImportProgress { items: 1, imported: 1, ..ImportProgress::default() };
    assert!(engine.save_import(&run, (&progress, &[]), None).await.unwrap());
    harness.clock.step_ms(WAITING_MAX_MS);
    let run = claimed_again(&harness).await.expect("nothing was in its way");
    assert_eq!(run.import.progress, progress);
}

async fn an_owner_has_two_runs_at_once_and_imports_take_turns(harness: TestHarness) {
    let engine = &harness.engine;
    let con = connector(&harness).await;
    let first = [started(&harness, &con).await, started(&harness, &con).await, started(&harness, &con).await];
    let claimed = async || engine.claim_import().await.unwrap().map(|run| run.import.id);
    assert_eq!((claimed().await, claimed().await), (Some(first[0].clone()), Some(first[1].clone())));
    assert_eq!(claimed().await, None, "the third waits");
    harness.clock.step_ms(60_000);
    // None of them has ended, so that the one that has not had its turn goes first.
    assert_eq!((claimed().await, claimed().await), (Some(first[2].clone()), Some(first[0].clone())));
}

async fn a_cancelled_import_ends_its_run(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    let imp = started(&harness, &con).await;
    let run = engine.claim_import().await.unwrap().unwrap();
    engine.cancel_import(admin, &con, &imp).await.unwrap();
    assert!(!engine.renew_import(&run).await.unwrap());
    assert_eq!(engine.import_piece(&imp, 0).await.unwrap(), None);
    assert!(!engine.end_import(&run, ImportState::Failed, Some("lost")).await.unwrap(), "nothing has failed");
    let import = engine.record_import(admin, &con, &imp).await.unwrap();
    assert_eq!((import.state, import.problem), (ImportState::Cancelled, None));
    assert_eq!(pieces(&harness).await, [""; 0]);
    assert!(matches!(engine.cancel_import(admin, &con, &imp).await, Err(Error::Conflict { .. })));
    engine.pause_connector(admin, &con).await.unwrap();
    assert!(matches!(engine.begin_upload(admin, &con).await, Err(Error::Conflict { .. })), "it is paused");
}

async fn a_deleted_connector_leaves_no_files(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = connector(&harness).await;
    started(&harness, &con).await;
    engine.delete_connector(admin, &con).await.unwrap();
    engine.background().connector_watch.tick().await.unwrap();
    assert_eq!(harness.texts("SELECT id FROM record_imports".into()).await, [""; 0]);
    assert_eq!(pieces(&harness).await, [""; 0]);
}

async fn support_sees_imports_but_not_their_rows(harness: TestHarness) {
    let engine = &harness.engine;
    let con = connector(&harness).await;
    let imp = uploaded(&harness, &con).await;
    let (_, support, _) = inside(&harness).await;
    assert_eq!(engine.record_imports(&support, &con).await.unwrap().len(), 1);
    assert!(matches!(engine.first_piece(&support, &con, &imp).await, Err(Error::Forbidden(_))));
    assert!(matches!(engine.bad_records(&support, &con, &imp).await, Err(Error::Forbidden(_))));
    let olga = staff(&harness, "olga", StaffRole::Operator).await;
    assert!(matches!(engine.record_import(&olga, &con, &imp).await, Err(Error::NotFound(_))));
}
