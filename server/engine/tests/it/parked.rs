//! One bad item stops no batch: it is parked, listed for operators, and tried again when they say so.

use domain::{
    actor::Actor,
    audit::AuditAction,
    cause::Cause,
    delivery::Status,
    endpoint::Endpoints as _,
    event::EventKind,
    ops::{OpsAccounts as _, parked::Parked},
    recover::{JobState, Recovery as _},
    rotation::{AllowUnverified, RotationStep, Rotations as _},
    time::{DAY_MS, HOUR_MS, MINUTE_MS},
};
use engine::background::{Pacing, Worker as _, phone_indexer::SETTLED_MS};
use futures::future::join_all;

use crate::{
    harness::{START, TestHarness, call_id, on_both},
    ops::operator,
    receiver::Reply,
    recover,
};

on_both! { an_outcome_that_cannot_be_stored_does_not_hold_up_the_others a_delivery_whose_row_refuses_every_change_is_parked a_delivery_that_cannot_be_leased_does_not_hold_up_claims a_job_that_fails_does_not_hold_up_the_others a_rotation_that_fails_does_not_hold_up_the_others a_row_that_cannot_be_purged_does_not_hold_up_retention cancelling_passes_over_a_row_that_refuses_it an_alert_that_cannot_be_written_does_not_hold_up_the_others an_alert_outlives_the_node_that_wrote_it a_row_that_cannot_be_indexed_does_not_hold_up_the_index a_deleted_endpoint_with_an_unreadable_account_does_not_hold_up_the_others a_support_session_that_cannot_end_does_not_hold_up_the_others }

/// Makes the database refuse to do this to rows that satisfy a condition on `NEW` or `OLD`.
pub(crate) async fn refuse(harness: &TestHarness, operation: &str, table: &str, condition: String) {
    let statement = if harness.database_url().starts_with("postgres") {
        format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a bad row'; END $$; \
             CREATE TRIGGER refuse BEFORE {operation} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse()"
        )
    } else {
        format!(
            "CREATE TRIGGER refuse BEFORE {operation} ON {table} FOR EACH ROW WHEN {condition} \
             BEGIN SELECT RAISE(ABORT, 'a bad row'); END"
        )
    };
    harness.execute(statement).await.unwrap();
}

/// The database accepts it again.
async fn accept_again(harness: &TestHarness, table: &str) {
    let statement = if harness.database_url().starts_with("postgres") {
        format!("DROP TRIGGER refuse ON {table}")
    } else {
        "DROP TRIGGER refuse".to_owned()
    };
    harness.execute(statement).await.unwrap();
}

/// The only parked item; it is tried again.
async fn try_again(harness: &TestHarness, olga: &Actor) -> Parked {
    let mut parked = harness.engine.health(olga).await.unwrap().parked;
    assert_eq!(parked.len(), 1, "{parked:?}");
    let item = parked.pop().unwrap();
    harness.engine.retry_parked(olga, &item.worker, &item.item).await.unwrap();
    assert_eq!(harness.engine.health(olga).await.unwrap().parked, []);
    item
}

async fn an_outcome_that_cannot_be_stored_does_not_hold_up_the_others(harness: TestHarness) {
    let olga = operator(&harness).await;
    harness.endpoint().await;
    join_all((0..40).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    let bad = harness.deliveries().await[17].id.clone();
    refuse(&harness, "INSERT", "attempts", format!("NEW.delivery_id = '{bad}'")).await;
    harness.run().await;
    for row in harness.deliveries().await {
        let expected = if row.id == bad { Status::Failed } else { Status::Delivered };
        assert_eq!(row.status, expected, "{row:?}");
    }
    assert_eq!(harness.delivery(&bad).await.failure.map(|failure| failure.cause), Some(Cause::OurFault));
    accept_again(&harness, "attempts").await;
    let item = try_again(&harness, &olga).await;
    assert!(item.item == bad.to_string() && item.reason.contains("a bad row"), "{item:?}");
    harness.run().await;
    assert_eq!(harness.delivery(&bad).await.status, Status::Delivered);
}

async fn a_delivery_whose_row_refuses_every_change_is_parked(harness: TestHarness) {
    let olga = operator(&harness).await;
    harness.endpoint().await;
    join_all((0..40).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    let bad = harness.deliveries().await[5].id.clone();
    refuse(&harness, "UPDATE", "deliveries", format!("NEW.id = '{bad}'")).await;
    harness.run().await;
    let left: Vec<_> = harness.deliveries().await.into_iter().filter(|row| row.status != Status::Delivered).collect();
    assert!(left.len() == 1 && left[0].id == bad, "{left:?}");
    assert_eq!(harness.engine.health(&olga).await.unwrap().parked.len(), 1);
    let reconciliation = &harness.engine.background().lease_reconciliation;
    for _ in 0..3 {
        reconciliation.reconcile().await.unwrap();
    }
    harness.accept(EventKind::CallProcessed, 50).await;
    assert_eq!(harness.run().await, 1, "others are sent, and this one is not sent again and again");
    accept_again(&harness, "deliveries").await;
    assert_eq!(try_again(&harness, &olga).await.item, bad.to_string());
    for _ in 0..3 {
        reconciliation.reconcile().await.unwrap();
    }
    harness.run().await;
    assert_eq!(harness.delivery(&bad).await.status, Status::Delivered);
}

async fn a_delivery_that_cannot_be_leased_does_not_hold_up_claims(harness: TestHarness) {
    let olga = operator(&harness).await;
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    join_all((0..10).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    harness.resume(&endpoint.id).await;
    let bad = harness.deliveries().await[3].id.clone();
    refuse(&harness, "UPDATE", "deliveries", format!("NEW.id = '{bad}'")).await;
    harness.run().await;
    let sent = harness.deliveries().await.into_iter().filter(|row| row.status == Status::Delivered).count();
    assert_eq!(sent, 9);
    accept_again(&harness, "deliveries").await;
    assert_eq!(try_again(&harness, &olga).await.item, bad.to_string());
    harness.run().await;
    assert_eq!(harness.delivery(&bad).await.status, Status::Delivered);
}

async fn a_job_that_fails_does_not_hold_up_the_others(harness: TestHarness) {
    let olga = operator(&harness).await;
    let (first, second) = (harness.endpoint().await, harness.endpoint().await);
    harness.receiver.usually(Reply::Status(410));
    join_all((0..3).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    while harness.deliveries().await.iter().any(|row| row.status != Status::Failed) {
        harness.resume(&first.id).await;
        harness.resume(&second.id).await;
        harness.run().await;
    }
    harness.receiver.usually(Reply::Status(200));
    let bad = recover::start(&harness, &first.id, &recover::form()).await;
    let good = recover::start(&harness, &second.id, &recover::form()).await;
    refuse(&harness, "UPDATE", "recoveries", format!("NEW.id = '{}'", bad.id)).await;
    harness.clock.step_ms(10_000);
    for _ in 0..3 {
        harness.clock.step_ms(1_000);
        recover::round(&harness.engine).await;
    }
    assert_eq!(harness.engine.job(&harness.admin, &good.id).await.unwrap().state, JobState::Done);
    accept_again(&harness, "recoveries").await;
    assert_eq!(try_again(&harness, &olga).await.item, bad.id.to_string());
    for _ in 0..3 {
        harness.clock.step_ms(1_000);
        recover::round(&harness.engine).await;
    }
    assert_eq!(harness.engine.job(&harness.admin, &bad.id).await.unwrap().state, JobState::Done);
}

async fn a_rotation_that_fails_does_not_hold_up_the_others(harness: TestHarness) {
    let olga = operator(&harness).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = harness.endpoint().await.id;
        harness.engine.rotate(&harness.admin, &id, &RotationStep::PrepareToken(None)).await.unwrap();
        let at = Some(harness.now().plus_ms(HOUR_MS));
        let switch = RotationStep::SwitchToken(at, AllowUnverified::Allow);
        harness.engine.rotate(&harness.admin, &id, &switch).await.unwrap();
        ids.push(id);
    }
    refuse(&harness, "UPDATE", "endpoints", format!("NEW.id = '{}'", ids[1])).await;
    harness.clock.step_ms(2 * HOUR_MS);
    let rotation = &harness.engine.background().scheduled_rotation;
    let next = rotation.round().await.unwrap();
    assert!(next.is_none_or(|next| next > harness.now()), "a parked rotation is not waited for");
    let switched = async |id| {
        let log = harness.engine.endpoint_log(&harness.admin, id).await.unwrap();
        log.iter().any(|record| record.action == AuditAction::TokenSwitched)
    };
    assert_eq!([switched(&ids[0]).await, switched(&ids[1]).await, switched(&ids[2]).await], [true, false, true]);
    accept_again(&harness, "endpoints").await;
    assert_eq!(try_again(&harness, &olga).await.item, ids[1].to_string());
    rotation.round().await.unwrap();
    assert!(switched(&ids[1]).await);
}

async fn a_row_that_cannot_be_purged_does_not_hold_up_retention(harness: TestHarness) {
    let olga = operator(&harness).await;
    harness.endpoint().await;
    join_all((0..30).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    harness.run().await;
    let bad = harness.deliveries().await[11].id.clone();
    refuse(&harness, "DELETE", "deliveries", format!("OLD.id = '{bad}'")).await;
    harness.clock.step_ms(500 * DAY_MS);
    let retention = &harness.engine.background().retention;
    retention.round(Pacing::Immediate).await.unwrap();
    let left = async || harness.texts("SELECT id FROM deliveries".to_owned()).await;
    assert_eq!(left().await, [bad.to_string()]);
    retention.round(Pacing::Immediate).await.unwrap();
    accept_again(&harness, "deliveries").await;
    assert_eq!(try_again(&harness, &olga).await.item, bad.to_string());
    retention.round(Pacing::Immediate).await.unwrap();
    assert!(left().await.is_empty());
}

async fn cancelling_passes_over_a_row_that_refuses_it(harness: TestHarness) {
    let olga = operator(&harness).await;
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    join_all((0..30).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    let bad = harness.deliveries().await[7].clone();
    assert_eq!(bad.call_id, call_id(7));
    refuse(&harness, "UPDATE", "deliveries", format!("NEW.id = '{}'", bad.id)).await;
    assert_eq!(harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap(), 29);
    accept_again(&harness, "deliveries").await;
    assert_eq!(try_again(&harness, &olga).await.item, bad.id.to_string());
    assert_eq!(harness.engine.background().deleted_endpoints.round().await.unwrap(), 1);
}

async fn an_alert_that_cannot_be_written_does_not_hold_up_the_others(harness: TestHarness) {
    let olga = operator(&harness).await;
    for name in ["Bad", "Good"] {
        harness.endpoint_with(|form| form.name = name.into()).await;
    }
    harness.receiver.usually(Reply::Status(410));
    refuse(&harness, "INSERT", "emails", "NEW.subject = '“Bad” is paused'".into()).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    let alerts = async || {
        harness.run().await;
        harness.emails().await.into_iter().map(|email| email.subject).collect::<Vec<_>>()
    };
    assert_eq!(alerts().await, ["“Good” is paused"]);
    assert_eq!(alerts().await, ["“Good” is paused"], "it isn't tried again and again");
    accept_again(&harness, "emails").await;
    let item = try_again(&harness, &olga).await;
    assert!(item.worker == "alerts" && item.reason.contains("a bad row"), "{item:?}");
    assert_eq!(alerts().await, ["“Good” is paused", "“Bad” is paused"]);
    assert_eq!(alerts().await.len(), 2, "an alert is sent once");
}

async fn an_alert_outlives_the_node_that_wrote_it(harness: TestHarness) {
    harness.endpoint_with(|form| form.name = "Desk".into()).await;
    harness.receiver.usually(Reply::Status(410));
    harness.accept(EventKind::CallProcessed, 1).await;
    // It ends before its worker has looked.
    harness.engine.sender().run_once().await.unwrap();
    assert_eq!(harness.emails().await.len(), 0);
    let next = harness.another().await;
    next.background().alerts.tick().await.unwrap();
    assert_eq!(harness.emails().await.into_iter().map(|email| email.subject).collect::<Vec<_>>(), ["“Desk” is paused"]);
}

/// Indexes all phone numbers; returns how many entries there are.
async fn indexed(harness: &TestHarness) -> String {
    harness.clock.step_ms(SETTLED_MS + 1);
    while harness.engine.background().phone_indexer.round(Pacing::Immediate).await.unwrap() {
        harness.clock.step_ms(SETTLED_MS + 1);
    }
    harness.text("SELECT CAST(COUNT(*) AS TEXT) FROM called_numbers").await
}

async fn a_row_that_cannot_be_indexed_does_not_hold_up_the_index(harness: TestHarness) {
    let olga = operator(&harness).await;
    harness.endpoint().await;
    join_all((0..40).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
    let bad = harness.deliveries().await[17].id.clone();
    refuse(&harness, "INSERT", "called_numbers", format!("NEW.place = '{bad}'")).await;
    assert_eq!(indexed(&harness).await, "78", "two numbers of each of 39 deliveries");
    accept_again(&harness, "called_numbers").await;
    let item = try_again(&harness, &olga).await;
    assert!(item.worker == "phone_indexer" && item.item == bad.to_string(), "{item:?}");
    assert_eq!(indexed(&harness).await, "80");
    if !harness.database_url().starts_with("postgres") {
        // SQLite stores what is not text in a column of texts.
        harness.accept(EventKind::CallProcessed, 50).await;
        harness
            .execute("UPDATE deliveries SET caller = x'ff' WHERE id = (SELECT MAX(id) FROM deliveries)")
            .await
            .unwrap();
        join_all((60..70).map(|call| harness.accept(EventKind::CallProcessed, call))).await;
        assert_eq!(indexed(&harness).await, "100");
        assert_eq!(harness.engine.health(&olga).await.unwrap().parked.len(), 1);
    }
}

async fn a_deleted_endpoint_with_an_unreadable_account_does_not_hold_up_the_others(harness: TestHarness) {
    let olga = operator(&harness).await;
    let (bad, good) = (harness.endpoint().await.id, harness.endpoint().await.id);
    harness.pause(&bad).await;
    harness.pause(&good).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    let deleted = format!("UPDATE endpoints SET state = 'deleted', state_since_ms = {}", START.0);
    harness.execute(deleted).await.unwrap();
    harness.execute("INSERT INTO accounts (id, name, created_ms) VALUES ('broken', 'Broken', 1)").await.unwrap();
    harness.execute(format!("UPDATE endpoints SET account_id = 'broken' WHERE id = '{bad}'")).await.unwrap();
    assert_eq!(harness.engine.background().deleted_endpoints.round().await.unwrap(), 1);
    let parked = harness.engine.health(&olga).await.unwrap().parked;
    assert!(parked.len() == 1 && parked[0].item == bad.to_string(), "{parked:?}");
}

async fn a_support_session_that_cannot_end_does_not_hold_up_the_others(harness: TestHarness) {
    let olga = operator(&harness).await;
    let agents = ["u1", "u2", "u3"];
    let ends = START.0 + 1;
    for agent in agents {
        let session = format!(
            "INSERT INTO support_sessions (id, user_id, agent, account_id, reason, ticket, started_ms, ends_ms) \
             SELECT '{agent}', '{agent}', '{agent}', id, 'why', '1', 1, {ends} FROM accounts LIMIT 1"
        );
        harness.execute(session).await.unwrap();
    }
    refuse(&harness, "UPDATE", "support_sessions", "NEW.id = 'u1'".into()).await;
    harness.clock.step_ms(MINUTE_MS);
    let unfinished = "SELECT id FROM support_sessions WHERE ended_ms IS NULL";
    harness.engine.background().support_sessions.tick().await.unwrap();
    assert_eq!(harness.texts(unfinished.to_owned()).await, ["u1"]);
    accept_again(&harness, "support_sessions").await;
    assert_eq!(try_again(&harness, &olga).await.item, "u1");
    harness.engine.background().support_sessions.tick().await.unwrap();
    assert_eq!(harness.texts(unfinished.to_owned()).await, [""; 0]);
}
