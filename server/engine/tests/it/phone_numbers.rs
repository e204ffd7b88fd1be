//! Searching by phone number finds the same with and without the index.

use domain::{
    account::{AccountForm, Accounts, StaffRole},
    actor::Actor,
    audit::{Audit, AuditFilter},
    delivery::Deliveries,
    event::{EventKind, Events, NewEvent, PostedEvent},
    filter::DeliveryFilter,
    recover::RecoverForm,
    support::Support,
    time::DAY_MS,
};
use engine::{
    Affiliation, Engine, Value,
    background::{
        Pacing,
        phone_indexer::{SETTLED_MS, STEP_ROWS},
    },
    store::events::phone_index::{self, PhoneEntry, Stream},
};

use crate::{
    harness::{On, TestHarness, call_id, on_both},
    recover,
};

on_both! { a_number_is_found_in_every_format_before_and_after_indexing pages_continue_from_the_index_into_rows_not_indexed_yet a_number_combines_with_other_filters an_account_finds_only_its_own_calls support_finds_accounts_by_number_even_if_nothing_was_sent an_interrupted_step_is_applied_once two_nodes_index_each_number_once a_metric_reports_how_far_the_index_lags a_never_sent_event_is_found_once_it_is_recovered entries_are_deleted_with_their_rows a_national_number_is_found_by_the_accounts_country ids_stay_above_the_watermark_after_its_rows_are_deleted }

const NUMBER: &str = "+441202901222";

fn event(call: u32, caller: &str, callee: &str) -> NewEvent {
    let id = call_id(call);
    let payload =
        format!(r#"{{"event":"IncomingCall","call_id":"{id}","callee_number":"{callee}","caller_number":"{caller}"}}"#);
    let posted: PostedEvent =
        serde_json::from_str(&format!(r#"{{"payload":{payload},"timestamp":1507305504}}"#)).unwrap();
    NewEvent::parse(&posted).unwrap()
}

pub(crate) async fn call(harness: &TestHarness, token: &Actor, n: u32, (caller, callee): (&str, &str)) {
    harness.engine.accept_event(token, token.account().unwrap(), event(n, caller, callee)).await.unwrap();
}

/// Indexes all rows.
pub(crate) async fn index_all(harness: &TestHarness, engine: &Engine) {
    harness.clock.step_ms(SETTLED_MS + 1);
    while engine.background().phone_indexer.round(Pacing::Immediate).await.unwrap() {
        harness.clock.step_ms(SETTLED_MS + 1);
    }
}

async fn found(harness: &TestHarness, actor: &Actor, query: &str) -> Vec<String> {
    let filter = DeliveryFilter::parse(query);
    let rows = harness.engine.deliveries(actor, &filter).await.unwrap().rows;
    let counted = harness.engine.delivery_counts(actor, &filter).await.unwrap().matching;
    assert_eq!(counted as usize, rows.len(), "{query}");
    rows.into_iter().map(|row| row.call_id).collect()
}

async fn entries(harness: &TestHarness) -> usize {
    harness.texts("SELECT place FROM called_numbers".to_owned()).await.len()
}

async fn a_number_is_found_in_every_format_before_and_after_indexing(harness: TestHarness) {
    harness.endpoint().await;
    let other = "01202912204";
    for (n, stored) in [NUMBER, "00441202901222", "441202901222", "anonymous", other].into_iter().enumerate() {
        call(&harness, &harness.token, u32::try_from(n).unwrap(), (stored, "0441111")).await;
    }
    for indexed in [false, true] {
        if indexed {
            index_all(&harness, &harness.engine).await;
            assert_eq!(entries(&harness).await, 10);
        }
        let three = [2, 1, 0].map(call_id).to_vec();
        for spelling in ["q=%2B44+1202+901-222", "q=0044+1202901222", "q=441202901222"] {
            assert_eq!(found(&harness, &harness.admin, spelling).await, three, "{spelling}, indexed: {indexed}");
        }
        assert_eq!(found(&harness, &harness.admin, "q=anonymous").await, [call_id(3)]);
        assert_eq!(found(&harness, &harness.admin, "q=01202+912204").await, [call_id(4)]);
        assert_eq!(found(&harness, &harness.admin, "q=0441111").await.len(), 5);
        assert!(
            found(&harness, &harness.admin, "q=01202901222").await.is_empty(),
            "a national number is a different one"
        );
        assert!(
            found(&harness, &harness.admin, "q=1202901222").await.is_empty(),
            "a part of the number does not match"
        );
    }
}

async fn pages_continue_from_the_index_into_rows_not_indexed_yet(harness: TestHarness) {
    harness.endpoint().await;
    harness.endpoint().await;
    for n in 0..12 {
        call(&harness, &harness.token, n, (NUMBER, NUMBER)).await;
        call(&harness, &harness.token, 100 + n, ("0441112", "0441113")).await;
        if n == 6 {
            index_all(&harness, &harness.engine).await;
        }
    }
    let mut seen = Vec::new();
    let mut filter = DeliveryFilter { limit: 5, ..DeliveryFilter::parse("q=441202901222") };
    loop {
        let page = harness.engine.deliveries(&harness.admin, &filter).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.call_id.clone()));
        let Some(next) = page.next else { break };
        filter.cursor = Some(next);
    }
    let both_endpoints: Vec<String> = (0..12).rev().flat_map(|n| [call_id(n), call_id(n)]).collect();
    assert_eq!(seen, both_endpoints);
}

async fn a_number_combines_with_other_filters(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let paused = harness.endpoint().await;
    harness.pause(&paused.id).await;
    call(&harness, &harness.token, 1, (NUMBER, "0441111")).await;
    harness.run().await;
    harness.clock.step_ms(DAY_MS);
    call(&harness, &harness.token, 2, (NUMBER, "0441111")).await;
    let middle = domain::time::iso_utc(harness.now().plus_ms(-1_000));
    harness.accept_as(EventKind::IncomingCall, 3, Some("own-7")).await.unwrap();
    for indexed in [false, true] {
        if indexed {
            index_all(&harness, &harness.engine).await;
        }
        for (filter, count) in [
            ("status=delivered".to_owned(), 1),
            ("status=held".to_owned(), 2),
            ("status=held,delivered".to_owned(), 3),
            ("status=failed".to_owned(), 0),
            (format!("endpoint={}", endpoint.id), 2),
            (format!("endpoint={}&status=held", endpoint.id), 0),
            (format!("from={middle}"), 2),
            (format!("to={middle}"), 2),
            ("event=OutgoingCall".to_owned(), 0),
        ] {
            let query = format!("q=441202901222&{filter}");
            assert_eq!(found(&harness, &harness.admin, &query).await.len(), count, "{query}, indexed: {indexed}");
        }
        assert_eq!(found(&harness, &harness.admin, "q=own-7").await.len(), 2, "an id chosen by the platform");
    }
}

async fn an_account_finds_only_its_own_calls(harness: TestHarness) {
    harness.endpoint().await;
    let (beta, token) = harness.newcomer("Beta").await;
    call(&harness, &harness.token, 1, (NUMBER, "0441111")).await;
    for indexed in [false, true] {
        if indexed {
            index_all(&harness, &harness.engine).await;
        }
        assert!(found(&harness, &beta, "q=441202901222").await.is_empty());
        assert_eq!(found(&harness, &harness.admin, "q=441202901222").await.len(), 1);
    }
    // Not even with a wrong index entry: its row is checked again.
    let theirs = harness.deliveries().await[0].id.to_string();
    let account_id = token.account().unwrap().to_string();
    let wrong = PhoneEntry { place: theirs, account_id, caller: NUMBER.into(), callee: NUMBER.into() };
    let mut tx = harness.engine.context().db.begin().await.unwrap();
    phone_index::add(&mut tx, &[wrong]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(found(&harness, &beta, "q=441202901222").await.is_empty());
}

async fn support_finds_accounts_by_number_even_if_nothing_was_sent(harness: TestHarness) {
    harness.endpoint().await;
    let (_, beta) = harness.newcomer("Beta").await;
    harness.newcomer("Gamma").await;
    call(&harness, &harness.token, 1, (NUMBER, "0441111")).await;
    call(&harness, &beta, 2, ("0441111", "00441202901222")).await;
    let place = Affiliation::Staff(StaffRole::Support);
    let sam = harness.engine.create_user(&Actor::COMMAND_LINE, "sam@p.example", "correct horse battery", place).await;
    let sam = harness.engine.staff(&sam.unwrap()).await.unwrap().at("198.51.100.7");
    let names = async |text: &str| {
        let found = harness.engine.find_accounts(&sam, text).await.unwrap();
        found.into_iter().map(|one| one.account.name).collect::<Vec<_>>()
    };
    for indexed in [false, true] {
        if indexed {
            index_all(&harness, &harness.engine).await;
        }
        assert_eq!(names("+44 1202 901222").await, ["Acme", "Beta"], "indexed: {indexed}");
        assert!(names("+44 1202 901223").await.is_empty());
    }
    harness.clock.step_ms(31 * DAY_MS);
    assert!(names("+44 1202 901222").await.is_empty(), "the search covers a month");
}

async fn a_metric_reports_how_far_the_index_lags(harness: TestHarness) {
    let behind_s = async || {
        let metrics = harness.engine.metrics().await.unwrap();
        metrics.into_iter().find(|one| one.name == "offhook_numbers_behind_seconds").unwrap().value
    };
    assert_eq!(behind_s().await, Value::Gauge(0.0), "there are no events yet");
    call(&harness, &harness.token, 1, (NUMBER, "0441111")).await;
    harness.clock.step_ms(2_000);
    assert_eq!(behind_s().await, Value::Gauge(2.0), "an event without deliveries is searchable, too");
    index_all(&harness, &harness.engine).await;
    assert_eq!(behind_s().await, Value::Gauge(0.0));
    harness.endpoint().await;
    call(&harness, &harness.token, 2, (NUMBER, "0441111")).await;
    harness.clock.step_ms(90_000);
    call(&harness, &harness.token, 3, (NUMBER, "0441111")).await;
    assert_eq!(behind_s().await, Value::Gauge(90.0), "the oldest counts");
    index_all(&harness, &harness.engine).await;
    assert_eq!(behind_s().await, Value::Gauge(0.0));
}

async fn a_never_sent_event_is_found_once_it_is_recovered(harness: TestHarness) {
    call(&harness, &harness.token, 1, (NUMBER, "0441111")).await;
    index_all(&harness, &harness.engine).await;
    let endpoint = harness.endpoint().await;
    let form = RecoverForm { which: "also_never_sent".into(), ..recover::form() };
    recover::start(&harness, &endpoint.id, &form).await;
    harness.clock.step_ms(recover::STEP_MS);
    assert_eq!(recover::round(&harness.engine).await, 1);
    assert_eq!(found(&harness, &harness.admin, "q=441202901222").await, [call_id(1)], "it lies below the watermark");
    assert_eq!(entries(&harness).await, 2, "it is in the index once");
}

async fn an_interrupted_step_is_applied_once(harness: TestHarness) {
    harness.endpoint().await;
    let most = STEP_ROWS + 50;
    futures::future::join_all((0..most).map(|n| call(&harness, &harness.token, n, ("0441111", "0441112")))).await;
    let db = &harness.engine.context().db;
    let rows = phone_index::next(db, Stream::Deliveries, ("", "e"), 10).await.unwrap();
    let reached = &rows[9].place;
    let mut tx = db.begin().await.unwrap();
    assert!(phone_index::advance(&mut tx, Stream::Deliveries, "", reached).await.unwrap());
    phone_index::add(&mut tx, &rows).await.unwrap();
    drop(tx);
    assert_eq!(
        (entries(&harness).await, phone_index::watermark(db, Stream::Deliveries).await.unwrap().as_str()),
        (0, "")
    );
    index_all(&harness, &*harness.another().await).await;
    assert_eq!(entries(&harness).await, 2 * most as usize, "more than one step, and each once");
    let mut tx = db.begin().await.unwrap();
    let again = phone_index::advance(&mut tx, Stream::Deliveries, "", reached).await.unwrap();
    assert!(!again, "a step another node has done");
}

async fn two_nodes_index_each_number_once(harness: TestHarness) {
    harness.endpoint().await;
    let other = harness.another().await;
    futures::future::join_all((0..30).map(|n| call(&harness, &harness.token, n, ("0441111", NUMBER)))).await;
    harness.clock.step_ms(1);
    let account = harness.token.account().unwrap();
    futures::future::join_all(
        (30..60).map(|n| other.accept_event(&harness.token, account, event(n, NUMBER, "0441111"))),
    )
    .await;
    tokio::join!(index_all(&harness, &harness.engine), index_all(&harness, &other));
    assert_eq!(entries(&harness).await, 120);
    assert_eq!(found(&harness, &harness.admin, "q=441202901222&limit=250").await.len(), 60);
}

async fn entries_are_deleted_with_their_rows(harness: TestHarness) {
    call(&harness, &harness.token, 1, (NUMBER, "0441111")).await;
    let endpoint = harness.endpoint().await;
    call(&harness, &harness.token, 2, (NUMBER, "0441111")).await;
    harness.run().await;
    harness.clock.step_ms(91 * DAY_MS);
    harness.pause(&endpoint.id).await;
    call(&harness, &harness.token, 3, (NUMBER, "0441111")).await;
    index_all(&harness, &harness.engine).await;
    assert_eq!(entries(&harness).await, 6);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert_eq!(entries(&harness).await, 2);
    assert_eq!(found(&harness, &harness.admin, "q=441202901222").await, [call_id(3)]);
}

async fn ids_stay_above_the_watermark_after_its_rows_are_deleted(harness: TestHarness) {
    harness.endpoint().await;
    call(&harness, &harness.token, 1, (NUMBER, "0441111")).await;
    harness.run().await;
    index_all(&harness, &harness.engine).await;
    harness.clock.step_ms(91 * DAY_MS);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    // A clock that is wrong by months, and a restart.
    harness.clock.step_ms(-100 * DAY_MS);
    let later = harness.another().await;
    later.accept_event(&harness.token, harness.token.account().unwrap(), event(2, NUMBER, "0441111")).await.unwrap();
    harness.clock.step_ms(100 * DAY_MS);
    index_all(&harness, &later).await;
    assert_eq!(found(&harness, &harness.admin, "q=441202901222").await, [call_id(2)]);
}

/// As when its node's clock is behind, or its commit takes long.
#[tokio::test]
async fn a_delivery_committed_below_the_watermark_is_indexed_by_its_node() {
    let harness = TestHarness::new(On::Postgres).await;
    call(&harness, &harness.token, 1, (NUMBER, "0441111")).await;
    harness.endpoint().await;
    call(&harness, &harness.token, 2, (NUMBER, "0441111")).await;
    harness
        .execute("UPDATE numbers_followed SET place = CASE what WHEN 'unsent' THEN '7' ELSE 'dlv_7' END")
        .await
        .unwrap();
    assert!(found(&harness, &harness.admin, "q=441202901222").await.is_empty());
    index_all(&harness, &harness.engine).await;
    assert!(harness.engine.background().phone_indexer.round(Pacing::Immediate).await.is_ok());
    assert_eq!(found(&harness, &harness.admin, "q=441202901222").await, [call_id(2)]);
    assert_eq!(entries(&harness).await, 4);
    assert_eq!(harness.texts("SELECT place FROM numbers_followed ORDER BY 1".to_owned()).await, ["7", "dlv_7"]);
}

#[tokio::test]
async fn a_running_server_indexes_automatically() {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    call(&harness, &harness.token, 1, (NUMBER, "0441111")).await;
    let running = harness.another_running().await;
    let indexes = async |count| while entries(&harness).await != count {};
    let long = std::time::Duration::from_secs(20);
    tokio::time::timeout(long, indexes(2)).await.expect("rows from before the start were not indexed");
    let account = harness.token.account().unwrap();
    running.accept_event(&harness.token, account, event(2, NUMBER, "0441112")).await.unwrap();
    tokio::time::timeout(long, indexes(4)).await.expect("later rows were not indexed");
    running.stop().await;
}

async fn a_national_number_is_found_by_the_accounts_country(harness: TestHarness) {
    harness.endpoint().await;
    let token = harness.token.clone();
    call(&harness, &token, 1, ("+441632960001", "7048")).await;
    call(&harness, &token, 2, ("01632960001", "7048")).await;
    let found = async |text: &str| {
        let filter = DeliveryFilter { text: Some(text.into()), ..DeliveryFilter::default() };
        let counted = harness.engine.delivery_counts(&harness.admin, &filter).await.unwrap().matching;
        let rows = harness.engine.deliveries(&harness.admin, &filter).await.unwrap().rows.len();
        assert_eq!(counted as usize, rows);
        rows
    };
    assert_eq!((found("01632 960001").await, found("+44 1632 960001").await), (1, 1), "the country is not known");
    let form = AccountForm { name: "Acme".into(), country: "gb".into(), ..AccountForm::default() };
    let account = harness.engine.change_account(&harness.admin, &form.input().unwrap()).await.unwrap();
    assert_eq!(account.settings.country.map(String::from).as_deref(), Some("GB"));
    for _ in 0..2 {
        for text in ["01632 960001", "+44 1632 960001", "00441632960001"] {
            assert_eq!(found(text).await, 2, "{text}");
        }
        assert_eq!(found("01632 960002").await, 0);
        index_all(&harness, &harness.engine).await;
    }
    let record = &harness.engine.audit(&harness.admin, &AuditFilter::default()).await.unwrap().rows[0];
    assert!(record.changes.iter().any(|change| change.what == "country" && change.after.as_deref() == Some("GB")));
}
