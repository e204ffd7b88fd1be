//! Lists: filters, paging, counts.

use domain::{
    delivery::{Deliveries, Status},
    event::{EventFilter, EventKind, Events},
    filter::DeliveryFilter,
};

use crate::{
    harness::{TestHarness, call_id, on_both},
    receiver::Reply,
};

on_both! {
    each_filter_finds_its_deliveries
    pages_have_neither_gaps_nor_repeats
    events_can_be_paged_and_filtered
}

async fn each_filter_finds_its_deliveries(harness: TestHarness) {
    let first = harness.endpoint().await;
    harness.receiver.next([Reply::Status(404)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.clock.step_ms(1_000);
    harness.accept(EventKind::IncomingCall, 2).await;
    harness.run().await;
    let paused = harness.endpoint_with(|form| form.events = vec!["OutgoingCall".into()]).await;
    harness.pause(&paused.id).await;
    harness.pause(&first.id).await;
    harness.resume(&first.id).await;
    harness.accept(EventKind::OutgoingCall, 3).await;
    harness.run().await;
    let rows = harness.deliveries().await;
    let from = domain::time::iso_utc(rows[1].created_at);
    for (query, found) in [
        (String::new(), 4),
        ("status=retrying".into(), 1),
        ("status=delivered".into(), 2),
        ("status=held".into(), 1),
        ("status=queued".into(), 0),
        ("status=held,retrying".into(), 2),
        ("event=OutgoingCall".into(), 2),
        (format!("endpoint={}", paused.id), 1),
        ("cause=http_404".into(), 1),
        ("cause=http_5xx".into(), 0),
        (format!("call={}", call_id(2)), 1),
        (format!("q={}", call_id(3)), 2),
        (format!("q={}", rows[0].id), 1),
        ("q=01202912204".into(), 3),
        ("q=0120+291-2204".into(), 3),
        (format!("q={}", rows[0].event_id), 1),
        ("q=%2B44+1202".into(), 0),
        ("test=1".into(), 0),
        (format!("from={from}"), 3),
        (format!("to={from}"), 1),
        ("range=1h".into(), 4),
    ] {
        let filter = DeliveryFilter::parse(&query);
        let page = harness.engine.deliveries(&harness.admin, &filter).await.unwrap();
        assert_eq!(page.rows.len(), found, "{query}");
        let counts = harness.engine.delivery_counts(&harness.admin, &filter).await.unwrap();
        assert_eq!(counts.matching as usize, found, "{query}");
    }
    let all = harness.engine.delivery_counts(&harness.admin, &DeliveryFilter::default()).await.unwrap();
    assert_eq!((all.failed, all.retrying), (0, 1));
    assert!(rows.iter().any(|row| row.status == Status::Held));
}

async fn pages_have_neither_gaps_nor_repeats(harness: TestHarness) {
    harness.endpoint().await;
    for call in 0..25 {
        harness.accept(EventKind::CallProcessed, call).await;
    }
    let mut seen = Vec::new();
    let mut filter = DeliveryFilter { limit: 10, ..DeliveryFilter::default() };
    loop {
        let page = harness.engine.deliveries(&harness.admin, &filter).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.call_id.clone()));
        let Some(next) = page.next else { break };
        filter.cursor = Some(next);
    }
    let expected: Vec<String> = (0..25).rev().map(call_id).collect();
    assert_eq!(seen, expected);
}

async fn events_can_be_paged_and_filtered(harness: TestHarness) {
    harness.endpoint_with(|form| form.events = vec!["CallProcessed".into()]).await;
    for call in 0..3 {
        harness.accept(EventKind::IncomingCall, call).await;
        harness.accept_as(EventKind::CallProcessed, call, Some(&format!("own-{call}"))).await.unwrap();
    }
    let page = async |filter: EventFilter| harness.engine.events(&harness.admin, &filter).await.unwrap();
    let first = page(EventFilter { limit: 4, ..EventFilter::default() }).await;
    assert_eq!((first.rows.len(), first.rows[0].id.as_str()), (4, "own-2"));
    let second = page(EventFilter { limit: 4, cursor: first.next, ..EventFilter::default() }).await;
    assert_eq!((second.rows.len(), second.next), (2, None));
    let of_call = page(EventFilter { call: Some(call_id(1)), ..EventFilter::default() }).await;
    assert_eq!(of_call.rows.len(), 2);
    let kinds =
        page(EventFilter { kinds: vec![EventKind::IncomingCall], not_sent: true, ..EventFilter::default() }).await;
    assert_eq!(kinds.rows.len(), 3);
}
