//! Calls: one row for each, whatever its events and deliveries are.

use domain::{
    Error,
    actor::Actor,
    call::{CallFilter, CallRow, Calls, Direction, Outcome},
    delivery::Status,
    event::{EventKind, Events, NewEvent, PostedEvent},
    time::MINUTE_MS,
};
use engine::background::{Pacing, phone_indexer::SETTLED_MS};

use crate::{
    harness::{TestHarness, call_id, on_both},
    receiver::Reply,
};

on_both! { a_call_is_one_row_however_many_endpoints_get_its_events calls_are_paged_in_the_order_in_which_they_began a_number_finds_its_calls_once_on_all_pages filters_combine another_accounts_call_does_not_exist a_call_is_found_by_each_id_of_it the_end_of_a_call_is_read_up_to_a_size }

async fn post(harness: &TestHarness, payload: &str, timestamp: i64) -> String {
    let posted: PostedEvent =
        serde_json::from_str(&format!(r#"{{"payload":{payload},"timestamp":{timestamp}}}"#)).unwrap();
    let account = harness.token.account().unwrap();
    let event = NewEvent::parse(&posted).unwrap();
    harness.engine.accept_event(&harness.token, account, event).await.unwrap().id.to_string()
}

async fn ring(harness: &TestHarness, call: u32, caller: &str) -> String {
    let id = call_id(call);
    let payload = format!(
        r#"{{"event":"IncomingCall","call_id":"{id}","callee_number":"+441632960002","caller_number":"{caller}"}}"#
    );
    post(harness, &payload, 1_507_305_504).await
}

async fn end(harness: &TestHarness, call: u32, status: &str) -> String {
    let id = call_id(call);
    let payload = format!(
        r#"{{"event":"CallProcessed","call_id":"{id}","call_cost":0.0,"call_type":"incoming","call_duration":6,"call_status":"{status}","source":{{"type":"address_contact","id":8203}},"destination":{{"type":"extension","id":7048}}}}"#
    );
    post(harness, &payload, 1_507_305_512).await
}

async fn list(harness: &TestHarness, actor: &Actor, query: &str) -> Vec<CallRow> {
    harness.engine.calls(actor, &CallFilter::parse(query)).await.unwrap().rows
}

async fn ids(harness: &TestHarness, query: &str) -> Vec<String> {
    list(harness, &harness.admin, query).await.into_iter().map(|row| row.call_id).collect()
}

/// The calls of all pages of two rows.
async fn all_pages(harness: &TestHarness, query: &str) -> Vec<String> {
    let mut filter = CallFilter { limit: 2, ..CallFilter::parse(query) };
    let mut seen = Vec::new();
    loop {
        let page = harness.engine.calls(&harness.admin, &filter).await.unwrap();
        seen.extend(page.rows.into_iter().map(|row| row.call_id));
        let Some(next) = page.next else { return seen };
        filter.cursor = Some(next);
    }
}

async fn index_all(harness: &TestHarness) {
    harness.clock.step_ms(SETTLED_MS + 1);
    while harness.engine.background().phone_indexer.round(Pacing::Immediate).await.unwrap() {
        harness.clock.step_ms(SETTLED_MS + 1);
    }
}

async fn a_call_is_one_row_however_many_endpoints_get_its_events(harness: TestHarness) {
    harness.endpoint().await;
    let paused = harness.endpoint().await;
    harness.pause(&paused.id).await;
    ring(&harness, 1, "+441632960001").await;
    end(&harness, 1, "answered").await;
    while harness.run().await > 0 {}
    let rows = list(&harness, &harness.admin, "").await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.caller.as_str(), row.callee.as_str()), ("+441632960001", "+441632960002"));
    assert_eq!(
        (row.direction, row.end.status.as_deref(), row.end.talk_s),
        (Some(Direction::Incoming), Some("answered"), Some(6))
    );
    assert_eq!((row.events, row.deliveries, row.delivered, row.worst), (2, 4, 2, Some(Status::Held)));
    assert!(row.ended);
    let detail = harness.engine.call(&harness.admin, &call_id(1)).await.unwrap();
    assert_eq!((&detail.row, detail.events.len(), detail.deliveries.len()), (row, 2, 4));
}

async fn calls_are_paged_in_the_order_in_which_they_began(harness: TestHarness) {
    harness.endpoint().await;
    for call in 0..5 {
        ring(&harness, call, "+441632960001").await;
        harness.clock.step_ms(10);
    }
    // A call's end does not move it.
    end(&harness, 1, "answered").await;
    let newest_first: Vec<String> = (0..5).rev().map(call_id).collect();
    assert_eq!(ids(&harness, "").await, newest_first);
    assert_eq!(all_pages(&harness, "").await, newest_first);
}

async fn a_number_finds_its_calls_once_on_all_pages(harness: TestHarness) {
    // Call 0 went nowhere.
    ring(&harness, 0, "+441632960001").await;
    harness.endpoint().await;
    harness.endpoint().await;
    for call in 1..6 {
        harness.clock.step_ms(10);
        ring(&harness, call, if call == 3 { "+441632960009" } else { "+441632960001" }).await;
    }
    for call in 1..6 {
        end(&harness, call, "answered").await;
    }
    for indexed in [false, true] {
        if indexed {
            index_all(&harness).await;
        }
        let expected: Vec<String> = [5, 4, 2, 1, 0].map(call_id).to_vec();
        for typed in ["%2B44+1632+960001", "00441632960001", "tel:%2B44-1632-960001"] {
            assert_eq!(all_pages(&harness, &format!("q={typed}")).await, expected, "{typed}, indexed: {indexed}");
        }
        let of_extension: Vec<String> = (1..6).rev().map(call_id).collect();
        assert_eq!(all_pages(&harness, "q=7048").await, of_extension, "indexed: {indexed}");
        assert!(ids(&harness, "q=%2B441632960003").await.is_empty());
    }
}

async fn filters_combine(harness: TestHarness) {
    ring(&harness, 1, "+441632960001").await;
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(400)]);
    ring(&harness, 2, "+441632960001").await;
    harness.run().await;
    // Too late for the beginning of a call.
    harness.clock.step_ms(5 * MINUTE_MS);
    while harness.run().await > 0 {}
    end(&harness, 3, "busy").await;
    harness.run().await;
    ring(&harness, 4, "+441632960001").await;
    for (query, calls) in [
        ("deliveries=not_sent", vec![1]),
        ("deliveries=failed", vec![2]),
        ("deliveries=delivered", vec![3]),
        ("deliveries=waiting", vec![4]),
        ("status=busy", vec![3]),
        ("status=answered", vec![]),
        ("direction=incoming", vec![4, 3, 2, 1]),
        ("direction=outgoing", vec![]),
        ("q=00441632960001&deliveries=failed", vec![2]),
        ("q=00441632960001&status=busy", vec![]),
    ] {
        let expected: Vec<String> = calls.into_iter().map(call_id).collect();
        assert_eq!(ids(&harness, query).await, expected, "{query}");
    }
    let failed = list(&harness, &harness.admin, "deliveries=failed").await;
    assert_eq!((failed[0].worst, failed[0].outcome()), (Some(Status::Expired), Outcome::Failed));
}

async fn another_accounts_call_does_not_exist(harness: TestHarness) {
    harness.endpoint().await;
    let event = ring(&harness, 1, "+441632960001").await;
    let (beta, _) = harness.newcomer("Beta").await;
    let refused = harness.engine.call(&beta, &call_id(1)).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    for query in ["".to_owned(), format!("q={}", call_id(1)), format!("q={event}"), "q=00441632960001".to_owned()] {
        assert!(list(&harness, &beta, &query).await.is_empty(), "{query}");
    }
    for id in ["x", "", "00000000-aaaf-41e7-b600-ffffffffffff"] {
        assert!(matches!(harness.engine.call(&harness.admin, id).await, Err(Error::NotFound(_))), "{id}");
    }
}

async fn a_call_is_found_by_each_id_of_it(harness: TestHarness) {
    harness.endpoint().await;
    let event = ring(&harness, 1, "+441632960001").await;
    harness.accept_as(EventKind::IncomingCall, 2, Some("own-7")).await.unwrap();
    let delivery = harness.deliveries().await.into_iter().find(|row| row.call_id == call_id(1)).unwrap().id;
    for text in [call_id(1), call_id(1).to_uppercase(), event, delivery.to_string()] {
        assert_eq!(ids(&harness, &format!("q={text}")).await, [call_id(1)], "{text}");
    }
    assert_eq!(ids(&harness, "q=own-7").await, [call_id(2)]);
}

/// A page has up to 250 calls, and a payload up to 256 KiB.
async fn the_end_of_a_call_is_read_up_to_a_size(harness: TestHarness) {
    for (call, padding) in [(1, 15_000), (2, 17_000)] {
        end(&harness, call, &format!(r#"busy","more":"{}"#, "x".repeat(padding))).await;
    }
    let rows = list(&harness, &harness.admin, "").await;
    let ends: Vec<_> = rows.iter().map(|row| (row.ended, row.end.status.as_deref())).collect();
    assert_eq!(ends, [(true, None), (true, Some("busy"))]);
    // The latest end counts.
    end(&harness, 2, "answered").await;
    assert_eq!(list(&harness, &harness.admin, "status=answered").await[0].call_id, call_id(2));
}
