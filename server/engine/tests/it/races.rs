//! Two transactions at the same time. On Postgres they are interleaved by hand: one is left open until the other waits for it, or
//! has gone past it.

use std::time::Duration;

use domain::{
    Error,
    audit::Deed,
    delivery::{Deliveries as _, Status},
    endpoint::{Duplicate, EndpointForm, Endpoints as _},
    event::EventKind,
    retry::EndReason,
};
use engine::{
    clock::sleep_ms,
    sender::left_behind,
    store::{
        db::Tx,
        events::{self, NewEventRow},
        jobs::{self, NewDelivery, OrderingKey},
        outcomes::{self, Finish, HealthChange},
    },
};
use futures::future::join_all;
use tokio::task::JoinHandle;

use crate::bed::{Bed, On, call_id, on_both};

on_both! {
    what_was_left_behind_in_its_lane_is_taken_up
    what_waits_for_a_deleted_endpoint_is_cancelled_though_the_deletion_did_not_see_it
    a_cancellation_does_not_send_an_earlier_one_of_the_call_while_another_is_under_way
    what_is_being_sent_is_not_resent_and_the_log_does_not_say_so
    a_test_line_that_is_asked_for_four_times_at_once_is_one
    one_of_four_endpoints_that_are_added_at_once_gets_the_url
}

/// Longest wait for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until a task has come to its end or to a lock that somebody holds.
async fn ended_or_waits<T>(bed: &Bed, task: &JoinHandle<T>) {
    let waiting = "SELECT CAST(COUNT(*) AS TEXT) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let seen = async {
        while !task.is_finished() && bed.text(waiting).await == "0" {
            sleep_ms(5).await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("it neither ended nor waits");
}

async fn lane(bed: &Bed) -> OrderingKey {
    let row = &bed.deliveries().await[0];
    OrderingKey { endpoint_id: row.endpoint_id.to_string(), call_id: row.call_id.clone() }
}

async fn begin(bed: &Bed) -> Tx {
    bed.engine.sender().db.begin().await.unwrap()
}

/// What the writer of events adds: the end of the first call, behind what has not ended.
async fn add_the_end(bed: &Bed, tx: &mut Tx, lane: &OrderingKey) {
    let (at, entropy) = bed.engine.sender().ids.next();
    let place = domain::id::encode(at, entropy);
    let account = bed.token.account().unwrap().to_string();
    let event = NewEventRow {
        account_id: account.clone(),
        id: format!("evt_{place}"),
        position: place.clone(),
        kind: "CallProcessed",
        call_id: lane.call_id.clone(),
        caller: "1".into(),
        callee: "2".into(),
        timestamp_s: 1,
        payload: EventKind::CallProcessed.example().to_owned(),
        digest: "none".into(),
        test: 0,
        deliveries: 1,
        created_ms: at.0,
    };
    let delivery = NewDelivery {
        id: format!("dlv_{place}"),
        account_id: account,
        endpoint_id: lane.endpoint_id.clone(),
        event_id: event.id.clone(),
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
    jobs::add(tx, &[delivery]).await.unwrap();
}

#[tokio::test]
async fn an_event_that_comes_while_the_one_before_it_ends_is_handed_on_to() {
    let bed = std::sync::Arc::new(Bed::new(On::Postgres).await);
    bed.endpoint().await;
    bed.accept(EventKind::IncomingCall, 1).await;
    let lane = lane(&bed).await;
    let mut accepting = begin(&bed).await;
    assert_eq!(jobs::busy_ordering_keys(&mut accepting, std::slice::from_ref(&lane)).await.unwrap().len(), 1);
    // The first is sent and recorded before the second is committed.
    let recording = tokio::spawn({
        let bed = bed.clone();
        async move { bed.run().await }
    });
    ended_or_waits(&bed, &recording).await;
    add_the_end(&bed, &mut accepting, &lane).await;
    accepting.commit().await.unwrap();
    recording.await.unwrap();
    bed.run().await;
    assert_eq!(bed.receiver.kinds(), ["IncomingCall", "CallProcessed"]);
}

#[tokio::test]
async fn an_event_that_comes_while_the_one_before_it_is_recorded_finds_its_lane_free() {
    let bed = std::sync::Arc::new(Bed::new(On::Postgres).await);
    bed.endpoint().await;
    bed.accept(EventKind::IncomingCall, 1).await;
    let (lane, id) = (lane(&bed).await, bed.deliveries().await[0].id.to_string());
    let node = bed.engine.sender().node.clone();
    let mut recording = begin(&bed).await;
    jobs::lock_ordering_keys(&mut recording, [lane.clone()]).await.unwrap();
    let delivered = Finish {
        id,
        state: "delivered",
        end_reason: None,
        cause: None,
        failure: None,
        status_code: Some(200),
        duration_ms: Some(1),
        attempts: 1,
        due_ms: None,
        finished_ms: Some(bed.now().0),
    };
    assert_eq!(outcomes::finish(&mut recording, &node, &[delivered]).await.unwrap().len(), 1);
    assert_eq!(jobs::promote_next(&mut recording, &[lane], None, bed.now()).await.unwrap(), [""; 0]);
    let accepting = tokio::spawn({
        let bed = bed.clone();
        async move { bed.accept(EventKind::CallProcessed, 1).await }
    });
    ended_or_waits(&bed, &accepting).await;
    recording.commit().await.unwrap();
    accepting.await.unwrap();
    let due = bed.text("SELECT CAST(COUNT(due_ms) AS TEXT) FROM deliveries WHERE kind = 'CallProcessed'").await;
    assert_eq!(due, "1");
}

/// How often transactions have waited for each other in a circle.
const CIRCLES: &str = "SELECT CAST(deadlocks AS TEXT) FROM pg_stat_database WHERE datname = current_database()";
/// Calls whose end comes while their beginning is under way.
const CALLS: u32 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_end_while_they_begin_arrive_whole_and_nobody_waits_in_a_circle() {
    let bed = std::sync::Arc::new(Bed::new(On::Postgres).await);
    bed.endpoint().await;
    bed.endpoint().await;
    let (engine, other) = (bed.another_running().await, bed.another_running().await);
    let calls = (0..CALLS).map(|call| {
        let (bed, engine, other) = (bed.clone(), engine.clone(), other.clone());
        tokio::spawn(async move {
            bed.accept_by(&engine, EventKind::IncomingCall, call).await;
            bed.accept_by(&other, EventKind::CallProcessed, call).await;
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let arrived = tokio::time::timeout(PATIENCE, bed.receiver.has_received(CALLS as usize * 4)).await;
    assert!(arrived.is_ok(), "only {} arrived", bed.receiver.received().len());
    engine.stop().await;
    other.stop().await;
    assert_eq!(bed.text(CIRCLES).await, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_deleted_under_load_leaves_nothing_waiting() {
    let bed = std::sync::Arc::new(Bed::new(On::Postgres).await);
    let (goes, _) = (bed.endpoint().await, bed.endpoint().await);
    let engine = bed.another_running().await;
    let calls = (0..CALLS).map(|call| {
        let (bed, engine) = (bed.clone(), engine.clone());
        tokio::spawn(async move {
            bed.accept_by(&engine, EventKind::IncomingCall, call).await;
            bed.accept_by(&engine, EventKind::CallProcessed, call).await;
        })
    });
    let calls: Vec<_> = calls.collect();
    bed.receiver.has_received(CALLS as usize / 2).await;
    engine.delete_endpoint(&bed.admin, &goes.id).await.unwrap();
    for call in calls {
        call.await.unwrap();
    }
    left_behind::cancel_of_deleted(engine.sender()).await.unwrap();
    engine.stop().await;
    let waiting = format!(
        "SELECT id FROM deliveries WHERE endpoint_id = '{}' AND state IN ('queued', 'retrying')",
        goes.id.as_str()
    );
    assert_eq!(bed.texts(waiting).await, [""; 0]);
    assert_eq!(bed.text(CIRCLES).await, "0");
}

async fn what_was_left_behind_in_its_lane_is_taken_up(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    for call in 1..=2 {
        bed.accept(EventKind::CallProcessed, call).await;
        bed.accept(EventKind::CallProcessed, call).await;
    }
    // The first call as an earlier version may have left it; the second is held and in order.
    bed.execute(
        "UPDATE deliveries SET state = 'delivered', due_ms = NULL, finished_ms = created_ms \
         WHERE id = (SELECT MIN(id) FROM deliveries)",
    )
    .await
    .unwrap();
    assert_eq!(left_behind::take_up(bed.engine.sender(), false).await.unwrap(), 1);
    assert_eq!(left_behind::take_up(bed.engine.sender(), false).await.unwrap(), 0);
    bed.resume(&endpoint.id).await;
    assert_eq!(bed.run().await, 3);
}

async fn what_waits_for_a_deleted_endpoint_is_cancelled_though_the_deletion_did_not_see_it(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(bed.engine.delete_endpoint(&bed.admin, &endpoint.id).await.unwrap(), 1);
    assert_eq!(left_behind::cancel_of_deleted(bed.engine.sender()).await.unwrap(), 0);
    for later_ms in [0, 3_600_000] {
        // As what was accepted meanwhile, and committed after.
        let again =
            "UPDATE deliveries SET state = 'queued', end_reason = NULL, finished_ms = NULL, due_ms = created_ms";
        bed.execute(again).await.unwrap();
        bed.clock.step_ms(later_ms);
        let sender = bed.engine.sender();
        let cancelled = if later_ms == 0 {
            left_behind::cancel_of_deleted(sender).await
        } else {
            left_behind::take_up(sender, false).await
        };
        assert_eq!(cancelled.unwrap(), 1);
        let row = bed.only_delivery().await.row;
        assert_eq!((row.status, row.end_reason), (Status::Cancelled, Some(EndReason::EndpointDeleted)));
    }
}

#[tokio::test]
async fn an_endpoint_is_deleted_while_an_outcome_is_recorded() {
    let bed = std::sync::Arc::new(Bed::new(On::Postgres).await);
    let endpoint = bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    // As a recorder does: first the delivery, then its endpoint.
    let mut recording = begin(&bed).await;
    let lanes = jobs::busy_ordering_keys(&mut recording, &[lane(&bed).await]).await.unwrap();
    assert_eq!(lanes.len(), 1);
    let deleting = tokio::spawn({
        let (bed, id) = (bed.clone(), endpoint.id.clone());
        async move { bed.engine.delete_endpoint(&bed.admin, &id).await }
    });
    ended_or_waits(&bed, &deleting).await;
    let failed = HealthChange {
        endpoint_id: endpoint.id.to_string(),
        success_ms: None,
        failures: 1,
        failed_first_ms: Some(1),
        attempt_ms: 1,
        failure: None,
    };
    outcomes::health(&mut recording, &[failed]).await.expect("who records waits for who deletes");
    recording.commit().await.unwrap();
    assert_eq!(deleting.await.unwrap().unwrap(), 1);
    assert_eq!(bed.only_delivery().await.row.status, Status::Cancelled);
}

/// Posts an event with an id that another transaction commits while it is being written.
async fn post_as_another_does(call: u32) -> domain::Result<domain::event::Accepted> {
    let bed = std::sync::Arc::new(Bed::new(On::Postgres).await);
    bed.try_accept_by(&bed.engine, 1, Some("own-1")).await.unwrap();
    bed.execute("CREATE TABLE other AS SELECT * FROM events").await.unwrap();
    bed.execute("DELETE FROM events").await.unwrap();
    let Tx::Postgres(mut other) = begin(&bed).await else { panic!("this bed is on Postgres") };
    sqlx::query("INSERT INTO events SELECT * FROM other").execute(&mut *other).await.unwrap();
    let posting = tokio::spawn({
        let bed = bed.clone();
        async move { bed.try_accept_by(&bed.engine, call, Some("own-1")).await }
    });
    ended_or_waits(&bed, &posting).await;
    other.commit().await.unwrap();
    posting.await.unwrap()
}

#[tokio::test]
async fn an_id_that_another_node_commits_meanwhile_is_a_repeat() {
    assert!(post_as_another_does(1).await.unwrap().repeated);
}

#[tokio::test]
async fn an_id_that_another_node_commits_meanwhile_with_another_body_is_a_conflict() {
    let refused = post_as_another_does(2).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
}

async fn a_cancellation_does_not_send_an_earlier_one_of_the_call_while_another_is_under_way(bed: Bed) {
    bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    // The second is in the sender's hands; the first is resent and the third comes, and both wait behind it.
    bed.accept(EventKind::CallProcessed, 1).await;
    let first = bed.deliveries().await[0].id.clone();
    bed.engine.resend(&bed.admin, &first).await.unwrap();
    bed.accept(EventKind::CallProcessed, 1).await;
    let third = bed.deliveries().await[2].id.clone();
    bed.engine.cancel_delivery(&bed.admin, &third).await.unwrap();
    assert_eq!(bed.text("SELECT CAST(COUNT(due_ms) AS TEXT) FROM deliveries").await, "1");
    assert_eq!(bed.run().await, 2);
    assert!(bed.receiver.received().iter().all(|got| got.body.contains(&call_id(1))));
    assert_eq!(bed.delivery(&first).await.attempts, 2);
}

async fn what_is_being_sent_is_not_resent_and_the_log_does_not_say_so(bed: Bed) {
    bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    let id = bed.only_delivery().await.row.id;
    let refused = bed.engine.resend(&bed.admin, &id).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    let resent = format!("SELECT object_id FROM audit_log WHERE deed = '{}'", Deed::DeliveryResent.as_str());
    assert_eq!(bed.texts(resent.clone()).await, [""; 0]);
    assert_eq!(bed.run().await, 1);
    bed.engine.resend(&bed.admin, &id).await.unwrap();
    assert_eq!(bed.texts(resent).await, [id.to_string()]);
}

async fn a_test_line_that_is_asked_for_four_times_at_once_is_one(bed: Bed) {
    let lines = join_all((0..4).map(|_| bed.engine.use_test_line(&bed.admin))).await;
    let first = lines[0].as_ref().unwrap();
    assert!(lines.iter().all(|line| line.as_ref().unwrap().id == first.id));
    assert_eq!(bed.engine.endpoints(&bed.admin).await.unwrap().len(), 1);
}

async fn one_of_four_endpoints_that_are_added_at_once_gets_the_url(bed: Bed) {
    let form = EndpointForm { url: bed.receiver.url(), events: vec!["IncomingCall".into()], ..EndpointForm::default() };
    let added = join_all((0..4).map(|_| bed.engine.create_endpoint(&bed.admin, &form, Duplicate::Refuse))).await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 1);
    assert!(added.iter().all(|added| matches!(added, Ok(_) | Err(Error::Conflict { .. }))));
}
