//! Details beside the payload: stored with their event, sent to endpoints that ask for them only.

use domain::{
    Error,
    delivery::Deliveries,
    details::Details,
    endpoint::{EndpointInput, Endpoints},
    event::{Accepted, EventKind, Events, NewEvent},
    time::DAY_MS,
};
use engine::background::Pacing;

use crate::{
    harness::{TestHarness, event, on_both},
    support::inside,
};

on_both! { only_endpoints_that_ask_for_details_receive_them details_outlive_a_pause_and_a_retry other_details_under_the_same_id_are_another_body details_are_deleted_with_their_payload a_test_shows_where_details_are support_sees_masked_numbers_in_details }

const RING: &str = r#"{"call_result":"blocked","ring_s":4.50}"#;

fn with(details: &str, call: u32, id: Option<&str>) -> NewEvent {
    NewEvent { details: Details::parse(details).unwrap(), ..event(EventKind::CallProcessed, call, id) }
}

async fn accept(harness: &TestHarness, event: NewEvent) -> domain::Result<Accepted> {
    harness.engine.accept_event(&harness.token, harness.token.account().unwrap(), event).await
}

/// What follows the payload in the body of each request, in order of their length.
fn sent(harness: &TestHarness) -> Vec<String> {
    let after = |body: String| body.split_once("7048}}").unwrap().1.to_owned();
    let mut sent: Vec<String> = harness.receiver.received().into_iter().map(|request| after(request.body)).collect();
    sent.sort_by_key(String::len);
    sent
}

const WITHOUT: &str = r#","timestamp":1507305504,"auth_token":"my-token"}"#;
const WITH: &str =
    r#","details":{"call_result":"blocked","ring_s":4.50},"timestamp":1507305504,"auth_token":"my-token"}"#;

async fn only_endpoints_that_ask_for_details_receive_them(harness: TestHarness) {
    let plain = harness.endpoint().await;
    let asks = harness.endpoint_with(|form| form.send_details = true).await;
    assert_eq!((plain.send_details, asks.send_details), (false, true));
    let accepted = accept(&harness, with(RING, 1, None)).await.unwrap();
    harness.run().await;
    assert_eq!(sent(&harness), [WITHOUT, WITH]);
    let shown = harness.engine.event(&harness.admin, &accepted.id).await.unwrap();
    assert_eq!(shown.details.as_deref(), Some(RING));
    for row in harness.deliveries().await {
        let detail = harness.engine.delivery(&harness.admin, &row.id, None).await.unwrap();
        let expected = (row.endpoint_id == asks.id).then_some(RING);
        assert_eq!(detail.details.as_deref(), expected, "as it is sent");
    }
    accept(&harness, with("{}", 2, None)).await.unwrap();
    harness.run().await;
    assert_eq!(sent(&harness), [WITHOUT, WITHOUT, WITHOUT, WITH], "without details nothing differs");
}

async fn details_outlive_a_pause_and_a_retry(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    accept(&harness, with(RING, 1, None)).await.unwrap();
    let asks = EndpointInput { send_details: true, ..EndpointInput::of(&endpoint) };
    let changed = harness.engine.update_endpoint(&harness.admin, &endpoint.id, &asks, None).await.unwrap();
    assert!(changed.send_details, "the setting applies to what still waits");
    harness.resume(&endpoint.id).await;
    harness.run().await;
    assert_eq!(sent(&harness), [WITH]);
}

async fn other_details_under_the_same_id_are_another_body(harness: TestHarness) {
    assert!(!accept(&harness, with(RING, 1, Some("call-1-done"))).await.unwrap().repeated);
    assert!(accept(&harness, with(RING, 1, Some("call-1-done"))).await.unwrap().repeated);
    for other in [r#"{"call_result":"blocked","ring_s":5}"#, "{}"] {
        let refused = accept(&harness, with(other, 1, Some("call-1-done"))).await;
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{other}");
    }
}

async fn details_are_deleted_with_their_payload(harness: TestHarness) {
    let accepted = accept(&harness, with(RING, 1, None)).await.unwrap();
    harness.clock.step_ms(31 * DAY_MS);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    let shown = harness.engine.event(&harness.admin, &accepted.id).await.unwrap();
    assert_eq!((shown.payload, shown.details), (None, None));
}

async fn a_test_shows_where_details_are(harness: TestHarness) {
    let asks = harness.endpoint_with(|form| form.send_details = true).await;
    harness.engine.send_test(&harness.admin, &asks.id, EventKind::CallProcessed, None).await.unwrap();
    harness.run().await;
    let sent = sent(&harness);
    assert!(sent[0].starts_with(r#","details":{"call_result":"answered""#), "{sent:?}");
}

async fn support_sees_masked_numbers_in_details(harness: TestHarness) {
    harness.endpoint_with(|form| form.send_details = true).await;
    let accepted = accept(&harness, with(r#"{"forwarded_to":"01632960001"}"#, 1, None)).await.unwrap();
    let (_, support, _) = inside(&harness).await;
    let delivery = harness.deliveries().await[0].id.clone();
    let event = harness.engine.event(&support, &accepted.id).await.unwrap().details.unwrap();
    let delivery = harness.engine.delivery(&support, &delivery, None).await.unwrap().details.unwrap();
    assert!(!event.contains("01632960001") && event.contains("0163 ••• 001"), "{event}");
    assert_eq!(event, delivery);
}
