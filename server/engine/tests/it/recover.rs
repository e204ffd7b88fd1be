//! Recoveries send exactly what was counted: once, in order, at the set rate, across crashes and nodes.

use domain::{
    Error,
    audit::AuditAction,
    delivery::Status,
    endpoint::{Endpoint, Endpoints},
    event::{EventKind, Events},
    id::EndpointId,
    recover::{JobState, RecoverForm, Recovery, RecoveryJob},
    time::iso_utc,
};
use engine::Engine;
use futures::future::{join, join_all};

use crate::{
    harness::{START, TestHarness, on_both},
    receiver::Reply,
};

on_both! { exactly_the_counted_deliveries_are_sent a_job_never_sends_faster_than_its_rate a_crash_at_any_point_repeats_and_skips_nothing two_nodes_never_run_the_same_step a_paused_job_continues_where_it_stopped a_cancelled_job_leaves_the_rest_alone events_of_a_call_are_recovered_in_order deliveries_behind_a_busy_call_are_not_forgotten never_sent_events_are_sent_in_order repeated_failures_are_counted_and_can_be_recovered_again expired_ephemeral_events_count_as_fresh_again an_endpoint_has_one_job_at_a_time a_job_with_nothing_to_recover_is_refused tests_and_deliveries_past_retention_are_not_counted deleting_an_endpoint_ends_its_job a_paused_job_ends_with_its_endpoint_and_is_recorded another_accounts_job_is_not_found }

pub(crate) const STEP_MS: i64 = 100;

pub(crate) fn form() -> RecoverForm {
    RecoverForm { from: iso_utc(START.plus_ms(-1)), ..RecoverForm::default() }
}

/// This many failed deliveries, each of its own call; the receiver works again.
pub(crate) async fn outage(harness: &TestHarness, calls: u32) -> Endpoint {
    let endpoint = harness.endpoint().await;
    harness.receiver.next((0..calls).map(|_| Reply::Status(410)));
    for call in 0..calls {
        harness.accept(EventKind::IncomingCall, call).await;
    }
    // 410 fails the delivery and pauses the endpoint, which then holds the others.
    while harness.deliveries().await.iter().any(|row| row.status != Status::Failed) {
        harness.resume(&endpoint.id).await;
        harness.run().await;
    }
    harness.resume(&endpoint.id).await;
    harness.clock.step_ms(10_000);
    endpoint
}

pub(crate) async fn start(harness: &TestHarness, endpoint: &EndpointId, form: &RecoverForm) -> RecoveryJob {
    // Events accepted at the very moment of the start do not count as past.
    harness.clock.step_ms(1);
    harness.engine.start_recovery(&harness.admin, endpoint, &form.input().unwrap()).await.unwrap()
}

pub(crate) async fn job(harness: &TestHarness, job: &RecoveryJob) -> RecoveryJob {
    harness.engine.job(&harness.admin, &job.id).await.unwrap()
}

pub(crate) async fn round(engine: &Engine) -> usize {
    engine.background().recovery_jobs.round().await.unwrap().requeued
}

/// Runs steps until the job has ended; returns how many deliveries were recovered.
pub(crate) async fn work(harness: &TestHarness) -> usize {
    let mut put_back = 0;
    loop {
        harness.clock.step_ms(STEP_MS);
        let round = harness.engine.background().recovery_jobs.round().await.unwrap();
        put_back += round.requeued;
        if round.next.is_none() {
            return put_back;
        }
    }
}

async fn exactly_the_counted_deliveries_are_sent(harness: TestHarness) {
    let endpoint = outage(&harness, 23).await;
    let plan = harness.engine.plan_recovery(&harness.admin, &endpoint.id, &form().input().unwrap()).await.unwrap();
    assert_eq!((plan.count, plan.estimated_ms(), plan.running), (23, 460, None));
    let before = harness.receiver.received().len();
    let started = start(&harness, &endpoint.id, &form()).await;
    assert_eq!((started.state, started.total, started.left()), (JobState::Queued, 23, 23));
    assert_eq!(started.who.as_deref(), Some("ana@acme.example"));
    assert_eq!(work(&harness).await, 23);
    assert_eq!(harness.run().await, 23);
    assert_eq!(harness.receiver.received().len() - before, 23);
    let ended = job(&harness, &started).await;
    assert_eq!((ended.state, ended.done, ended.results.failed, ended.left()), (JobState::Done, 23, 0, 0));
    assert!(ended.finished_at.is_some());
    assert!(harness.deliveries().await.iter().all(|row| row.status == Status::Delivered && row.attempts_before == 1));
}

async fn a_job_never_sends_faster_than_its_rate(harness: TestHarness) {
    let endpoint = outage(&harness, 60).await;
    start(&harness, &endpoint.id, &RecoverForm { rate_per_s: "30".into(), ..form() }).await;
    let began = harness.now();
    let mut sent = 0;
    for step_ms in [0, 1, 33, 100, 7, 250, 0, 500, 90] {
        harness.clock.step_ms(step_ms);
        sent += i64::try_from(round(&harness.engine).await).unwrap();
        let most = harness.now().since_ms(began) * 30 / 1_000;
        assert!((most - 2..=most).contains(&sent), "{sent} of at most {most}");
    }
    // After a long stop there is no burst: at most one second's worth.
    harness.clock.step_ms(60_000);
    assert_eq!(round(&harness.engine).await, 30);
    assert_eq!(round(&harness.engine).await, 0, "and no more at the same moment");
}

/// Each step is interrupted a little later than the last: before, inside and after its transaction.
pub(crate) async fn interrupt_steps(harness: &TestHarness, steps: u32, every_ms: i64) {
    for polls in 0..steps {
        harness.clock.step_ms(every_ms);
        let mut step = Box::pin(harness.engine.background().recovery_jobs.round());
        for _ in 0..polls {
            if futures::poll!(&mut step).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn a_crash_at_any_point_repeats_and_skips_nothing(harness: TestHarness) {
    let endpoint = outage(&harness, 40).await;
    let started = start(&harness, &endpoint.id, &form()).await;
    let before = harness.receiver.received().len();
    interrupt_steps(&harness, 40, STEP_MS).await;
    let next = harness.another().await;
    while !job(&harness, &started).await.state.is_final() {
        harness.clock.step_ms(STEP_MS);
        round(&next).await;
    }
    next.sender().run_once().await.unwrap();
    let ended = job(&harness, &started).await;
    assert_eq!((ended.state, ended.done), (JobState::Done, 40));
    assert_eq!(harness.receiver.received().len() - before, 40);
    assert!(harness.deliveries().await.iter().all(|row| (row.status, row.attempts) == (Status::Delivered, 2)));
}

async fn two_nodes_never_run_the_same_step(harness: TestHarness) {
    let endpoint = outage(&harness, 40).await;
    let started = start(&harness, &endpoint.id, &form()).await;
    let next = harness.another().await;
    let mut put_back = 0;
    while !job(&harness, &started).await.state.is_final() {
        harness.clock.step_ms(STEP_MS);
        let (mine, theirs) = join(round(&harness.engine), round(&next)).await;
        assert!(mine + theirs <= 5, "50 a second are 5 a step, whichever node runs it");
        put_back += mine + theirs;
    }
    assert_eq!((put_back, job(&harness, &started).await.done), (40, 40));
}

async fn a_paused_job_continues_where_it_stopped(harness: TestHarness) {
    let endpoint = outage(&harness, 20).await;
    let started = start(&harness, &endpoint.id, &form()).await;
    harness.clock.step_ms(STEP_MS);
    assert_eq!(round(&harness.engine).await, 5);
    assert_eq!(harness.engine.pause_job(&harness.admin, &started.id).await.unwrap().state, JobState::Paused);
    assert_eq!(
        harness.engine.pause_job(&harness.admin, &started.id).await.unwrap().state,
        JobState::Paused,
        "pausing twice has no effect"
    );
    harness.clock.step_ms(60_000);
    assert_eq!(round(&harness.engine).await, 0);
    assert_eq!(harness.engine.resume_job(&harness.admin, &started.id).await.unwrap().state, JobState::Running);
    assert_eq!(round(&harness.engine).await, 0, "the pause does not add to the budget");
    assert_eq!(work(&harness).await, 15);
    assert_eq!(job(&harness, &started).await.done, 20);
}

async fn a_cancelled_job_leaves_the_rest_alone(harness: TestHarness) {
    let endpoint = outage(&harness, 20).await;
    let started = start(&harness, &endpoint.id, &form()).await;
    harness.clock.step_ms(STEP_MS);
    round(&harness.engine).await;
    let ended = harness.engine.cancel_job(&harness.admin, &started.id).await.unwrap();
    assert_eq!((ended.state, ended.done, ended.left()), (JobState::Cancelled, 5, 0));
    assert_eq!(work(&harness).await, 0);
    let failed = harness.deliveries().await.iter().filter(|row| row.status == Status::Failed).count();
    assert_eq!(failed, 15);
    for refused in [
        harness.engine.cancel_job(&harness.admin, &started.id).await,
        harness.engine.pause_job(&harness.admin, &started.id).await,
        harness.engine.resume_job(&harness.admin, &started.id).await,
    ] {
        assert!(matches!(refused, Err(Error::Conflict { .. })));
    }
    let rest = start(&harness, &endpoint.id, &form()).await;
    assert_eq!(rest.total, 15, "the rest can be recovered later");
}

async fn events_of_a_call_are_recovered_in_order(harness: TestHarness) {
    let endpoint = harness.endpoint_with(|form| form.deliver_late = true).await;
    for kind in EventKind::ALL {
        harness.receiver.next([Reply::Status(410)]);
        harness.accept(kind, 1).await;
        harness.run().await;
        harness.resume(&endpoint.id).await;
    }
    let job = start(&harness, &endpoint.id, &form()).await;
    assert_eq!((job.total, work(&harness).await), (3, 3));
    // The first fails once; the others wait behind it.
    harness.receiver.next([Reply::Status(500)]);
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.run_after_ms(6_000).await, 3);
    let kinds = harness.receiver.kinds();
    assert_eq!(kinds[kinds.len() - 3..], ["IncomingCall", "OutgoingCall", "CallProcessed"]);
}

async fn deliveries_behind_a_busy_call_are_not_forgotten(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.next([Reply::Status(410), Reply::Status(500)]);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    harness.resume(&endpoint.id).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    start(&harness, &endpoint.id, &form()).await;
    assert_eq!(work(&harness).await, 1);
    assert_eq!(harness.run().await, 0, "an event of its call waits for a retry");
    assert_eq!(harness.run_after_ms(6_000).await, 2);
    assert!(harness.deliveries().await.iter().all(|row| row.status == Status::Delivered));
}

async fn never_sent_events_are_sent_in_order(harness: TestHarness) {
    // No endpoint is subscribed to the first and the last; the one between fails.
    let lost = harness.accept(EventKind::IncomingCall, 1).await;
    assert_eq!(lost.deliveries, 0);
    let endpoint = harness.endpoint_with(|form| form.events = vec!["OutgoingCall".into()]).await;
    harness.receiver.next([Reply::Status(410)]);
    harness.accept(EventKind::OutgoingCall, 1).await;
    harness.run().await;
    harness.resume(&endpoint.id).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.clock.step_ms(120_000);
    let all = |which: &str| RecoverForm {
        events: EventKind::ALL.map(|kind| kind.as_str().to_owned()).to_vec(),
        which: which.into(),
        ..form()
    };
    let plan =
        harness.engine.plan_recovery(&harness.admin, &endpoint.id, &all("failed").input().unwrap()).await.unwrap();
    assert_eq!(plan.count, 1);
    let listened = RecoverForm { which: "also_never_sent".into(), ..form() };
    let plan = harness.engine.plan_recovery(&harness.admin, &endpoint.id, &listened.input().unwrap()).await.unwrap();
    assert_eq!(plan.count, 1, "only kinds it is subscribed to, unless others are named");
    let started = start(&harness, &endpoint.id, &all("also_never_sent")).await;
    assert_eq!((started.total, work(&harness).await), (3, 3));
    assert_eq!(harness.run().await, 3);
    let kinds = harness.receiver.kinds();
    assert_eq!(kinds[1..], ["IncomingCall", "OutgoingCall", "CallProcessed"]);
    let shown = harness.engine.event(&harness.admin, &lost.id).await.unwrap();
    assert_eq!((shown.event.deliveries, shown.deliveries.len()), (1, 1));
    assert_eq!(shown.deliveries[0].created_at, shown.event.accepted_at);
    assert_eq!(
        harness
            .engine
            .plan_recovery(&harness.admin, &endpoint.id, &all("also_never_sent").input().unwrap())
            .await
            .unwrap()
            .count,
        0
    );
}

async fn repeated_failures_are_counted_and_can_be_recovered_again(harness: TestHarness) {
    let endpoint = outage(&harness, 3).await;
    let first = start(&harness, &endpoint.id, &form()).await;
    assert_eq!(work(&harness).await, 3);
    harness.receiver.next([Reply::Status(200), Reply::Status(410)]);
    while harness.deliveries().await.iter().any(|row| !row.status.is_final()) {
        harness.resume(&endpoint.id).await;
        harness.run().await;
    }
    let ended = job(&harness, &first).await;
    assert_eq!((ended.state, ended.done, ended.results.failed), (JobState::Done, 3, 1));
    harness.resume(&endpoint.id).await;
    harness.clock.step_ms(1);
    assert_eq!(start(&harness, &endpoint.id, &form()).await.total, 1);
    assert_eq!(work(&harness).await, 1);
    assert_eq!(harness.run().await, 1);
    assert_eq!(job(&harness, &first).await.results.failed, 0);
    let jobs = harness.engine.jobs(&harness.admin, Some(&endpoint.id)).await.unwrap();
    assert_eq!((jobs.len(), &jobs[1].id), (2, &first.id), "newest first");
}

async fn expired_ephemeral_events_count_as_fresh_again(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.clock.step_ms(3_600_000);
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.run().await, 0);
    assert_eq!(harness.only_delivery().await.row.status, Status::Expired);
    start(&harness, &endpoint.id, &form()).await;
    assert_eq!(work(&harness).await, 1);
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.only_delivery().await.row.status, Status::Delivered);
}

async fn an_endpoint_has_one_job_at_a_time(harness: TestHarness) {
    let endpoint = outage(&harness, 3).await;
    let form = form();
    let input = form.input().unwrap();
    let both = join_all((0..2).map(|_| harness.engine.start_recovery(&harness.admin, &endpoint.id, &input))).await;
    let (started, refused): (Vec<_>, Vec<_>) = both.into_iter().partition(Result::is_ok);
    assert_eq!((started.len(), refused.len()), (1, 1));
    let first = started.into_iter().next().unwrap().unwrap();
    let third = harness.engine.start_recovery(&harness.admin, &endpoint.id, &form.input().unwrap()).await;
    for refused in refused.into_iter().chain([third]) {
        let Err(Error::Conflict { existing, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(existing.as_deref(), Some(first.id.as_str()));
    }
    let plan = harness.engine.plan_recovery(&harness.admin, &endpoint.id, &form.input().unwrap()).await.unwrap();
    assert_eq!(plan.running, Some(first.id));
}

async fn a_job_with_nothing_to_recover_is_refused(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.clock.step_ms(1);
    assert_eq!(
        harness.engine.plan_recovery(&harness.admin, &endpoint.id, &form().input().unwrap()).await.unwrap().count,
        0
    );
    let refused =
        harness.engine.start_recovery(&harness.admin, &endpoint.id, &form().input().unwrap()).await.unwrap_err();
    assert_eq!(refused.fields()[0].field, "from");
    let other = RecoverForm { events: vec!["IncomingCall".into()], ..form() };
    assert_eq!(
        harness.engine.plan_recovery(&harness.admin, &endpoint.id, &other.input().unwrap()).await.unwrap().count,
        0
    );
}

async fn tests_and_deliveries_past_retention_are_not_counted(harness: TestHarness) {
    let endpoint = outage(&harness, 2).await;
    harness.receiver.next([Reply::Status(410)]);
    harness.engine.send_test(&harness.admin, &endpoint.id, EventKind::CallProcessed, None).await.unwrap();
    harness.run().await;
    harness.resume(&endpoint.id).await;
    harness.clock.step_ms(1);
    let gone = harness.deliveries().await[0].event_id.to_string();
    let sql = "UPDATE events SET payload = NULL WHERE id = $1";
    match &harness.engine.context().db.writer {
        engine::store::db::Pool::Sqlite(c) => drop(sqlx::query(sql).bind(gone).execute(c).await.unwrap()),
        engine::store::db::Pool::Postgres(c) => drop(sqlx::query(sql).bind(gone).execute(c).await.unwrap()),
    }
    assert_eq!(start(&harness, &endpoint.id, &form()).await.total, 1);
    assert_eq!(work(&harness).await, 1);
}

async fn deleting_an_endpoint_ends_its_job(harness: TestHarness) {
    let endpoint = outage(&harness, 20).await;
    let started = start(&harness, &endpoint.id, &form()).await;
    harness.clock.step_ms(STEP_MS);
    round(&harness.engine).await;
    harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!(work(&harness).await, 0);
    assert_eq!(job(&harness, &started).await.state, JobState::Cancelled);
    let refused = harness.engine.plan_recovery(&harness.admin, &endpoint.id, &form().input().unwrap()).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
}

async fn a_paused_job_ends_with_its_endpoint_and_is_recorded(harness: TestHarness) {
    let endpoint = outage(&harness, 20).await;
    let started = start(&harness, &endpoint.id, &form()).await;
    harness.clock.step_ms(STEP_MS);
    round(&harness.engine).await;
    harness.engine.pause_job(&harness.admin, &started.id).await.unwrap();
    harness.clock.step_ms(60_000);
    harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap();
    let ended = job(&harness, &started).await;
    assert_eq!((ended.state, ended.done, ended.finished_at), (JobState::Cancelled, 5, Some(harness.now())));
    let log = harness.engine.endpoint_log(&harness.admin, &endpoint.id).await.unwrap();
    assert!(log.iter().all(|record| record.object.as_ref() == Some(&endpoint.name)), "{log:?}");
    let recorded = log.iter().find(|record| record.action == AuditAction::RecoveryCancelled).unwrap();
    assert_eq!(recorded.who.as_deref(), Some("ana@acme.example"));
    assert_eq!(recorded.changes[0].after.as_deref(), Some(started.id.as_str()));
    harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!(harness.engine.endpoint_log(&harness.admin, &endpoint.id).await.unwrap(), log, "it ended once");
}

async fn another_accounts_job_is_not_found(harness: TestHarness) {
    let endpoint = outage(&harness, 1).await;
    let id = start(&harness, &endpoint.id, &form()).await.id;
    let (stranger, token) = harness.newcomer("Other").await;
    for actor in [&stranger, &token] {
        assert!(matches!(harness.engine.job(actor, &id).await, Err(Error::NotFound(_))));
        assert!(matches!(harness.engine.cancel_job(actor, &id).await, Err(Error::NotFound(_))));
        let planned = harness.engine.plan_recovery(actor, &endpoint.id, &form().input().unwrap()).await;
        assert!(matches!(planned, Err(Error::NotFound(_))));
        assert!(harness.engine.jobs(actor, None).await.unwrap().is_empty());
    }
}
