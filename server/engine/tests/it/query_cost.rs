//! What a list query costs, counted in steps of SQLite's virtual machine, which are the same on every computer.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use domain::{
    Error,
    call::{CallFilter, Calls as _},
    delivery::Deliveries as _,
    event::EventKind,
    filter::DeliveryFilter,
    id::EndpointId,
    time::{DAY_MS, iso_utc},
};
use engine::{
    background::Pacing,
    service::backfill::{BACKFILL_MAX, Backfill, Run},
    store::db::Pool,
};

use crate::{
    harness::{On, START, TestHarness},
    receiver::Reply,
};

/// Deliveries of the account.
const ROWS: u64 = 30_000;
/// Steps between two callbacks.
const GRAIN: i32 = 50;
/// Most steps for a page. A scan of all rows takes ten times as many.
const PAGE_STEPS_MAX: u64 = 30_000;
/// Most steps for a page of calls by a filter without an index.
const CALL_FILTER_STEPS_MAX: u64 = 300_000;

/// Counts the steps of every read from now on.
async fn counted(harness: &TestHarness) -> Arc<AtomicU64> {
    counted_in(&harness.engine.context().db.readers).await
}

/// Counts the steps of every write from now on, on both connections that write.
async fn counted_writes(harness: &TestHarness) -> Arc<AtomicU64> {
    let db = &harness.engine.context().db;
    let steps = counted_in(&db.writer).await;
    let counted = steps.clone();
    let count = move || {
        counted.fetch_add(GRAIN.unsigned_abs().into(), Ordering::Relaxed);
        false
    };
    db.set_direct(|direct| direct.progress_handler(GRAIN, Some(count))).await.unwrap();
    steps
}

async fn counted_in(pool: &Pool) -> Arc<AtomicU64> {
    let Pool::Sqlite(readers) = pool else { panic!("this harness uses SQLite") };
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

/// Adds as many deliveries of ended calls to an endpoint, spread over a month.
async fn fill(harness: &TestHarness, endpoint: &EndpointId) {
    let account = harness.token.account().unwrap();
    let from = START.plus_ms(-30 * DAY_MS);
    for first in (0..ROWS).step_by(1_000) {
        let at = from.plus_ms(i64::try_from(first).unwrap() * 30 * DAY_MS / i64::try_from(ROWS).unwrap());
        let endpoints = std::slice::from_ref(endpoint);
        let run = Run { account, endpoints, first, count: BACKFILL_MAX, at, to: Backfill::Ended };
        harness.engine.backfill(&run).await.unwrap();
    }
}

async fn calls_are_not_scanned(harness: &TestHarness, steps: &AtomicU64) {
    for query in [
        "",
        "deliveries=failed",
        "deliveries=waiting",
        "q=07700900123",
        "q=07700900123&deliveries=failed",
        "q=07700900999000",
        "q=7048",
        "q=own-7",
        "q=00000000-aaaf-41e7-b600-ffffffffffff",
    ] {
        steps.store(0, Ordering::Relaxed);
        harness.engine.calls(&harness.admin, &CallFilter::parse(query)).await.unwrap();
        let taken = steps.load(Ordering::Relaxed);
        assert!(taken < PAGE_STEPS_MAX, "calls, {query}: {taken} steps");
    }
    // A filter that no index knows reads a bounded number of calls.
    steps.store(0, Ordering::Relaxed);
    let page = harness.engine.calls(&harness.admin, &CallFilter::parse("status=voicemail")).await.unwrap();
    assert!(page.rows.is_empty() && page.next.is_some(), "the next page continues");
    let taken = steps.load(Ordering::Relaxed);
    assert!(taken < CALL_FILTER_STEPS_MAX, "{taken} steps");
}

#[tokio::test]
async fn no_list_filter_scans_rows_that_it_does_not_show() {
    let harness = TestHarness::new(On::Sqlite).await;
    let (busy, empty) = (harness.endpoint().await.id, harness.endpoint().await.id);
    fill(&harness, &busy).await;
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
    calls_are_not_scanned(&harness, &steps).await;
    // The limit can fail: rows that are not indexed yet are scanned.
    harness.execute("UPDATE numbers_followed SET place = ''").await.unwrap();
    steps.store(0, Ordering::Relaxed);
    harness.engine.deliveries(&harness.admin, &DeliveryFilter::parse("q=07700900999000")).await.unwrap();
    assert!(steps.load(Ordering::Relaxed) > PAGE_STEPS_MAX);
}

/// Open deliveries of one call, as a build without a limit accepted them.
const OF_ONE_CALL: &str = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000) \
    INSERT INTO deliveries (id, account_id, endpoint_id, event_id, kind, call_id, caller, callee, test, state, attempts, \
    attempts_before, fresh_from_ms, created_ms) SELECT id || n, account_id, endpoint_id, event_id, kind, call_id, caller, \
    callee, test, 'queued', 0, 0, fresh_from_ms, created_ms FROM deliveries, n";
/// Most steps for one event or one outcome of that call.
const CALL_STEPS_MAX: u64 = 50_000;

#[tokio::test]
async fn a_call_with_very_many_open_deliveries_costs_its_next_event_no_more() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint_with(|form| form.rate_per_s = "1".into()).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.execute(OF_ONE_CALL).await.unwrap();
    let steps = counted_writes(&harness).await;
    let refused = harness.accept_as(EventKind::CallProcessed, 1, None).await;
    assert!(matches!(refused, Err(Error::LimitReached { .. })), "{refused:?}");
    let accepting = steps.swap(0, Ordering::Relaxed);
    assert!(accepting < CALL_STEPS_MAX, "{accepting} steps to look at the call");
    assert_eq!(harness.run().await, 1);
    let recording = steps.load(Ordering::Relaxed);
    assert!(recording < CALL_STEPS_MAX, "{recording} steps to promote the next");
    assert_eq!(harness.text("SELECT CAST(COUNT(due_ms) AS TEXT) FROM deliveries").await, "1");
}

/// Most steps of the writers for an event and its attempt.
const EVENT_STEPS_MAX: u64 = 20_000;

#[tokio::test]
async fn an_event_costs_no_more_in_an_account_with_many_deliveries() {
    let harness = TestHarness::new(On::Sqlite).await;
    let endpoint = harness.endpoint().await.id;
    fill(&harness, &endpoint).await;
    let steps = counted_writes(&harness).await;
    for (call, kind) in (1..).zip(EventKind::ALL) {
        for (call, reply) in [(call * 10, 200), (call * 10 + 1, 500), (call * 10 + 2, 400)] {
            harness.receiver.next([Reply::Status(reply)]);
            steps.store(0, Ordering::Relaxed);
            harness.accept(kind, call).await;
            assert_eq!(harness.run().await, 1);
            let taken = steps.load(Ordering::Relaxed);
            assert!(taken > 0, "what is written is counted");
            assert!(taken < EVENT_STEPS_MAX, "{kind:?}, {reply}: {taken} steps");
        }
    }
}
