//! What a list query costs, counted in steps of SQLite's virtual machine, which are the same on every computer.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use domain::{
    delivery::Deliveries as _,
    filter::DeliveryFilter,
    time::{DAY_MS, iso_utc},
};
use engine::{
    background::Pacing,
    service::backfill::{BACKFILL_MAX, Backfill, Run},
    store::db::Pool,
};

use crate::harness::{On, START, TestHarness};

/// Deliveries of the account.
const ROWS: u64 = 30_000;
/// Steps between two callbacks.
const GRAIN: i32 = 50;
/// Most steps for a page. A scan of all rows takes ten times as many.
const PAGE_STEPS_MAX: u64 = 30_000;

/// Counts the steps of every read from now on.
async fn counted(harness: &TestHarness) -> Arc<AtomicU64> {
    let Pool::Sqlite(readers) = &harness.engine.context().db.readers else { panic!("this harness uses SQLite") };
    let steps = Arc::new(AtomicU64::new(0));
    let mut all = Vec::new();
    for _ in 0..readers.options().get_max_connections() {
        all.push(readers.acquire().await.unwrap());
    }
    for connection in &mut all {
        let steps = steps.clone();
        connection.lock_handle().await.unwrap().set_progress_handler(GRAIN, move || {
            steps.fetch_add(GRAIN.unsigned_abs().into(), Ordering::Relaxed);
            true
        });
    }
    steps
}

#[tokio::test]
async fn no_list_filter_scans_rows_that_it_does_not_show() {
    let harness = TestHarness::new(On::Sqlite).await;
    let (busy, empty) = (harness.endpoint().await.id, harness.endpoint().await.id);
    let account = harness.token.account().unwrap();
    let from = START.plus_ms(-30 * DAY_MS);
    for first in (0..ROWS).step_by(1_000) {
        let at = from.plus_ms(i64::try_from(first).unwrap() * 30 * DAY_MS / i64::try_from(ROWS).unwrap());
        let endpoints = std::slice::from_ref(&busy);
        let run = Run { account, endpoints, first, count: BACKFILL_MAX, at, to: Backfill::Ended };
        harness.engine.backfill(&run).await.unwrap();
    }
    let day = |days: i64| iso_utc(START.plus_ms(-days * DAY_MS));
    let call =
        harness.engine.deliveries(&harness.admin, &DeliveryFilter::default()).await.unwrap().rows[7].call_id.clone();
    while harness.engine.background().phone_indexer.round(Pacing::Immediate).await.unwrap() {}
    let steps = counted(&harness).await;
    for query in [
        String::new(),
        "status=delivered".into(),
        "status=failed".into(),
        "status=failed,expired".into(),
        "status=cancelled".into(),
        "status=queued".into(),
        "status=sending".into(),
        "status=retrying".into(),
        "status=held".into(),
        "status=held,retrying,failed".into(),
        "event=IncomingCall".into(),
        format!("endpoint={busy}"),
        format!("endpoint={busy}&status=failed"),
        format!("endpoint={empty}"),
        format!("endpoint={empty}&status=failed,expired"),
        format!("call={call}"),
        format!("q={call}"),
        "q=evt_00000000000000000000000000".into(),
        "call=00000000-aaaf-41e7-b600-ffffffffffff".into(),
        "cause=response_timeout".into(),
        "cause=tls_expired".into(),
        "test=1".into(),
        format!("from={}&to={}", day(22), day(20)),
        format!("status=failed&from={}&to={}", day(22), day(20)),
        "range=1h".into(),
        "q=07700900123".into(),
        "q=07700900123&status=failed".into(),
        "q=07700900999000".into(),
        "q=07700900999000&status=delivered".into(),
        "q=anonymous".into(),
        "q=own-7".into(),
    ] {
        steps.store(0, Ordering::Relaxed);
        harness.engine.deliveries(&harness.admin, &DeliveryFilter::parse(&query)).await.unwrap();
        let taken = steps.load(Ordering::Relaxed);
        assert!(taken < PAGE_STEPS_MAX, "{query}: {taken} steps");
    }
    // The limit can fail: rows that are not indexed yet are scanned.
    harness.execute("UPDATE numbers_followed SET place = ''").await.unwrap();
    steps.store(0, Ordering::Relaxed);
    harness.engine.deliveries(&harness.admin, &DeliveryFilter::parse("q=07700900999000")).await.unwrap();
    assert!(steps.load(Ordering::Relaxed) > PAGE_STEPS_MAX);
}
