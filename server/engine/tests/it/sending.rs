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
    bed::{Bed, START, on_both},
    receiver::Reply,
};

on_both! {
    an_event_arrives_byte_for_byte_and_signed
    the_same_id_is_accepted_once_and_refused_with_another_body
    what_nobody_listens_for_is_kept_and_says_so
    a_record_is_retried_in_its_rhythm_until_it_arrives
    news_that_cannot_be_sent_in_time_expire
    a_retry_after_is_honoured
    all_attempts_carry_one_id_and_their_number
    many_events_at_once_all_arrive
    held_events_drain_at_the_rate_that_was_chosen
    a_call_that_comes_in_while_held_records_drain_is_sent_at_once
    held_calls_that_are_too_late_leave_the_rate_to_a_fresh_one
    a_test_goes_to_its_endpoint_alone
    a_rate_holds_from_the_first_event_on
    the_door_answers_busy_when_too_much_waits
}

async fn an_event_arrives_byte_for_byte_and_signed(bed: Bed) {
    let form = EndpointForm {
        url: bed.receiver.url(),
        events: vec!["CallProcessed".into()],
        auth_token: "my-token".into(),
        headers: "X-Team: phones".into(),
        ..EndpointForm::default()
    };
    let created = bed.engine.create_endpoint(&bed.admin, &form, Duplicate::Refuse).await.unwrap();
    let accepted = bed.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(accepted.deliveries, 1);
    assert_eq!(bed.run().await, 1);
    let got = &bed.receiver.received()[0];
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
    let delivery = bed.only_delivery().await;
    assert_eq!((delivery.row.status, delivery.row.status_code), (Status::Delivered, Some(200)));
    assert_eq!(delivery.attempts[0].response_body, "ok");
    assert!(delivery.attempts[0].response_head.contains("x-seen: yes"));
    assert_eq!(delivery.row.beats.len(), 1);
}

async fn the_same_id_is_accepted_once_and_refused_with_another_body(bed: Bed) {
    bed.endpoint().await;
    let first = bed.accept_as(EventKind::IncomingCall, 1, Some("own-1")).await.unwrap();
    let again = bed.accept_as(EventKind::IncomingCall, 1, Some("own-1")).await.unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!((first.id, first.deliveries), (again.id, again.deliveries));
    let other = bed.accept_as(EventKind::IncomingCall, 2, Some("own-1")).await;
    assert!(matches!(other, Err(Error::Conflict { .. })));
    assert_eq!(bed.run().await, 1);
}

async fn what_nobody_listens_for_is_kept_and_says_so(bed: Bed) {
    bed.endpoint_with(|form| form.events = vec!["CallProcessed".into()]).await;
    let accepted = bed.accept(EventKind::OutgoingCall, 1).await;
    assert_eq!(accepted.deliveries, 0);
    let not_sent = EventFilter { not_sent: true, ..EventFilter::default() };
    let listed = bed.engine.events(&bed.admin, &not_sent).await.unwrap();
    assert_eq!((listed.rows.len(), listed.rows[0].deliveries), (1, 0));
    let event = bed.engine.event(&bed.admin, &accepted.id).await.unwrap();
    assert!(event.payload.is_some_and(|payload| payload.contains("OutgoingCall")));
}

async fn a_record_is_retried_in_its_rhythm_until_it_arrives(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.next([Reply::Status(500), Reply::Status(503)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(bed.run().await, 1);
    let row = bed.only_delivery().await.row;
    assert_eq!((row.status, row.failure.map(|f| f.cause)), (Status::Retrying, Some(Cause::Http5xx)));
    let wait = row.next_attempt_at.unwrap().since_ms(bed.now());
    assert!((4_500..=5_500).contains(&wait), "{wait}");
    assert_eq!(bed.run_after_ms(4_000).await, 0, "not before it is due");
    assert_eq!(bed.run_after_ms(1_600).await, 1);
    assert_eq!(bed.run_after_ms(33_001).await, 1);
    let delivery = bed.only_delivery().await;
    assert_eq!((delivery.row.status, delivery.row.attempts), (Status::Delivered, 3));
    let codes: Vec<_> = delivery.attempts.iter().map(|a| a.status_code.unwrap()).collect();
    assert_eq!(codes, [500, 503, 200]);
}

async fn news_that_cannot_be_sent_in_time_expire(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.usually(Reply::Status(500));
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.run().await;
    assert_eq!(bed.run_after_ms(61_000).await, 0);
    let row = bed.only_delivery().await.row;
    assert_eq!((row.status, row.end_reason), (Status::Expired, Some(EndReason::TooLate)));
}

async fn a_retry_after_is_honoured(bed: Bed) {
    bed.endpoint().await;
    let busy = "HTTP/1.1 503 Busy\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n";
    bed.receiver.next([Reply::Bytes(busy.into())]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    let row = bed.only_delivery().await.row;
    assert_eq!(row.next_attempt_at.map(|at| at.since_ms(bed.now())), Some(120_000));
    assert_eq!(row.sentence(bed.now()), "Error in your server (503), asks us to wait 120 s");
}

async fn all_attempts_carry_one_id_and_their_number(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    let accepted = bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.run_after_ms(6_000).await;
    let (ids, numbers): (Vec<_>, Vec<_>) = bed
        .receiver
        .received()
        .iter()
        .map(|r| (r.header("webhook-id").unwrap(), r.header("offhook-attempt").unwrap()))
        .unzip();
    assert_eq!(ids, [accepted.id.as_str(), accepted.id.as_str()]);
    assert_eq!(numbers, ["1", "2"]);
}

async fn many_events_at_once_all_arrive(bed: Bed) {
    bed.endpoint().await;
    let all = (0..300).map(|call| bed.accept(EventKind::CallProcessed, call));
    assert!(join_all(all).await.iter().all(|accepted| accepted.deliveries == 1));
    assert_eq!(bed.run().await, 300);
    let filter = domain::filter::DeliveryFilter::parse("status=delivered");
    assert_eq!(bed.engine.delivery_counts(&bed.admin, &filter).await.unwrap().matching, 300);
    let commits = bed.engine.sender().counters.ingest.count();
    assert!(commits < 50, "events that come together are committed together: {commits} commits");
}

async fn held_events_drain_at_the_rate_that_was_chosen(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    for call in 0..20 {
        bed.accept(EventKind::CallProcessed, call).await;
        bed.clock.step_ms(1);
    }
    let refused = bed.engine.resume_endpoint(&bed.admin, &endpoint.id, Some(0)).await.unwrap_err();
    assert_eq!(refused.fields()[0].field, "drain_per_s");
    bed.engine.resume_endpoint(&bed.admin, &endpoint.id, Some(10)).await.unwrap();
    let mut sent = bed.run().await;
    assert!((1..=2).contains(&sent), "no burst at the beginning: {sent}");
    for _ in 0..5 {
        sent += bed.run_after_ms(100).await;
    }
    assert!((5..=7).contains(&sent), "ten a second for half a second: {sent}");
    for _ in 0..20 {
        sent += bed.run_after_ms(100).await;
    }
    assert_eq!(sent, 20);
    // What is accepted from now on is not held back.
    bed.clock.step_ms(1_000);
    for call in 100..105 {
        bed.accept(EventKind::CallProcessed, call).await;
    }
    let first = bed.run().await;
    assert_eq!(first + bed.run_after_ms(100).await, 5, "no five of them within a tenth of a second at ten a second");
}

async fn a_call_that_comes_in_while_held_records_drain_is_sent_at_once(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    join_all((0..40).map(|call| bed.accept(EventKind::CallProcessed, call))).await;
    bed.clock.step_ms(1);
    bed.engine.resume_endpoint(&bed.admin, &endpoint.id, Some(2)).await.unwrap();
    assert_eq!(bed.run().await, 1);
    bed.clock.step_ms(100);
    bed.accept(EventKind::IncomingCall, 100).await;
    assert_eq!(bed.run().await, 1, "the call alone: the next held one is not due yet");
    assert_eq!(bed.receiver.kinds(), ["CallProcessed", "IncomingCall"]);
    assert_eq!(bed.run_after_ms(400).await, 1, "held ones keep the rate that was chosen for them");
}

async fn held_calls_that_are_too_late_leave_the_rate_to_a_fresh_one(bed: Bed) {
    let endpoint = bed.endpoint_with(|form| form.rate_per_s = "2".into()).await;
    bed.pause(&endpoint.id).await;
    join_all((0..40).map(|call| bed.accept(EventKind::IncomingCall, call))).await;
    bed.clock.step_ms(61_000);
    bed.resume(&endpoint.id).await;
    bed.accept(EventKind::IncomingCall, 100).await;
    assert_eq!(bed.run().await, 1);
    let rows = bed.deliveries().await;
    let late = |row: &&DeliveryRow| (row.end_reason, row.attempts) == (Some(EndReason::TooLate), 0);
    assert_eq!((rows.iter().filter(late).count(), rows[40].status), (40, Status::Delivered));
}

async fn a_test_goes_to_its_endpoint_alone(bed: Bed) {
    let wanted = bed.endpoint_with(|form| form.events = vec!["CallProcessed".into()]).await;
    bed.endpoint().await;
    let id = bed.engine.send_test(&bed.admin, &wanted.id, EventKind::IncomingCall, None).await.unwrap();
    assert_eq!(bed.run().await, 1);
    let row = bed.delivery(&id).await;
    assert!(row.test && row.status == Status::Delivered);
    assert_eq!(row.endpoint_id, wanted.id);
}

async fn a_rate_holds_from_the_first_event_on(bed: Bed) {
    bed.endpoint_with(|form| form.rate_per_s = "2".into()).await;
    join_all((0..4).map(|call| bed.accept(EventKind::CallProcessed, call))).await;
    assert_eq!(bed.run().await, 1);
    assert_eq!(bed.run_after_ms(500).await, 1);
    assert_eq!(bed.run_after_ms(1_000).await, 1, "no burst for what was not used");
}

async fn the_door_answers_busy_when_too_much_waits(bed: Bed) {
    use engine::sender::ingest::{INTAKE_MAX, INTAKE_WAITING_MAX};
    bed.endpoint().await;
    let most = u32::try_from(INTAKE_WAITING_MAX + INTAKE_MAX).unwrap();
    // All of them come before the writer gets to take the first: a single thread runs this test.
    let results = join_all((0..most + 10).map(|call| bed.accept_as(EventKind::CallProcessed, call, None)));
    let results = results.await;
    let busy =
        results.iter().filter(|result| matches!(result, Err(Error::Unavailable { retry_after_s: 1, .. }))).count();
    let accepted = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(busy + accepted, results.len());
    assert!(busy >= 10, "past {most} nobody waits: {busy}");
    let page = bed.engine.delivery_counts(&bed.admin, &domain::filter::DeliveryFilter::default()).await.unwrap();
    assert_eq!(page.matching as usize, accepted, "what was refused was not stored");
    assert!(bed.accept_as(EventKind::CallProcessed, most + 20, None).await.is_ok(), "and then it goes on");
}
