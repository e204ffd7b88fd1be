//! What is past retention goes, in two stages; what waits stays.

use domain::{
    Error,
    account::{AccountForm, Accounts},
    delivery::{Deliveries, Status},
    endpoint::Endpoints,
    event::{EventFilter, EventKind, Events},
    time::DAY_MS,
};
use engine::background::Pacing;

use crate::bed::{Bed, START, on_both};

on_both! {
    bodies_go_after_thirty_days_and_the_rest_stays
    rows_go_after_ninety_days
    what_waits_keeps_its_payload_however_old_it_is
    what_waited_past_its_retention_goes_with_its_end
    many_rows_go_in_small_steps
    old_rows_go_though_older_ones_wait
    an_account_keeps_what_it_chose_within_the_operators_bound
}

async fn bodies_go_after_thirty_days_and_the_rest_stays(bed: Bed) {
    bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.clock.step_ms(29 * DAY_MS);
    assert_eq!(bed.engine.background().retention.round(Pacing::Immediate).await.unwrap(), 0);
    bed.clock.step_ms(2 * DAY_MS);
    assert_eq!(bed.engine.background().retention.round(Pacing::Immediate).await.unwrap(), 1);
    assert_eq!(bed.engine.background().retention.round(Pacing::Immediate).await.unwrap(), 0, "it is done once");
    let delivery = bed.only_delivery().await;
    assert_eq!((delivery.row.status, delivery.payload), (Status::Delivered, None));
    assert_eq!((delivery.attempts.len(), delivery.attempts[0].response_body.as_str()), (1, ""));
    let resent = bed.engine.resend(&bed.admin, &delivery.row.id).await;
    assert!(matches!(resent, Err(Error::Conflict { .. })), "a body that is gone cannot be sent");
}

async fn rows_go_after_ninety_days(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.clock.step_ms(91 * DAY_MS);
    bed.accept(EventKind::CallProcessed, 2).await;
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert_eq!(bed.only_delivery().await.row.call_id, crate::bed::call_id(2));
    assert_eq!(bed.engine.events(&bed.admin, &EventFilter::default()).await.unwrap().rows.len(), 1);
    let hours = bed.engine.endpoint_hours(&bed.admin, &endpoint.id, START).await.unwrap();
    assert_eq!(hours.len(), 1, "counts stay longer than rows");
}

async fn what_waits_keeps_its_payload_however_old_it_is(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.clock.step_ms(100 * DAY_MS);
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    bed.resume(&endpoint.id).await;
    assert_eq!(bed.run().await, 1);
    assert_eq!(bed.only_delivery().await.row.status, Status::Delivered);
}

async fn what_waited_past_its_retention_goes_with_its_end(bed: Bed) {
    let endpoint = bed.endpoint().await;
    let also_waits = bed.endpoint_with(|form| form.events = vec!["CallProcessed".into()]).await;
    for id in [&endpoint.id, &also_waits.id] {
        bed.pause(id).await;
    }
    for (call, kind) in
        [EventKind::IncomingCall, EventKind::OutgoingCall, EventKind::CallProcessed].into_iter().enumerate()
    {
        bed.accept(kind, u32::try_from(call).unwrap()).await;
    }
    bed.clock.step_ms(40 * DAY_MS);
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    let kept = "SELECT kind FROM events WHERE payload IS NOT NULL ORDER BY position";
    assert_eq!(bed.texts(kept.into()).await, ["IncomingCall", "OutgoingCall", "CallProcessed"]);
    let first = bed.deliveries().await[0].id.clone();
    bed.engine.cancel_delivery(&bed.admin, &first).await.unwrap();
    assert_eq!(bed.texts(kept.into()).await, ["OutgoingCall", "CallProcessed"], "cancelled");
    bed.resume(&endpoint.id).await;
    assert_eq!(bed.run().await, 1, "the other one is too late");
    assert_eq!(bed.texts(kept.into()).await, ["CallProcessed"], "and it waits for another endpoint as well");
    bed.engine.delete_endpoint(&bed.admin, &also_waits.id).await.unwrap();
    assert_eq!(bed.texts(kept.into()).await, [""; 0], "with the last of its deliveries");
    let answers = "SELECT response_head FROM attempts";
    assert_eq!(bed.texts(answers.into()).await, [""]);
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    bed.accept(EventKind::CallProcessed, 9).await;
    bed.run().await;
    assert_eq!(bed.texts(kept.into()).await, ["CallProcessed"], "what is not past stays");
}

async fn many_rows_go_in_small_steps(bed: Bed) {
    bed.endpoint().await;
    let calls = (0..450).map(|call| bed.accept(EventKind::CallProcessed, call));
    futures::future::join_all(calls).await;
    bed.run().await;
    bed.clock.step_ms(91 * DAY_MS);
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert!(bed.deliveries().await.is_empty());
    assert!(bed.engine.events(&bed.admin, &EventFilter::default()).await.unwrap().rows.is_empty());
    // Bodies, deliveries and events went in transactions of their own, none of more than 200 rows.
    let figures = bed.engine.metrics().await.unwrap();
    let steps = figures.iter().find(|figure| figure.name == "offhook_clean_commit_rows").unwrap();
    let engine::Value::Histogram { buckets, count, sum } = &steps.value else { panic!("{steps:?}") };
    let (_, small) = buckets.iter().find(|(end, _)| *end == 256.0).unwrap();
    assert_eq!((*small, *sum), (*count, 3.0 * 450.0));
    assert!(*count >= 9, "{count} steps");
}

/// What waits for a paused endpoint is passed over, once in a round, and does not keep the rest from going.
async fn old_rows_go_though_older_ones_wait(bed: Bed) {
    let held = bed.endpoint().await;
    bed.pause(&held.id).await;
    futures::future::join_all((0..250).map(|call| bed.accept(EventKind::CallProcessed, call))).await;
    bed.endpoint_with(|form| form.events = vec!["IncomingCall".into()]).await;
    bed.engine.delete_endpoint(&bed.admin, &held.id).await.unwrap();
    let waits = bed.endpoint_with(|form| form.events = vec!["OutgoingCall".into()]).await;
    bed.pause(&waits.id).await;
    futures::future::join_all((0..250).map(|call| bed.accept(EventKind::OutgoingCall, call))).await;
    futures::future::join_all((0..30).map(|call| bed.accept(EventKind::IncomingCall, call))).await;
    bed.run().await;
    bed.clock.step_ms(91 * DAY_MS);
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    let left = bed.deliveries().await;
    assert_eq!(left.len(), 250);
    assert!(left.iter().all(|row| row.status == Status::Held));
}

async fn an_account_keeps_what_it_chose_within_the_operators_bound(bed: Bed) {
    let form = |bodies: &str, rows: &str| AccountForm {
        name: "Acme".into(),
        support_access: true,
        bodies_days: bodies.into(),
        rows_days: rows.into(),
        ..AccountForm::default()
    };
    for (bodies, rows, fields) in [("0", "366", vec!["rows_days", "bodies_days"]), ("20", "10", vec!["bodies_days"])] {
        let refused = bed.engine.change_account(&bed.admin, &form(bodies, rows)).await.unwrap_err();
        assert_eq!(refused.fields().iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), fields);
    }
    bed.engine.change_account(&bed.admin, &form("2", "5")).await.unwrap();
    let kept = bed.engine.change_account(&bed.admin, &form("", "")).await.unwrap().settings;
    assert_eq!((kept.bodies_days, kept.rows_days), (2, 5), "an empty field changes nothing");
    bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.clock.step_ms(3 * DAY_MS);
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert_eq!(bed.only_delivery().await.payload, None);
    bed.clock.step_ms(3 * DAY_MS);
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert!(bed.deliveries().await.is_empty());
}
