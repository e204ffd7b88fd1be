//! Retry now: what waits is sent at once, in order, at the chosen rate; per endpoint, delivery, selection and filter.

use domain::{
    Error,
    audit::{Audit as _, AuditAction, AuditFilter},
    delivery::{Deliveries as _, DeliveryRow, Status},
    endpoint::{Endpoint, Endpoints as _},
    event::EventKind,
    filter::DeliveryFilter,
    id::DeliveryId,
    recover::{BulkAction, BulkSelection, JobAction, JobState, LISTED_MAX, Recovery as _, RecoveryJob},
};

use crate::{
    harness::{TestHarness, on_both},
    receiver::Reply,
    recover::{job, round, work},
};

on_both! { everything_that_waits_is_sent_now_and_in_order a_retry_is_never_faster_than_its_rate a_job_counts_what_became_of_its_events what_fails_again_waits_for_its_next_retry nothing_is_retried_at_a_paused_endpoint a_job_waits_while_its_endpoint_is_paused resuming_sends_what_waited_for_a_retry resuming_with_nothing_to_retry_starts_no_job one_delivery_is_retried_now a_delivery_that_waits_for_no_retry_is_refused selected_deliveries_are_retried_and_the_others_left_alone a_filter_chooses_what_is_retried a_number_chooses_what_is_retried ended_deliveries_are_resent_by_filter delivered_ones_are_resent_only_if_named deliveries_of_another_account_are_not_touched invalid_bulk_requests_are_refused at_most_ten_bulk_jobs_run_at_once deleting_an_endpoint_ends_all_its_jobs }

/// This many events whose first attempt failed, each of its own call; the receiver works again.
pub(crate) async fn waiting(harness: &TestHarness, calls: u32) -> Endpoint {
    let endpoint = harness.endpoint_with(|form| form.deliver_late = true).await;
    fail(harness, 0..calls).await;
    endpoint
}

/// Accepts an event of each of these calls, whose first attempt fails.
pub(crate) async fn fail(harness: &TestHarness, calls: std::ops::Range<u32>) {
    for call in calls {
        // One at a time: a failing endpoint gets one request at once.
        harness.receiver.next([Reply::Status(503)]);
        harness.accept(EventKind::CallProcessed, call).await;
        harness.run().await;
    }
    harness.clock.step_ms(1);
}

pub(crate) async fn retry(harness: &TestHarness, endpoint: &Endpoint, rate: Option<u32>) -> RecoveryJob {
    harness.engine.retry_endpoint(&harness.admin, &endpoint.id, rate).await.unwrap()
}

pub(crate) async fn of_status(harness: &TestHarness, status: Status) -> Vec<DeliveryRow> {
    harness.deliveries().await.into_iter().filter(|row| row.status == status).collect()
}

/// Runs the sender until it has nothing due.
pub(crate) async fn send_all(harness: &TestHarness) -> usize {
    let mut sent = 0;
    loop {
        match harness.run().await {
            0 => return sent,
            n => sent += n,
        }
    }
}

/// The objects of the account's records of this action.
async fn recorded(harness: &TestHarness, action: AuditAction) -> Vec<String> {
    let log = harness.engine.audit(&harness.admin, &AuditFilter::default()).await.unwrap().rows;
    log.into_iter().filter(|record| record.action == action).filter_map(|record| record.object_id).collect()
}

fn matching(query: &str) -> BulkSelection {
    BulkSelection::Matching(DeliveryFilter::parse(query))
}

async fn bulk(harness: &TestHarness, action: BulkAction, selection: &BulkSelection) -> domain::Result<RecoveryJob> {
    harness.engine.start_bulk(&harness.admin, action, selection, None).await
}

async fn everything_that_waits_is_sent_now_and_in_order(harness: TestHarness) {
    let endpoint = harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.receiver.next([Reply::Status(503)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    fail(&harness, 2..4).await;
    assert_eq!(harness.run().await, 0, "all wait");
    let before = harness.receiver.kinds().len();
    let started = retry(&harness, &endpoint, None).await;
    assert_eq!((started.action, started.state, started.total), (JobAction::Retry, JobState::Queued, 4));
    assert_eq!(work(&harness).await, 4);
    send_all(&harness).await;
    let kinds = harness.receiver.kinds();
    assert_eq!(kinds[before..].iter().filter(|kind| *kind == "IncomingCall").count(), 1);
    assert_eq!(kinds.len() - before, 4, "each once");
    let ended = job(&harness, &started).await;
    assert_eq!((ended.state, ended.done, ended.results.delivered), (JobState::Done, 4, 4));
    assert!(ended.is_settled());
    let rows = harness.deliveries().await;
    assert!(rows.iter().all(|row| row.status == Status::Delivered && row.attempts_before == 0), "no new series");
    assert!(rows[0].finished_at <= rows[1].finished_at, "the end of the call comes after its start");
    let log = harness.engine.endpoint_log(&harness.admin, &endpoint.id).await.unwrap();
    let recorded = log.iter().find(|record| record.action == AuditAction::RetryStarted).unwrap();
    let noted: Vec<_> = recorded.changes.iter().filter_map(|change| change.after.as_deref()).collect();
    assert_eq!(noted, [started.id.as_str(), "4"]);
}

async fn a_retry_is_never_faster_than_its_rate(harness: TestHarness) {
    let endpoint = waiting(&harness, 8).await;
    let started = retry(&harness, &endpoint, Some(10)).await;
    assert_eq!(started.rate_per_s, 10);
    let mut retried = 0;
    for (step_ms, most) in [(0, 0), (100, 1), (100, 2), (250, 4), (1, 4), (49, 5)] {
        harness.clock.step_ms(step_ms);
        retried += round(&harness.engine).await;
        assert!(retried <= most, "{retried} of at most {most}");
    }
    assert_eq!(retried, 5);
    assert_eq!(job(&harness, &started).await.left(), 3);
}

async fn a_job_counts_what_became_of_its_events(harness: TestHarness) {
    let endpoint = waiting(&harness, 3).await;
    let started = retry(&harness, &endpoint, None).await;
    assert_eq!(work(&harness).await, 3);
    assert_eq!(job(&harness, &started).await.results.waiting, 3);
    // The last pauses the endpoint, which then holds what has failed again.
    harness.receiver.next([Reply::Status(200), Reply::Status(503), Reply::Status(410)]);
    send_all(&harness).await;
    let ended = job(&harness, &started).await;
    let results = ended.results;
    assert_eq!((results.delivered, results.failed, results.waiting + results.retrying), (1, 1, 1));
    assert!(!ended.is_settled());
    let held = of_status(&harness, Status::Held).await;
    harness.engine.cancel_delivery(&harness.admin, &held[0].id).await.unwrap();
    let ended = job(&harness, &started).await;
    assert_eq!((ended.results.cancelled, ended.is_settled()), (1, true));
}

async fn what_fails_again_waits_for_its_next_retry(harness: TestHarness) {
    let endpoint = waiting(&harness, 2).await;
    let started = retry(&harness, &endpoint, None).await;
    work(&harness).await;
    harness.receiver.next([Reply::Status(503), Reply::Status(503)]);
    send_all(&harness).await;
    let ended = job(&harness, &started).await;
    assert_eq!((ended.state, ended.results.retrying, ended.results.waiting), (JobState::Done, 2, 0));
    assert!(!ended.is_settled());
    // The job has ended: it retries nothing twice, and another can start.
    harness.clock.step_ms(1);
    assert_eq!(retry(&harness, &endpoint, None).await.total, 2);
}

async fn nothing_is_retried_at_a_paused_endpoint(harness: TestHarness) {
    let endpoint = waiting(&harness, 1).await;
    harness.pause(&endpoint.id).await;
    let refused = harness.engine.retry_endpoint(&harness.admin, &endpoint.id, None).await;
    assert!(matches!(refused, Err(Error::Conflict { existing: None, .. })), "{refused:?}");
    let row = &harness.deliveries().await[0];
    let refused = harness.engine.retry_delivery(&harness.admin, &row.id).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    let refused = bulk(&harness, BulkAction::Retry, &BulkSelection::Listed(vec![row.id.clone()])).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let refused = bulk(&harness, BulkAction::Retry, &matching("")).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

async fn a_job_waits_while_its_endpoint_is_paused(harness: TestHarness) {
    let endpoint = waiting(&harness, 8).await;
    let started = retry(&harness, &endpoint, Some(10)).await;
    harness.clock.step_ms(300);
    assert_eq!(round(&harness.engine).await, 3);
    harness.pause(&endpoint.id).await;
    harness.clock.step_ms(500);
    assert_eq!(round(&harness.engine).await, 0);
    assert_eq!(harness.run().await, 0, "nothing is sent");
    let paused = job(&harness, &started).await;
    assert_eq!((paused.state, paused.held, paused.left()), (JobState::Running, true, 5));
    harness.resume(&endpoint.id).await;
    assert!(!job(&harness, &started).await.held);
    assert_eq!(harness.engine.jobs(&harness.admin, None).await.unwrap().len(), 1, "the resume needs no second job");
    work(&harness).await;
    send_all(&harness).await;
    let ended = job(&harness, &started).await;
    assert_eq!((ended.state, ended.results.delivered), (JobState::Done, 8));
}

async fn resuming_sends_what_waited_for_a_retry(harness: TestHarness) {
    let endpoint = waiting(&harness, 3).await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::CallProcessed, 9).await;
    harness.clock.step_ms(1);
    harness.engine.resume_endpoint(&harness.admin, &endpoint.id, Some(200)).await.unwrap();
    let jobs = harness.engine.jobs(&harness.admin, Some(&endpoint.id)).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].action, jobs[0].total, jobs[0].rate_per_s), (1, JobAction::Retry, 4, 200));
    work(&harness).await;
    for _ in 0..4 {
        harness.run_after_ms(1_000).await;
    }
    assert!(harness.deliveries().await.iter().all(|row| row.status == Status::Delivered));
}

async fn resuming_with_nothing_to_retry_starts_no_job(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.engine.jobs(&harness.admin, None).await.unwrap(), []);
    assert_eq!(harness.run().await, 1);
}

async fn one_delivery_is_retried_now(harness: TestHarness) {
    waiting(&harness, 2).await;
    let id = harness.deliveries().await[1].id.clone();
    harness.engine.retry_delivery(&harness.admin, &id).await.unwrap();
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.delivery(&id).await.status, Status::Delivered);
    assert_eq!(of_status(&harness, Status::Retrying).await.len(), 1);
    let log = recorded(&harness, AuditAction::DeliveryRetried).await;
    assert_eq!(log, [id.to_string()]);
}

async fn a_delivery_that_waits_for_no_retry_is_refused(harness: TestHarness) {
    harness.endpoint_with(|form| form.deliver_late = true).await;
    harness.receiver.next([Reply::Status(503)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    let rows = harness.deliveries().await;
    let behind = harness.engine.retry_delivery(&harness.admin, &rows[1].id).await;
    assert!(matches!(behind, Err(Error::Conflict { .. })), "{behind:?}");
    harness.run_after_ms(60_000).await;
    send_all(&harness).await;
    let ended = harness.engine.retry_delivery(&harness.admin, &rows[0].id).await;
    assert!(matches!(ended, Err(Error::Conflict { .. })), "{ended:?}");
    assert_eq!(recorded(&harness, AuditAction::DeliveryRetried).await, [""; 0]);
}

async fn selected_deliveries_are_retried_and_the_others_left_alone(harness: TestHarness) {
    waiting(&harness, 4).await;
    let ids: Vec<DeliveryId> = harness.deliveries().await[1..3].iter().map(|row| row.id.clone()).collect();
    let selection = BulkSelection::Listed(ids.clone());
    let plan = harness.engine.plan_bulk(&harness.admin, BulkAction::Retry, &selection).await.unwrap();
    assert_eq!(plan.count, 2);
    let started = bulk(&harness, BulkAction::Retry, &selection).await.unwrap();
    assert_eq!((started.total, started.endpoint_id.clone()), (2, None));
    assert_eq!(work(&harness).await, 2);
    send_all(&harness).await;
    let delivered = of_status(&harness, Status::Delivered).await;
    assert_eq!(delivered.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), ids);
    assert_eq!(job(&harness, &started).await.results.delivered, 2);
}

async fn a_filter_chooses_what_is_retried(harness: TestHarness) {
    let first = waiting(&harness, 2).await;
    harness.pause(&first.id).await;
    let second = waiting(&harness, 3).await;
    harness.resume(&first.id).await;
    let all = harness.engine.plan_bulk(&harness.admin, BulkAction::Retry, &matching("status=retrying,queued")).await;
    assert!(all.unwrap().count > 3);
    let selection = matching(&format!("endpoint={}&status=retrying", second.id));
    let started = bulk(&harness, BulkAction::Retry, &selection).await.unwrap();
    assert_eq!(started.total, 3);
    harness.clock.step_ms(100);
    assert!(round(&harness.engine).await >= 3);
    let marked = "SELECT id FROM deliveries WHERE recovered_by = (SELECT id FROM recoveries WHERE endpoint_id = '')";
    let of_second = format!("SELECT id FROM deliveries WHERE endpoint_id = '{}' AND state = 'retrying'", second.id);
    assert_eq!(harness.texts(marked.into()).await, harness.texts(of_second).await);
}

async fn a_number_chooses_what_is_retried(harness: TestHarness) {
    waiting(&harness, 2).await;
    let number = harness.deliveries().await[0].callee.clone();
    let selection = BulkSelection::Matching(DeliveryFilter { text: Some(number), ..DeliveryFilter::default() });
    assert_eq!(bulk(&harness, BulkAction::Retry, &selection).await.unwrap().total, 2);
    let other = bulk(&harness, BulkAction::Retry, &matching("q=07700900999001")).await;
    assert!(matches!(other, Err(Error::Invalid(_))), "{other:?}");
}

async fn ended_deliveries_are_resent_by_filter(harness: TestHarness) {
    let endpoint = crate::recover::outage(&harness, 5).await;
    let started = bulk(&harness, BulkAction::Resend, &matching("status=failed")).await.unwrap();
    assert_eq!((started.action, started.total), (JobAction::Resend, 5));
    assert_eq!(work(&harness).await, 5);
    send_all(&harness).await;
    assert_eq!(job(&harness, &started).await.results.delivered, 5);
    assert_eq!(endpoint.name, harness.deliveries().await[0].endpoint_name);
}

async fn delivered_ones_are_resent_only_if_named(harness: TestHarness) {
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.clock.step_ms(1);
    assert!(matches!(bulk(&harness, BulkAction::Resend, &matching("")).await, Err(Error::Invalid(_))));
    let started = bulk(&harness, BulkAction::Resend, &matching("status=delivered")).await.unwrap();
    assert_eq!((started.total, work(&harness).await, harness.run().await), (1, 1, 1));
    // A selection names each.
    let id = harness.deliveries().await[0].id.clone();
    harness.clock.step_ms(1);
    assert_eq!(bulk(&harness, BulkAction::Resend, &BulkSelection::Listed(vec![id])).await.unwrap().total, 1);
}

async fn deliveries_of_another_account_are_not_touched(harness: TestHarness) {
    let endpoint = waiting(&harness, 2).await;
    let ids: Vec<DeliveryId> = harness.deliveries().await.into_iter().map(|row| row.id).collect();
    let (stranger, token) = harness.newcomer("Other").await;
    for actor in [&stranger, &token] {
        let retried = harness.engine.retry_endpoint(actor, &endpoint.id, None).await;
        assert!(matches!(retried, Err(Error::NotFound(_))), "{retried:?}");
        assert!(matches!(harness.engine.retry_delivery(actor, &ids[0]).await, Err(Error::NotFound(_))));
        for selection in
            [BulkSelection::Listed(ids.clone()), matching(""), matching(&format!("endpoint={}", endpoint.id))]
        {
            for action in [BulkAction::Retry, BulkAction::Resend] {
                let plan = harness.engine.plan_bulk(actor, action, &selection).await.unwrap();
                assert_eq!(plan.count, 0);
                let started = harness.engine.start_bulk(actor, action, &selection, None).await;
                assert!(matches!(started, Err(Error::Invalid(_))), "{started:?}");
            }
        }
    }
}

async fn invalid_bulk_requests_are_refused(harness: TestHarness) {
    let endpoint = waiting(&harness, 1).await;
    let id = harness.deliveries().await[0].id.clone();
    for rate in [0, 501] {
        let refused = harness.engine.retry_endpoint(&harness.admin, &endpoint.id, Some(rate)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        let selection = BulkSelection::Listed(vec![id.clone()]);
        let refused = harness.engine.start_bulk(&harness.admin, BulkAction::Retry, &selection, Some(rate)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    let many = BulkSelection::Listed(vec![id; LISTED_MAX + 1]);
    assert!(matches!(bulk(&harness, BulkAction::Retry, &many).await, Err(Error::Invalid(_))));
    assert_eq!(harness.engine.jobs(&harness.admin, None).await.unwrap(), []);
}

async fn at_most_ten_bulk_jobs_run_at_once(harness: TestHarness) {
    waiting(&harness, 1).await;
    for _ in 0..10 {
        bulk(&harness, BulkAction::Retry, &matching("")).await.unwrap();
    }
    let refused = bulk(&harness, BulkAction::Retry, &matching("")).await;
    assert!(matches!(refused, Err(Error::LimitReached { .. })), "{refused:?}");
    work(&harness).await;
    bulk(&harness, BulkAction::Retry, &matching("")).await.unwrap();
}

async fn deleting_an_endpoint_ends_all_its_jobs(harness: TestHarness) {
    let endpoint = crate::recover::outage(&harness, 2).await;
    fail(&harness, 5..7).await;
    let retried = retry(&harness, &endpoint, Some(1)).await;
    let recovered = crate::recover::start(&harness, &endpoint.id, &crate::recover::form()).await;
    harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap();
    for started in [retried, recovered] {
        assert_eq!(job(&harness, &started).await.state, JobState::Cancelled);
    }
}
