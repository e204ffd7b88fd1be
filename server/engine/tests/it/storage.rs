//! What an account stores is limited: its evidence goes first, then its oldest payloads; events are refused last.

use domain::{
    Error,
    account::{Accounts, Limit, Limits},
    actor::Actor,
    event::{EventKind, Events, NewEvent, PostedEvent},
    ops::OpsAccounts,
    time::{DAY_MS, HOUR_MS},
};
use engine::{
    Engine,
    background::{Pacing, Worker as _},
};

use crate::{
    connectors::platform_token,
    harness::{TestHarness, event, on_both},
    ops::{acme, operator},
};

on_both! { what_an_account_stores_is_counted_until_it_is_deleted over_its_limit_an_account_keeps_no_responses_and_its_oldest_payloads_go_early what_waits_is_neither_deleted_nor_forgotten_and_events_are_refused_at_last what_was_sent_makes_room_for_what_waits each_node_counts_and_refuses }

/// Bytes of an event's padding: five of them are a little more than a megabyte.
const PADDING_BYTES: usize = 205_000;

/// Limits the account to one megabyte. Returns the operator.
async fn limit(harness: &TestHarness) -> Actor {
    let (olga, limits) = (operator(harness).await, Limits::default().with(Limit::StoredMb, Some(1)));
    harness.engine.limit_account(&olga, &acme(harness), limits).await.unwrap();
    olga
}

async fn accept(harness: &TestHarness, call: u32) -> domain::Result<()> {
    accept_by(harness, &harness.engine, call).await
}

async fn accept_by(harness: &TestHarness, engine: &Engine, call: u32) -> domain::Result<()> {
    let example = EventKind::CallProcessed.example().trim_end().strip_suffix('}').unwrap();
    let payload = example.replace("2f533604", &format!("{call:08x}"));
    let posted = format!(r#"{{"payload":{payload},"padding":"{}"}}}}"#, "x".repeat(PADDING_BYTES));
    let posted: PostedEvent = serde_json::from_str(&posted).unwrap();
    let event = NewEvent::parse(&posted)?;
    engine.accept_event(&harness.token, &acme(harness), event).await.map(drop)
}

async fn measure(harness: &TestHarness) {
    harness.engine.background().stored_bytes.tick().await.unwrap();
}

async fn purge(harness: &TestHarness) {
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
}

async fn stored_mb(harness: &TestHarness) -> Option<u32> {
    harness.engine.account_usage(&harness.admin).await.unwrap().of(Limit::StoredMb)
}

async fn payloads(harness: &TestHarness) -> usize {
    harness.texts("SELECT id FROM events WHERE payload IS NOT NULL".into()).await.len()
}

async fn what_an_account_stores_is_counted_until_it_is_deleted(harness: TestHarness) {
    harness.endpoint().await;
    assert_eq!(stored_mb(&harness).await, Some(0));
    for call in 0..5 {
        accept(&harness, call).await.unwrap();
    }
    harness.run().await;
    measure(&harness).await;
    measure(&harness).await;
    assert_eq!(stored_mb(&harness).await, Some(2), "1.03 MB, counted once");
    harness.clock.step_ms(29 * DAY_MS);
    purge(&harness).await;
    assert_eq!(stored_mb(&harness).await, Some(2));
    harness.clock.step_ms(3 * DAY_MS);
    purge(&harness).await;
    assert_eq!((payloads(&harness).await, stored_mb(&harness).await), (0, Some(0)));
}

async fn over_its_limit_an_account_keeps_no_responses_and_its_oldest_payloads_go_early(harness: TestHarness) {
    limit(&harness).await;
    harness.endpoint().await;
    for call in 0..5 {
        accept(&harness, call).await.unwrap();
    }
    harness.run().await;
    let heads = "SELECT response_head FROM attempts WHERE response_head <> ''";
    assert_eq!(harness.texts(heads.into()).await.len(), 5);
    measure(&harness).await;
    accept(&harness, 5).await.unwrap();
    harness.run().await;
    assert_eq!(harness.texts(heads.into()).await.len(), 5, "over the limit, the response is not kept");
    harness.clock.step_ms(HOUR_MS);
    accept(&harness, 6).await.unwrap();
    harness.run().await;
    measure(&harness).await;
    purge(&harness).await;
    assert_eq!(payloads(&harness).await, 1, "those of the hour before do not fit any more");
    measure(&harness).await;
    accept(&harness, 7).await.unwrap();
    harness.run().await;
    assert_eq!(harness.texts(heads.into()).await.len(), 1, "within the limit, responses are kept again");
}

async fn what_waits_is_neither_deleted_nor_forgotten_and_events_are_refused_at_last(harness: TestHarness) {
    limit(&harness).await;
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    for call in 0..6 {
        accept(&harness, call).await.unwrap();
    }
    measure(&harness).await;
    let refused = accept(&harness, 6).await.unwrap_err();
    assert!(matches!(refused, Error::LimitReached { .. }), "{refused}");
    assert!(refused.to_string().contains("stores far more than its limit"), "{refused}");
    let (platform, event) = (platform_token(&harness), event(EventKind::CallProcessed, 100, None));
    harness.engine.accept_event(&platform, &acme(&harness), event).await.unwrap();
    harness.clock.step_ms(40 * DAY_MS);
    purge(&harness).await;
    measure(&harness).await;
    assert_eq!(payloads(&harness).await, 7);
    assert!(accept(&harness, 6).await.is_err(), "what waits still counts");
    harness.resume(&endpoint.id).await;
    harness.run().await;
    purge(&harness).await;
    measure(&harness).await;
    assert_eq!(payloads(&harness).await, 0);
    accept(&harness, 6).await.unwrap();
}

async fn what_was_sent_makes_room_for_what_waits(harness: TestHarness) {
    limit(&harness).await;
    harness.endpoint().await;
    for call in 0..3 {
        accept(&harness, call).await.unwrap();
    }
    let slow = harness.endpoint().await;
    harness.pause(&slow.id).await;
    for call in 3..6 {
        accept(&harness, call).await.unwrap();
    }
    harness.run().await;
    measure(&harness).await;
    assert!(accept(&harness, 6).await.is_err(), "all of this hour is kept");
    harness.clock.step_ms(HOUR_MS);
    purge(&harness).await;
    measure(&harness).await;
    assert_eq!((payloads(&harness).await, stored_mb(&harness).await), (3, Some(1)), "only what waits still counts");
    accept(&harness, 6).await.unwrap();
    harness.resume(&slow.id).await;
    harness.run().await;
    assert_eq!(payloads(&harness).await, 1, "what waited too long to be kept is deleted when it was sent");
}

async fn each_node_counts_and_refuses(harness: TestHarness) {
    let olga = limit(&harness).await;
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    let other = harness.another().await;
    for call in 0..3 {
        accept(&harness, call).await.unwrap();
        accept_by(&harness, &other, 3 + call).await.unwrap();
    }
    measure(&harness).await;
    other.background().stored_bytes.tick().await.unwrap();
    assert!(accept_by(&harness, &other, 6).await.is_err());
    accept(&harness, 6).await.unwrap();
    measure(&harness).await;
    assert!(accept(&harness, 7).await.is_err(), "it learns of what the other has counted with its next event");
    harness.engine.limit_account(&olga, &acme(&harness), Limits::default()).await.unwrap();
    measure(&harness).await;
    accept(&harness, 7).await.unwrap();
}
