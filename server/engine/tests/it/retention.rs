//! Data past retention is deleted in two stages; what is still waiting is kept.

use domain::{
    Error,
    account::{AccountForm, Accounts},
    delivery::{Deliveries, Status},
    endpoint::Endpoints,
    event::{EventFilter, EventKind, Events},
    time::DAY_MS,
};
use engine::background::Pacing;

use crate::harness::{START, TestHarness, on_both};

on_both! { bodies_are_deleted_after_thirty_days_and_the_rest_is_kept rows_are_deleted_after_ninety_days a_waiting_delivery_keeps_its_payload_whatever_its_age a_payload_kept_past_retention_is_deleted_when_its_delivery_ends many_rows_are_deleted_in_small_steps waiting_rows_do_not_keep_newer_ones_from_deletion an_account_sets_its_retention_within_the_operators_limit }

async fn bodies_are_deleted_after_thirty_days_and_the_rest_is_kept(harness: TestHarness) {
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.clock.step_ms(29 * DAY_MS);
    assert_eq!(harness.engine.background().retention.round(Pacing::Immediate).await.unwrap(), 0);
    harness.clock.step_ms(2 * DAY_MS);
    assert_eq!(harness.engine.background().retention.round(Pacing::Immediate).await.unwrap(), 1);
    assert_eq!(harness.engine.background().retention.round(Pacing::Immediate).await.unwrap(), 0, "it is done once");
    let delivery = harness.only_delivery().await;
    assert_eq!((delivery.row.status, delivery.payload), (Status::Delivered, None));
    assert_eq!((delivery.attempts.len(), delivery.attempts[0].response_body.as_str()), (1, ""));
    let resent = harness.engine.resend(&harness.admin, &delivery.row.id).await;
    assert!(matches!(resent, Err(Error::Conflict { .. })), "a deleted body cannot be sent");
}

async fn rows_are_deleted_after_ninety_days(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.clock.step_ms(91 * DAY_MS);
    harness.accept(EventKind::CallProcessed, 2).await;
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert_eq!(harness.only_delivery().await.row.call_id, crate::harness::call_id(2));
    assert_eq!(harness.engine.events(&harness.admin, &EventFilter::default()).await.unwrap().rows.len(), 1);
    let hours = harness.engine.endpoint_hours(&harness.admin, &endpoint.id, START).await.unwrap();
    assert_eq!(hours.len(), 1, "counts are kept longer than rows");
}

async fn a_waiting_delivery_keeps_its_payload_whatever_its_age(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.clock.step_ms(100 * DAY_MS);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.only_delivery().await.row.status, Status::Delivered);
}

async fn a_payload_kept_past_retention_is_deleted_when_its_delivery_ends(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let also_waits = harness.endpoint_with(|form| form.events = vec!["CallProcessed".into()]).await;
    for id in [&endpoint.id, &also_waits.id] {
        harness.pause(id).await;
    }
    for (call, kind) in
        [EventKind::IncomingCall, EventKind::OutgoingCall, EventKind::CallProcessed].into_iter().enumerate()
    {
        harness.accept(kind, u32::try_from(call).unwrap()).await;
    }
    harness.clock.step_ms(40 * DAY_MS);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    let kept = "SELECT kind FROM events WHERE payload IS NOT NULL ORDER BY position";
    assert_eq!(harness.texts(kept.into()).await, ["IncomingCall", "OutgoingCall", "CallProcessed"]);
    let first = harness.deliveries().await[0].id.clone();
    harness.engine.cancel_delivery(&harness.admin, &first).await.unwrap();
    assert_eq!(harness.texts(kept.into()).await, ["OutgoingCall", "CallProcessed"], "cancelled");
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 1, "the other one has expired");
    assert_eq!(harness.texts(kept.into()).await, ["CallProcessed"], "and it waits for another endpoint as well");
    harness.engine.delete_endpoint(&harness.admin, &also_waits.id).await.unwrap();
    assert_eq!(harness.texts(kept.into()).await, [""; 0], "with the last of its deliveries");
    let answers = "SELECT response_head FROM attempts";
    assert_eq!(harness.texts(answers.into()).await, [""]);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    harness.accept(EventKind::CallProcessed, 9).await;
    harness.run().await;
    assert_eq!(harness.texts(kept.into()).await, ["CallProcessed"], "what is not past retention is kept");
}

async fn many_rows_are_deleted_in_small_steps(harness: TestHarness) {
    harness.endpoint().await;
    let calls = (0..450).map(|call| harness.accept(EventKind::CallProcessed, call));
    futures::future::join_all(calls).await;
    harness.run().await;
    harness.clock.step_ms(91 * DAY_MS);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert!(harness.deliveries().await.is_empty());
    assert!(harness.engine.events(&harness.admin, &EventFilter::default()).await.unwrap().rows.is_empty());
    // Bodies, deliveries and events are deleted in separate transactions of at most 200 rows.
    let metrics = harness.engine.metrics().await.unwrap();
    let steps = metrics.iter().find(|metric| metric.name == "offhook_clean_commit_rows").unwrap();
    let engine::Value::Histogram { buckets, count, sum } = &steps.value else { panic!("{steps:?}") };
    let (_, small) = buckets.iter().find(|(end, _)| *end == 256.0).unwrap();
    assert_eq!((*small, *sum), (*count, 3.0 * 450.0));
    assert!(*count >= 9, "{count} steps");
}

/// Deliveries that wait for a paused endpoint are skipped once a round and do not block the rest.
async fn waiting_rows_do_not_keep_newer_ones_from_deletion(harness: TestHarness) {
    let held = harness.endpoint().await;
    harness.pause(&held.id).await;
    futures::future::join_all((0..250).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    harness.endpoint_with(|form| form.events = vec!["IncomingCall".into()]).await;
    harness.engine.delete_endpoint(&harness.admin, &held.id).await.unwrap();
    let waits = harness.endpoint_with(|form| form.events = vec!["OutgoingCall".into()]).await;
    harness.pause(&waits.id).await;
    futures::future::join_all((0..250).map(|call| harness.accept(EventKind::OutgoingCall, call))).await;
    futures::future::join_all((0..30).map(|call| harness.accept(EventKind::IncomingCall, call))).await;
    harness.run().await;
    harness.clock.step_ms(91 * DAY_MS);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    let left = harness.deliveries().await;
    assert_eq!(left.len(), 250);
    assert!(left.iter().all(|row| row.status == Status::Held));
}

async fn an_account_sets_its_retention_within_the_operators_limit(harness: TestHarness) {
    let form = |bodies: &str, rows: &str| AccountForm {
        name: "Acme".into(),
        support_access: true,
        bodies_days: bodies.into(),
        rows_days: rows.into(),
        ..AccountForm::default()
    };
    for (bodies, rows, fields) in [("0", "366", vec!["rows_days", "bodies_days"]), ("20", "10", vec!["bodies_days"])] {
        let refused =
            harness.engine.change_account(&harness.admin, &form(bodies, rows).input().unwrap()).await.unwrap_err();
        assert_eq!(refused.fields().iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), fields);
    }
    harness.engine.change_account(&harness.admin, &form("2", "5").input().unwrap()).await.unwrap();
    let kept = harness.engine.change_account(&harness.admin, &form("", "").input().unwrap()).await.unwrap().settings;
    assert_eq!((kept.bodies_days, kept.rows_days), (2, 5), "an empty field changes nothing");
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.clock.step_ms(3 * DAY_MS);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert_eq!(harness.only_delivery().await.payload, None);
    harness.clock.step_ms(3 * DAY_MS);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert!(harness.deliveries().await.is_empty());
}
