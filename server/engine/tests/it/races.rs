//! Concurrent transactions. On Postgres the tests interleave them: one stays open until the other waits for it or has
//! passed it.

use std::time::Duration;

use domain::{
    Error,
    audit::AuditAction,
    delivery::{Deliveries as _, Status},
    endpoint::{Duplicate, EndpointForm, Endpoints as _},
    event::EventKind,
    retry::EndReason,
};
use engine::{
    background::Pacing,
    clock::sleep_ms,
    delivery::claim::claim_once,
    store::{
        db::Tx,
        deliveries::{
            ordering_keys::{self, OrderingKey},
            outcomes::{self, Finish},
            queue::{self, NewDelivery},
        },
        endpoints::health::{self, HealthChange},
        events::{self, NewEventRow},
    },
};
use futures::future::join_all;
use tokio::task::JoinHandle;

use crate::harness::{On, TestHarness, call_id, on_both};

on_both! { a_stuck_delivery_is_found_and_sent a_delivery_that_the_deletion_of_its_endpoint_missed_is_cancelled cancelling_sends_no_earlier_event_while_another_of_the_call_is_in_flight a_delivery_in_flight_is_neither_resent_nor_logged_as_resent four_concurrent_requests_create_one_test_line one_of_four_endpoints_added_at_once_gets_the_url }

/// How long to wait for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until a task has ended or is blocked by a lock.
async fn ended_or_blocked<T>(harness: &TestHarness, task: &JoinHandle<T>) {
    let waiting = "SELECT CAST(COUNT(*) AS TEXT) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let seen = async {
        while !task.is_finished() && harness.text(waiting).await == "0" {
            sleep_ms(5).await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("it neither ended nor is it blocked");
}

async fn key(harness: &TestHarness) -> OrderingKey {
    let row = &harness.deliveries().await[0];
    OrderingKey { endpoint_id: row.endpoint_id.to_string(), call_id: row.call_id.clone() }
}

async fn begin(harness: &TestHarness) -> Tx {
    harness.engine.context().db.begin().await.unwrap()
}

/// Adds what the event writer would: the end of the first call, queued behind its unfinished events.
async fn add_the_end(harness: &TestHarness, tx: &mut Tx, key: &OrderingKey) {
    let (at, entropy) = harness.engine.context().ids.next();
    let place = domain::id::encode(at, entropy);
    let account = harness.token.account().unwrap().to_string();
    let event = NewEventRow {
        account_id: account.clone(),
        id: format!("evt_{place}"),
        position: place.clone(),
        kind: "CallProcessed",
        call_id: key.call_id.clone(),
        caller: "1".into(),
        callee: "2".into(),
        timestamp_s: 1,
        payload: EventKind::CallProcessed.example().to_owned(),
        details: None,
        digest: "none".into(),
        test: 0,
        deliveries: 1,
        created_ms: at.0,
    };
    let delivery = NewDelivery {
        id: format!("dlv_{place}"),
        account_id: account,
        endpoint_id: key.endpoint_id.clone(),
        event_id: event.id.clone(),
        seq: i64::MAX,
        kind: event.kind,
        call_id: event.call_id.clone(),
        caller: event.caller.clone(),
        callee: event.callee.clone(),
        test: 0,
        created_ms: at.0,
        due_ms: None,
        lease_owner: None,
        proof: None,
    };
    events::add(tx, &[event]).await.unwrap();
    queue::add(tx, &[delivery]).await.unwrap();
}

#[tokio::test]
async fn an_event_that_arrives_while_its_predecessor_ends_is_promoted() {
    let harness = std::sync::Arc::new(TestHarness::new(On::Postgres).await);
    harness.endpoint().await;
    harness.accept(EventKind::IncomingCall, 1).await;
    let key = key(&harness).await;
    let mut accepting = begin(&harness).await;
    assert_eq!(ordering_keys::busy(&mut accepting, std::slice::from_ref(&key)).await.unwrap().len(), 1);
    // The first is sent and recorded before the second is committed.
    let recording = tokio::spawn({
        let harness = harness.clone();
        async move { harness.run().await }
    });
    ended_or_blocked(&harness, &recording).await;
    add_the_end(&harness, &mut accepting, &key).await;
    accepting.commit().await.unwrap();
    recording.await.unwrap();
    harness.run().await;
    assert_eq!(harness.receiver.kinds(), ["IncomingCall", "CallProcessed"]);
}

#[tokio::test]
async fn an_event_that_arrives_while_its_predecessor_is_recorded_is_not_blocked() {
    let harness = std::sync::Arc::new(TestHarness::new(On::Postgres).await);
    harness.endpoint().await;
    harness.accept(EventKind::IncomingCall, 1).await;
    let (key, id) = (key(&harness).await, harness.deliveries().await[0].id.to_string());
    let node = harness.engine.context().node.clone();
    let mut recording = begin(&harness).await;
    ordering_keys::lock(&mut recording, [key.clone()]).await.unwrap();
    let delivered = Finish {
        id,
        state: "delivered",
        end_reason: None,
        cause: None,
        failure: None,
        status_code: Some(200),
        duration_ms: Some(1),
        attempts: 1,
        attempts_before: 0,
        due_ms: None,
        finished_ms: Some(harness.now().0),
    };
    assert_eq!(outcomes::finish(&mut recording, &node, &[delivered]).await.unwrap().len(), 1);
    assert_eq!(ordering_keys::promote_next(&mut recording, &[key], None, harness.now()).await.unwrap(), [""; 0]);
    let accepting = tokio::spawn({
        let harness = harness.clone();
        async move { harness.accept(EventKind::CallProcessed, 1).await }
    });
    ended_or_blocked(&harness, &accepting).await;
    recording.commit().await.unwrap();
    accepting.await.unwrap();
    let due = harness.text("SELECT CAST(COUNT(due_ms) AS TEXT) FROM deliveries WHERE kind = 'CallProcessed'").await;
    assert_eq!(due, "1");
}

/// Number of deadlocks so far.
const CIRCLES: &str = "SELECT CAST(deadlocks AS TEXT) FROM pg_stat_database WHERE datname = current_database()";
/// Calls whose end arrives while their start is in flight.
const CALLS: u32 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_end_while_they_start_arrive_complete_without_deadlocks() {
    let harness = std::sync::Arc::new(TestHarness::new(On::Postgres).await);
    harness.endpoint().await;
    harness.endpoint().await;
    let (engine, other) = (harness.another_running().await, harness.another_running().await);
    let calls = (0..CALLS).map(|call| {
        let (harness, engine, other) = (harness.clone(), engine.clone(), other.clone());
        tokio::spawn(async move {
            harness.accept_by(&engine, EventKind::IncomingCall, call).await;
            harness.accept_by(&other, EventKind::CallProcessed, call).await;
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let arrived = tokio::time::timeout(PATIENCE, harness.receiver.has_received(CALLS as usize * 4)).await;
    assert!(arrived.is_ok(), "only {} arrived", harness.receiver.received().len());
    engine.stop().await;
    other.stop().await;
    assert_eq!(harness.text(CIRCLES).await, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_an_endpoint_under_load_leaves_nothing_waiting() {
    let harness = std::sync::Arc::new(TestHarness::new(On::Postgres).await);
    let (goes, _) = (harness.endpoint().await, harness.endpoint().await);
    let engine = harness.another_running().await;
    let calls = (0..CALLS).map(|call| {
        let (harness, engine) = (harness.clone(), engine.clone());
        tokio::spawn(async move {
            harness.accept_by(&engine, EventKind::IncomingCall, call).await;
            harness.accept_by(&engine, EventKind::CallProcessed, call).await;
        })
    });
    let calls: Vec<_> = calls.collect();
    harness.receiver.has_received(CALLS as usize / 2).await;
    engine.delete_endpoint(&harness.admin, &goes.id).await.unwrap();
    for call in calls {
        call.await.unwrap();
    }
    engine.background().deleted_endpoints.round().await.unwrap();
    engine.stop().await;
    let waiting = format!(
        "SELECT id FROM deliveries WHERE endpoint_id = '{}' AND state IN ('queued', 'retrying')",
        goes.id.as_str()
    );
    assert_eq!(harness.texts(waiting).await, [""; 0]);
    assert_eq!(harness.text(CIRCLES).await, "0");
}

async fn a_stuck_delivery_is_found_and_sent(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    for call in 1..=2 {
        harness.accept(EventKind::CallProcessed, call).await;
        harness.accept(EventKind::CallProcessed, call).await;
    }
    // The first call as an earlier version may have left it; the second is held correctly.
    harness
        .execute(
            "UPDATE deliveries SET state = 'delivered', due_ms = NULL, finished_ms = created_ms \
         WHERE id = (SELECT MIN(id) FROM deliveries)",
        )
        .await
        .unwrap();
    assert_eq!(harness.engine.background().stuck_deliveries.sweep(Pacing::Immediate).await.unwrap(), 1);
    assert_eq!(harness.engine.background().stuck_deliveries.sweep(Pacing::Immediate).await.unwrap(), 0);
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 3);
}

async fn a_delivery_that_the_deletion_of_its_endpoint_missed_is_cancelled(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap(), 1);
    assert_eq!(harness.engine.background().deleted_endpoints.round().await.unwrap(), 0);
    for later_ms in [0, 3_600_000] {
        // As if it was accepted meanwhile and committed later.
        let again =
            "UPDATE deliveries SET state = 'queued', end_reason = NULL, finished_ms = NULL, due_ms = created_ms";
        harness.execute(again).await.unwrap();
        harness.clock.step_ms(later_ms);
        let background = harness.engine.background();
        let cancelled = if later_ms == 0 {
            background.deleted_endpoints.round().await
        } else {
            background.stuck_deliveries.sweep(Pacing::Immediate).await
        };
        assert_eq!(cancelled.unwrap(), 1);
        let row = harness.only_delivery().await.row;
        assert_eq!((row.status, row.end_reason), (Status::Cancelled, Some(EndReason::EndpointDeleted)));
    }
}

#[tokio::test]
async fn an_endpoint_can_be_deleted_while_an_outcome_is_recorded() {
    let harness = std::sync::Arc::new(TestHarness::new(On::Postgres).await);
    let endpoint = harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    // In the recorder's order: first the delivery, then its endpoint.
    let mut recording = begin(&harness).await;
    let busy = ordering_keys::busy(&mut recording, &[key(&harness).await]).await.unwrap();
    assert_eq!(busy.len(), 1);
    let deleting = tokio::spawn({
        let (harness, id) = (harness.clone(), endpoint.id.clone());
        async move { harness.engine.delete_endpoint(&harness.admin, &id).await }
    });
    ended_or_blocked(&harness, &deleting).await;
    let failed = HealthChange {
        endpoint_id: endpoint.id.to_string(),
        success_ms: None,
        failures: 1,
        failed_first_ms: Some(1),
        attempt_ms: 1,
        failure: None,
    };
    health::update(&mut recording, &[failed]).await.expect("the recorder waits for the deletion");
    recording.commit().await.unwrap();
    assert_eq!(deleting.await.unwrap().unwrap(), 1);
    assert_eq!(harness.only_delivery().await.row.status, Status::Cancelled);
}

/// Posts an event whose id another transaction commits at the same time.
async fn post_as_another_node_commits(call: u32) -> domain::Result<domain::event::Accepted> {
    let harness = std::sync::Arc::new(TestHarness::new(On::Postgres).await);
    harness.try_accept_by(&harness.engine, 1, Some("own-1")).await.unwrap();
    harness.execute("CREATE TABLE other AS SELECT * FROM events").await.unwrap();
    harness.execute("DELETE FROM events").await.unwrap();
    let Tx::Postgres(mut other) = begin(&harness).await else { panic!("this harness uses Postgres") };
    sqlx::query("INSERT INTO events SELECT * FROM other").execute(&mut *other).await.unwrap();
    let posting = tokio::spawn({
        let harness = harness.clone();
        async move { harness.try_accept_by(&harness.engine, call, Some("own-1")).await }
    });
    ended_or_blocked(&harness, &posting).await;
    other.commit().await.unwrap();
    posting.await.unwrap()
}

#[tokio::test]
async fn an_id_committed_concurrently_by_another_node_is_a_repeat() {
    assert!(post_as_another_node_commits(1).await.unwrap().repeated);
}

#[tokio::test]
async fn an_id_committed_concurrently_with_another_body_is_a_conflict() {
    let refused = post_as_another_node_commits(2).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
}

async fn cancelling_sends_no_earlier_event_while_another_of_the_call_is_in_flight(harness: TestHarness) {
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    // The second is leased; the first is resent and the third arrives, and both wait behind it.
    harness.accept(EventKind::CallProcessed, 1).await;
    let first = harness.deliveries().await[0].id.clone();
    harness.engine.resend(&harness.admin, &first).await.unwrap();
    harness.accept(EventKind::CallProcessed, 1).await;
    let third = harness.deliveries().await[2].id.clone();
    harness.engine.cancel_delivery(&harness.admin, &third).await.unwrap();
    assert_eq!(harness.text("SELECT CAST(COUNT(due_ms) AS TEXT) FROM deliveries").await, "1");
    assert_eq!(harness.run().await, 2);
    assert!(harness.receiver.received().iter().all(|got| got.body.contains(&call_id(1))));
    assert_eq!(harness.delivery(&first).await.attempts, 2);
}

async fn a_delivery_in_flight_is_neither_resent_nor_logged_as_resent(harness: TestHarness) {
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    let id = harness.only_delivery().await.row.id;
    let refused = harness.engine.resend(&harness.admin, &id).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    let resent = format!("SELECT object_id FROM audit_log WHERE action = '{}'", AuditAction::DeliveryResent.as_str());
    assert_eq!(harness.texts(resent.clone()).await, [""; 0]);
    assert_eq!(harness.run().await, 1);
    harness.engine.resend(&harness.admin, &id).await.unwrap();
    assert_eq!(harness.texts(resent).await, [id.to_string()]);
}

async fn four_concurrent_requests_create_one_test_line(harness: TestHarness) {
    let lines = join_all((0..4).map(|_| harness.engine.use_test_line(&harness.admin))).await;
    let first = lines[0].as_ref().unwrap();
    assert!(lines.iter().all(|line| line.as_ref().unwrap().id == first.id));
    assert_eq!(harness.engine.endpoints(&harness.admin).await.unwrap().len(), 1);
}

async fn one_of_four_endpoints_added_at_once_gets_the_url(harness: TestHarness) {
    let form =
        EndpointForm { url: harness.receiver.url(), events: vec!["IncomingCall".into()], ..EndpointForm::default() };
    let input = form.input().unwrap();
    let added =
        join_all((0..4).map(|_| harness.engine.create_endpoint(&harness.admin, &input, Duplicate::Refuse))).await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 1);
    assert!(added.iter().all(|added| matches!(added, Ok(_) | Err(Error::Conflict { .. }))));
}

#[tokio::test]
async fn a_claim_that_skips_a_locked_delivery_is_repeated_soon() {
    let harness = TestHarness::new(On::Postgres).await;
    harness.endpoint().await;
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    let (key, id) = (key(&harness).await, harness.only_delivery().await.row.id);
    harness.engine.resend(&harness.admin, &id).await.unwrap();
    // As a second resend does, which then finds that there is nothing to resend, changes nothing and notifies nobody.
    let mut other = begin(&harness).await;
    ordering_keys::busy(&mut other, &[key]).await.unwrap();
    let next = claim_once(harness.engine.sender()).await.unwrap();
    let wait_ms = next.expect("the delivery is still due").since_ms(harness.now());
    assert!((1..=1_000).contains(&wait_ms), "the next claim is in {wait_ms} ms");
    other.commit().await.unwrap();
    assert_eq!(harness.run().await, 1);
    assert_eq!(claim_once(harness.engine.sender()).await.unwrap(), None, "nothing is due any more");
}
