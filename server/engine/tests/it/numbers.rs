//! Searching by phone number: the same is found whether or not the index has followed.

use domain::{
    account::{Accounts, StaffRole},
    actor::Actor,
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
    bed::{Bed, On, call_id, newcomer, on_both},
    recover,
};

on_both! {
    a_number_is_found_in_every_spelling_before_and_after_it_was_gathered
    pages_of_a_number_go_on_from_the_index_to_what_is_not_gathered_yet
    a_number_is_found_together_with_other_filters
    an_account_finds_its_own_calls_only
    support_finds_the_accounts_of_a_number_also_where_nothing_was_sent
    a_step_that_was_broken_off_is_done_once
    two_nodes_gather_each_number_once
    how_far_the_index_is_behind_is_told
    what_was_never_sent_is_found_once_it_is_recovered
    entries_go_with_their_rows
    ids_grow_beyond_the_mark_though_its_rows_are_gone
}

const NUMBER: &str = "+441202901222";

fn event(call: u32, caller: &str, callee: &str) -> NewEvent {
    let id = call_id(call);
    let payload =
        format!(r#"{{"event":"IncomingCall","call_id":"{id}","callee_number":"{callee}","caller_number":"{caller}"}}"#);
    let posted: PostedEvent =
        serde_json::from_str(&format!(r#"{{"payload":{payload},"timestamp":1507305504}}"#)).unwrap();
    NewEvent::parse(&posted).unwrap()
}

async fn call(bed: &Bed, token: &Actor, n: u32, (caller, callee): (&str, &str)) {
    bed.engine.accept_event(token, token.account().unwrap(), event(n, caller, callee)).await.unwrap();
}

/// Follows all there is.
async fn gather(bed: &Bed, engine: &Engine) {
    bed.clock.step_ms(SETTLED_MS + 1);
    while engine.background().phone_indexer.round(Pacing::Immediate).await.unwrap() {
        bed.clock.step_ms(SETTLED_MS + 1);
    }
}

async fn found(bed: &Bed, actor: &Actor, query: &str) -> Vec<String> {
    let filter = DeliveryFilter::parse(query);
    let rows = bed.engine.deliveries(actor, &filter).await.unwrap().rows;
    let counted = bed.engine.delivery_counts(actor, &filter).await.unwrap().matching;
    assert_eq!(counted as usize, rows.len(), "{query}");
    rows.into_iter().map(|row| row.call_id).collect()
}

async fn entries(bed: &Bed) -> usize {
    bed.texts("SELECT place FROM called_numbers".to_owned()).await.len()
}

async fn a_number_is_found_in_every_spelling_before_and_after_it_was_gathered(bed: Bed) {
    bed.endpoint().await;
    let other = "01202912204";
    for (n, stored) in [NUMBER, "00441202901222", "441202901222", "anonymous", other].into_iter().enumerate() {
        call(&bed, &bed.token, u32::try_from(n).unwrap(), (stored, "0441111")).await;
    }
    for gathered in [false, true] {
        if gathered {
            gather(&bed, &bed.engine).await;
            assert_eq!(entries(&bed).await, 10);
        }
        let three = [2, 1, 0].map(call_id).to_vec();
        for spelling in ["q=%2B44+1202+901-222", "q=0044+1202901222", "q=441202901222"] {
            assert_eq!(found(&bed, &bed.admin, spelling).await, three, "{spelling}, gathered: {gathered}");
        }
        assert_eq!(found(&bed, &bed.admin, "q=anonymous").await, [call_id(3)]);
        assert_eq!(found(&bed, &bed.admin, "q=01202+912204").await, [call_id(4)]);
        assert_eq!(found(&bed, &bed.admin, "q=0441111").await.len(), 5);
        assert!(found(&bed, &bed.admin, "q=01202901222").await.is_empty(), "a national number is another one");
        assert!(found(&bed, &bed.admin, "q=1202901222").await.is_empty(), "a part is not the number");
    }
}

async fn pages_of_a_number_go_on_from_the_index_to_what_is_not_gathered_yet(bed: Bed) {
    bed.endpoint().await;
    bed.endpoint().await;
    for n in 0..12 {
        call(&bed, &bed.token, n, (NUMBER, NUMBER)).await;
        call(&bed, &bed.token, 100 + n, ("0441112", "0441113")).await;
        if n == 6 {
            gather(&bed, &bed.engine).await;
        }
    }
    let mut seen = Vec::new();
    let mut filter = DeliveryFilter { limit: 5, ..DeliveryFilter::parse("q=441202901222") };
    loop {
        let page = bed.engine.deliveries(&bed.admin, &filter).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.call_id.clone()));
        let Some(next) = page.next else { break };
        filter.cursor = Some(next);
    }
    let both_endpoints: Vec<String> = (0..12).rev().flat_map(|n| [call_id(n), call_id(n)]).collect();
    assert_eq!(seen, both_endpoints);
}

async fn a_number_is_found_together_with_other_filters(bed: Bed) {
    let endpoint = bed.endpoint().await;
    let paused = bed.endpoint().await;
    bed.pause(&paused.id).await;
    call(&bed, &bed.token, 1, (NUMBER, "0441111")).await;
    bed.run().await;
    bed.clock.step_ms(DAY_MS);
    call(&bed, &bed.token, 2, (NUMBER, "0441111")).await;
    let middle = domain::time::iso_utc(bed.now().plus_ms(-1_000));
    bed.accept_as(EventKind::IncomingCall, 3, Some("own-7")).await.unwrap();
    for gathered in [false, true] {
        if gathered {
            gather(&bed, &bed.engine).await;
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
            assert_eq!(found(&bed, &bed.admin, &query).await.len(), count, "{query}, gathered: {gathered}");
        }
        assert_eq!(found(&bed, &bed.admin, "q=own-7").await.len(), 2, "an id that the platform chose");
    }
}

async fn an_account_finds_its_own_calls_only(bed: Bed) {
    bed.endpoint().await;
    let (beta, token) = newcomer(&bed.engine, "Beta").await;
    call(&bed, &bed.token, 1, (NUMBER, "0441111")).await;
    for gathered in [false, true] {
        if gathered {
            gather(&bed, &bed.engine).await;
        }
        assert!(found(&bed, &beta, "q=441202901222").await.is_empty());
        assert_eq!(found(&bed, &bed.admin, "q=441202901222").await.len(), 1);
    }
    // Not even if the index were wrong: whatever stands in it is looked at again.
    let theirs = bed.deliveries().await[0].id.to_string();
    let account_id = token.account().unwrap().to_string();
    let wrong = PhoneEntry { place: theirs, account_id, caller: NUMBER.into(), callee: NUMBER.into() };
    let mut tx = bed.engine.context().db.begin().await.unwrap();
    phone_index::add(&mut tx, &[wrong]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(found(&bed, &beta, "q=441202901222").await.is_empty());
}

async fn support_finds_the_accounts_of_a_number_also_where_nothing_was_sent(bed: Bed) {
    bed.endpoint().await;
    let (_, beta) = newcomer(&bed.engine, "Beta").await;
    newcomer(&bed.engine, "Gamma").await;
    call(&bed, &bed.token, 1, (NUMBER, "0441111")).await;
    call(&bed, &beta, 2, ("0441111", "00441202901222")).await;
    let place = Affiliation::Staff(StaffRole::Support);
    let sam = bed.engine.create_user(&Actor::COMMAND_LINE, "sam@p.example", "correct horse battery", place).await;
    let sam = bed.engine.staff(&sam.unwrap()).await.unwrap().at("198.51.100.7");
    let names = async |text: &str| {
        let found = bed.engine.find_accounts(&sam, text).await.unwrap();
        found.into_iter().map(|one| one.account.name).collect::<Vec<_>>()
    };
    for gathered in [false, true] {
        if gathered {
            gather(&bed, &bed.engine).await;
        }
        assert_eq!(names("+44 1202 901222").await, ["Acme", "Beta"], "gathered: {gathered}");
        assert!(names("+44 1202 901223").await.is_empty());
    }
    bed.clock.step_ms(31 * DAY_MS);
    assert!(names("+44 1202 901222").await.is_empty(), "a month is looked at");
}

async fn how_far_the_index_is_behind_is_told(bed: Bed) {
    let behind_s = async || {
        let figures = bed.engine.metrics().await.unwrap();
        figures.into_iter().find(|one| one.name == "offhook_numbers_behind_seconds").unwrap().value
    };
    assert_eq!(behind_s().await, Value::Gauge(0.0), "there is nothing yet");
    call(&bed, &bed.token, 1, (NUMBER, "0441111")).await;
    bed.clock.step_ms(2_000);
    assert_eq!(behind_s().await, Value::Gauge(2.0), "an event that went to no endpoint is searched for, too");
    gather(&bed, &bed.engine).await;
    assert_eq!(behind_s().await, Value::Gauge(0.0));
    bed.endpoint().await;
    call(&bed, &bed.token, 2, (NUMBER, "0441111")).await;
    bed.clock.step_ms(90_000);
    call(&bed, &bed.token, 3, (NUMBER, "0441111")).await;
    assert_eq!(behind_s().await, Value::Gauge(90.0), "the oldest counts");
    gather(&bed, &bed.engine).await;
    assert_eq!(behind_s().await, Value::Gauge(0.0));
}

async fn what_was_never_sent_is_found_once_it_is_recovered(bed: Bed) {
    call(&bed, &bed.token, 1, (NUMBER, "0441111")).await;
    gather(&bed, &bed.engine).await;
    let endpoint = bed.endpoint().await;
    let form = RecoverForm { which: "also_never_sent".into(), ..recover::form() };
    recover::start(&bed, &endpoint.id, &form).await;
    bed.clock.step_ms(recover::STEP_MS);
    assert_eq!(recover::round(&bed.engine).await, 1);
    assert_eq!(found(&bed, &bed.admin, "q=441202901222").await, [call_id(1)], "its place is behind the mark");
    assert_eq!(entries(&bed).await, 2, "it stands in the index once");
}

async fn a_step_that_was_broken_off_is_done_once(bed: Bed) {
    bed.endpoint().await;
    let most = STEP_ROWS + 50;
    futures::future::join_all((0..most).map(|n| call(&bed, &bed.token, n, ("0441111", "0441112")))).await;
    let db = &bed.engine.context().db;
    let rows = phone_index::next(db, Stream::Deliveries, ("", "e"), 10).await.unwrap();
    let reached = &rows[9].place;
    let mut tx = db.begin().await.unwrap();
    assert!(phone_index::advance(&mut tx, Stream::Deliveries, "", reached).await.unwrap());
    phone_index::add(&mut tx, &rows).await.unwrap();
    drop(tx);
    assert_eq!((entries(&bed).await, phone_index::watermark(db, Stream::Deliveries).await.unwrap().as_str()), (0, ""));
    gather(&bed, &*bed.another().await).await;
    assert_eq!(entries(&bed).await, 2 * most as usize, "more than a step holds, and each once");
    let mut tx = db.begin().await.unwrap();
    let again = phone_index::advance(&mut tx, Stream::Deliveries, "", reached).await.unwrap();
    assert!(!again, "a step that somebody else has done");
}

async fn two_nodes_gather_each_number_once(bed: Bed) {
    bed.endpoint().await;
    let other = bed.another().await;
    futures::future::join_all((0..30).map(|n| call(&bed, &bed.token, n, ("0441111", NUMBER)))).await;
    bed.clock.step_ms(1);
    let account = bed.token.account().unwrap();
    futures::future::join_all((30..60).map(|n| other.accept_event(&bed.token, account, event(n, NUMBER, "0441111"))))
        .await;
    tokio::join!(gather(&bed, &bed.engine), gather(&bed, &other));
    assert_eq!(entries(&bed).await, 120);
    assert_eq!(found(&bed, &bed.admin, "q=441202901222&limit=250").await.len(), 60);
}

async fn entries_go_with_their_rows(bed: Bed) {
    call(&bed, &bed.token, 1, (NUMBER, "0441111")).await;
    let endpoint = bed.endpoint().await;
    call(&bed, &bed.token, 2, (NUMBER, "0441111")).await;
    bed.run().await;
    bed.clock.step_ms(91 * DAY_MS);
    bed.pause(&endpoint.id).await;
    call(&bed, &bed.token, 3, (NUMBER, "0441111")).await;
    gather(&bed, &bed.engine).await;
    assert_eq!(entries(&bed).await, 6);
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert_eq!(entries(&bed).await, 2);
    assert_eq!(found(&bed, &bed.admin, "q=441202901222").await, [call_id(3)]);
}

async fn ids_grow_beyond_the_mark_though_its_rows_are_gone(bed: Bed) {
    bed.endpoint().await;
    call(&bed, &bed.token, 1, (NUMBER, "0441111")).await;
    bed.run().await;
    gather(&bed, &bed.engine).await;
    bed.clock.step_ms(91 * DAY_MS);
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    // A clock that is wrong by months, and a new start.
    bed.clock.step_ms(-100 * DAY_MS);
    let later = bed.another().await;
    later.accept_event(&bed.token, bed.token.account().unwrap(), event(2, NUMBER, "0441111")).await.unwrap();
    bed.clock.step_ms(100 * DAY_MS);
    gather(&bed, &later).await;
    assert_eq!(found(&bed, &bed.admin, "q=441202901222").await, [call_id(2)]);
}

/// As when its clock is behind that of the others, or its commit took long.
#[tokio::test]
async fn a_delivery_that_is_committed_behind_the_mark_is_gathered_by_its_node() {
    let bed = Bed::new(On::Postgres).await;
    call(&bed, &bed.token, 1, (NUMBER, "0441111")).await;
    bed.endpoint().await;
    call(&bed, &bed.token, 2, (NUMBER, "0441111")).await;
    bed.execute("UPDATE numbers_followed SET place = CASE what WHEN 'unsent' THEN '7' ELSE 'dlv_7' END").await.unwrap();
    assert!(found(&bed, &bed.admin, "q=441202901222").await.is_empty());
    gather(&bed, &bed.engine).await;
    assert!(bed.engine.background().phone_indexer.round(Pacing::Immediate).await.is_ok());
    assert_eq!(found(&bed, &bed.admin, "q=441202901222").await, [call_id(2)]);
    assert_eq!(entries(&bed).await, 4);
    assert_eq!(bed.texts("SELECT place FROM numbers_followed ORDER BY 1".to_owned()).await, ["7", "dlv_7"]);
}

#[tokio::test]
async fn a_running_server_gathers_by_itself() {
    let bed = Bed::new(On::Sqlite).await;
    bed.endpoint().await;
    call(&bed, &bed.token, 1, (NUMBER, "0441111")).await;
    let running = bed.another_running().await;
    let gathers = async |count| while entries(&bed).await != count {};
    let long = std::time::Duration::from_secs(20);
    tokio::time::timeout(long, gathers(2)).await.expect("what was there before the start was not gathered");
    let account = bed.token.account().unwrap();
    running.accept_event(&bed.token, account, event(2, NUMBER, "0441112")).await.unwrap();
    tokio::time::timeout(long, gathers(4)).await.expect("what came later was not gathered");
    running.stop().await;
}
