//! From accepted to delivered.

use domain::{
    Error,
    cause::Cause,
    delivery::{Deliveries, DeliveryRow, Status},
    endpoint::{Duplicate, EndpointForm, Endpoints},
    event::{EventFilter, EventKind, Events},
    retry::EndReason,
    secret::SigningSecret,
    signature,
};
use futures::future::join_all;

use crate::{
    harness::{START, TestHarness, on_both},
    receiver::Reply,
};

on_both! { an_event_arrives_byte_for_byte_and_signed the_same_id_is_accepted_once_and_refused_with_another_body an_event_without_a_subscriber_is_kept_and_marked_as_not_sent a_durable_event_is_retried_on_schedule_until_it_arrives ephemeral_events_that_cannot_be_sent_in_time_expire a_retry_after_is_honoured attempts_share_one_id_and_carry_their_number many_concurrent_events_all_arrive held_events_drain_at_the_chosen_rate a_new_call_is_sent_at_once_while_held_events_drain expired_held_calls_do_not_use_up_the_rate a_test_is_sent_only_to_its_endpoint a_rate_limit_applies_from_the_first_event intake_reports_busy_when_too_much_is_waiting }

async fn an_event_arrives_byte_for_byte_and_signed(harness: TestHarness) {
    let form = EndpointForm {
        url: harness.receiver.url(),
        events: vec!["CallProcessed".into()],
        auth_token: "my-token".into(),
        headers: "X-Team: phones".into(),
        ..EndpointForm::default()
    };
    let created =
        harness.engine.create_endpoint(&harness.admin, &form.input().unwrap(), Duplicate::Refuse).await.unwrap();
    let accepted = harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(accepted.deliveries, 1);
    assert_eq!(harness.run().await, 1);
    let got = &harness.receiver.received()[0];
    let payload = r#"{"event":"CallProcessed","call_id":"00000001-aaaf-11e7-b600-7ac8e42434d2","call_cost":0.0,"call_type":"incoming","call_duration":6,"call_status":"answered","source":{"type":"address_contact","id":8203},"destination":{"type":"extension","id":7048}}"#;
    assert_eq!(got.body, format!(r#"{{"payload":{payload},"timestamp":1507305504,"auth_token":"my-token"}}"#));
    let secret = SigningSecret::parse(&created.credentials.signing_secret).unwrap();
    let signed = signature::sign(&secret, accepted.id.as_str(), START.unix_seconds(), got.body.as_bytes());
    assert_eq!(got.header("webhook-signature"), Some(signed));
    assert_eq!(got.header("webhook-id").as_deref(), Some(accepted.id.as_str()));
    assert_eq!(got.header("webhook-timestamp"), Some(START.unix_seconds().to_string()));
    assert_eq!(got.header("content-type").as_deref(), Some("application/json"));
    assert_eq!(got.header("x-team").as_deref(), Some("phones"));
    assert!(got.header("user-agent").unwrap().starts_with("Offhook/"));
    let delivery = harness.only_delivery().await;
    assert_eq!((delivery.row.status, delivery.row.status_code), (Status::Delivered, Some(200)));
    assert_eq!(delivery.attempts[0].response_body, "ok");
    assert!(delivery.attempts[0].response_head.contains("x-seen: yes"));
    assert_eq!(delivery.row.beats.len(), 1);
}

async fn the_same_id_is_accepted_once_and_refused_with_another_body(harness: TestHarness) {
    harness.endpoint().await;
    let first = harness.accept_as(EventKind::IncomingCall, 1, Some("own-1")).await.unwrap();
    let again = harness.accept_as(EventKind::IncomingCall, 1, Some("own-1")).await.unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!((first.id, first.deliveries), (again.id, again.deliveries));
    let other = harness.accept_as(EventKind::IncomingCall, 2, Some("own-1")).await;
    assert!(matches!(other, Err(Error::Conflict { .. })));
    assert_eq!(harness.run().await, 1);
}

async fn an_event_without_a_subscriber_is_kept_and_marked_as_not_sent(harness: TestHarness) {
    harness.endpoint_with(|form| form.events = vec!["CallProcessed".into()]).await;
    let accepted = harness.accept(EventKind::OutgoingCall, 1).await;
    assert_eq!(accepted.deliveries, 0);
    let not_sent = EventFilter { not_sent: true, ..EventFilter::default() };
    let listed = harness.engine.events(&harness.admin, &not_sent).await.unwrap();
    assert_eq!((listed.rows.len(), listed.rows[0].deliveries), (1, 0));
    let event = harness.engine.event(&harness.admin, &accepted.id).await.unwrap();
    assert!(event.payload.is_some_and(|payload| payload.contains("OutgoingCall")));
}

async fn a_durable_event_is_retried_on_schedule_until_it_arrives(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(500), Reply::Status(503)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 1);
    let row = harness.only_delivery().await.row;
    assert_eq!((row.status, row.failure.map(|f| f.cause)), (Status::Retrying, Some(Cause::Http5xx)));
    let wait = row.next_attempt_at.unwrap().since_ms(harness.now());
    assert!((4_500..=5_500).contains(&wait), "{wait}");
    assert_eq!(harness.run_after_ms(4_000).await, 0, "not before it is due");
    assert_eq!(harness.run_after_ms(1_600).await, 1);
    assert_eq!(harness.run_after_ms(33_001).await, 1);
    let delivery = harness.only_delivery().await;
    assert_eq!((delivery.row.status, delivery.row.attempts), (Status::Delivered, 3));
    let codes: Vec<_> = delivery.attempts.iter().map(|a| a.status_code.unwrap()).collect();
    assert_eq!(codes, [500, 503, 200]);
}

async fn ephemeral_events_that_cannot_be_sent_in_time_expire(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.usually(Reply::Status(500));
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    assert_eq!(harness.run_after_ms(61_000).await, 0);
    let row = harness.only_delivery().await.row;
    assert_eq!((row.status, row.end_reason), (Status::Expired, Some(EndReason::TooLate)));
}

async fn a_retry_after_is_honoured(harness: TestHarness) {
    harness.endpoint().await;
    let busy = "HTTP/1.1 503 Busy\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n";
    harness.receiver.next([Reply::Bytes(busy.into())]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let row = harness.only_delivery().await.row;
    let wait_ms = row.next_attempt_at.unwrap().since_ms(harness.now());
    assert!((120_000..=132_000).contains(&wait_ms), "{wait_ms}");
    assert_eq!(row.sentence(harness.now()), "Server error (503); asked to wait 120 s");
}

async fn attempts_share_one_id_and_carry_their_number(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    let accepted = harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.run_after_ms(6_000).await;
    let (ids, numbers): (Vec<_>, Vec<_>) = harness
        .receiver
        .received()
        .iter()
        .map(|r| (r.header("webhook-id").unwrap(), r.header("offhook-attempt").unwrap()))
        .unzip();
    assert_eq!(ids, [accepted.id.as_str(), accepted.id.as_str()]);
    assert_eq!(numbers, ["1", "2"]);
}

async fn many_concurrent_events_all_arrive(harness: TestHarness) {
    harness.endpoint().await;
    let all = (0..300).map(|call| harness.accept(EventKind::CallProcessed, call));
    assert!(join_all(all).await.iter().all(|accepted| accepted.deliveries == 1));
    assert_eq!(harness.run().await, 300);
    let filter = domain::filter::DeliveryFilter::parse("status=delivered");
    assert_eq!(harness.engine.delivery_counts(&harness.admin, &filter).await.unwrap().matching, 300);
    let commits = harness.engine.context().counters.intake.count();
    assert!(commits < 50, "concurrent events share commits: {commits} commits");
}

async fn held_events_drain_at_the_chosen_rate(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    for call in 0..20 {
        harness.accept(EventKind::CallProcessed, call).await;
        harness.clock.step_ms(1);
    }
    let refused = harness.engine.resume_endpoint(&harness.admin, &endpoint.id, Some(0)).await.unwrap_err();
    assert_eq!(refused.fields()[0].field, "drain_per_s");
    harness.engine.resume_endpoint(&harness.admin, &endpoint.id, Some(10)).await.unwrap();
    let mut sent = harness.run().await;
    assert!((1..=2).contains(&sent), "no burst at the start: {sent}");
    for _ in 0..5 {
        sent += harness.run_after_ms(100).await;
    }
    assert!((5..=7).contains(&sent), "ten a second for half a second: {sent}");
    for _ in 0..20 {
        sent += harness.run_after_ms(100).await;
    }
    assert_eq!(sent, 20);
    // Newly accepted events are not held back.
    harness.clock.step_ms(1_000);
    for call in 100..105 {
        harness.accept(EventKind::CallProcessed, call).await;
    }
    let first = harness.run().await;
    assert_eq!(
        first + harness.run_after_ms(100).await,
        5,
        "no five of them within a tenth of a second at ten a second"
    );
}

async fn a_new_call_is_sent_at_once_while_held_events_drain(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    join_all((0..40).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    harness.clock.step_ms(1);
    harness.engine.resume_endpoint(&harness.admin, &endpoint.id, Some(2)).await.unwrap();
    assert_eq!(harness.run().await, 1);
    harness.clock.step_ms(100);
    harness.accept(EventKind::IncomingCall, 100).await;
    assert_eq!(harness.run().await, 1, "the call alone: the next held one is not due yet");
    assert_eq!(harness.receiver.kinds(), ["CallProcessed", "IncomingCall"]);
    assert_eq!(harness.run_after_ms(400).await, 1, "held ones keep their chosen rate");
}

async fn expired_held_calls_do_not_use_up_the_rate(harness: TestHarness) {
    let endpoint = harness.endpoint_with(|form| form.rate_per_s = "2".into()).await;
    harness.pause(&endpoint.id).await;
    join_all((0..40).map(|call| harness.accept(EventKind::IncomingCall, call))).await;
    harness.clock.step_ms(61_000);
    harness.resume(&endpoint.id).await;
    harness.accept(EventKind::IncomingCall, 100).await;
    assert_eq!(harness.run().await, 1);
    let rows = harness.deliveries().await;
    let late = |row: &&DeliveryRow| (row.end_reason, row.attempts) == (Some(EndReason::TooLate), 0);
    assert_eq!((rows.iter().filter(late).count(), rows[40].status), (40, Status::Delivered));
}

async fn a_test_is_sent_only_to_its_endpoint(harness: TestHarness) {
    let wanted = harness.endpoint_with(|form| form.events = vec!["CallProcessed".into()]).await;
    harness.endpoint().await;
    let id = harness.engine.send_test(&harness.admin, &wanted.id, EventKind::IncomingCall, None).await.unwrap();
    assert_eq!(harness.run().await, 1);
    let row = harness.delivery(&id).await;
    assert!(row.test && row.status == Status::Delivered);
    assert_eq!(row.endpoint_id, wanted.id);
}

async fn a_rate_limit_applies_from_the_first_event(harness: TestHarness) {
    harness.endpoint_with(|form| form.rate_per_s = "2".into()).await;
    join_all((0..4).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.run_after_ms(500).await, 1);
    assert_eq!(harness.run_after_ms(1_000).await, 1, "unused rate does not add up");
}

async fn intake_reports_busy_when_too_much_is_waiting(harness: TestHarness) {
    use engine::delivery::intake::{INTAKE_MAX, INTAKE_WAITING_MAX};
    harness.endpoint().await;
    let most = u32::try_from(INTAKE_WAITING_MAX + INTAKE_MAX).unwrap();
    // All are posted before the writer gets to the first: this test runs on a single thread.
    let results = join_all((0..most + 10).map(|call| harness.accept_as(EventKind::CallProcessed, call, None)));
    let results = results.await;
    let busy =
        results.iter().filter(|result| matches!(result, Err(Error::Unavailable { retry_after_s: 1, .. }))).count();
    let accepted = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(busy + accepted, results.len());
    assert!(busy >= 10, "past {most} nobody waits: {busy}");
    let page =
        harness.engine.delivery_counts(&harness.admin, &domain::filter::DeliveryFilter::default()).await.unwrap();
    assert_eq!(page.matching as usize, accepted, "what was refused was not stored");
    assert!(harness.accept_as(EventKind::CallProcessed, most + 20, None).await.is_ok(), "and then intake resumes");
}
