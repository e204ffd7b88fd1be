//! Recoveries: what was counted is what is sent, once, in order, at the rate, across crashes and nodes.

use domain::{
    Error,
    audit::Deed,
    delivery::Status,
    endpoint::{Endpoint, Endpoints},
    event::{EventKind, Events},
    id::EndpointId,
    recover::{Job, JobState, RecoverForm, Recovery},
    time::iso_utc,
};
use engine::Engine;
use futures::future::{join, join_all};

use crate::{
    bed::{Bed, START, newcomer, on_both},
    receiver::Reply,
};

on_both! {
    the_count_that_was_promised_is_what_is_sent
    a_job_never_sends_faster_than_its_rate
    a_crash_at_any_moment_repeats_nothing_and_skips_nothing
    two_nodes_do_not_do_the_same_step
    a_paused_job_rests_and_goes_on_where_it_stood
    a_cancelled_job_leaves_the_rest_alone
    the_events_of_a_call_are_recovered_in_their_order
    what_waits_behind_a_busy_call_is_not_forgotten
    events_that_were_never_sent_are_sent_in_their_place
    what_fails_again_is_counted_and_can_be_recovered_again
    news_that_came_too_late_are_fresh_again
    one_job_at_a_time_for_an_endpoint
    nothing_to_recover_is_told
    what_is_past_retention_or_a_test_is_not_counted
    a_deleted_endpoint_ends_its_job
    a_paused_job_ends_with_its_endpoint_and_on_the_record
    another_accounts_job_is_not_there
}

pub const STEP_MS: i64 = 100;

pub fn form() -> RecoverForm {
    RecoverForm { from: iso_utc(START.plus_ms(-1)), ..RecoverForm::default() }
}

/// So many records that failed for good, each of a call of its own; the receiver answers again.
pub async fn outage(bed: &Bed, calls: u32) -> Endpoint {
    let endpoint = bed.endpoint().await;
    bed.receiver.next((0..calls).map(|_| Reply::Status(410)));
    for call in 0..calls {
        bed.accept(EventKind::IncomingCall, call).await;
    }
    // 410 ends a delivery at once and pauses the endpoint, which then holds the others.
    while bed.deliveries().await.iter().any(|row| row.status != Status::Failed) {
        bed.resume(&endpoint.id).await;
        bed.run().await;
    }
    bed.resume(&endpoint.id).await;
    bed.clock.step_ms(10_000);
    endpoint
}

pub async fn start(bed: &Bed, endpoint: &EndpointId, form: &RecoverForm) -> Job {
    // What is accepted in the very moment of the start is not past yet.
    bed.clock.step_ms(1);
    bed.engine.start_recovery(&bed.admin, endpoint, form).await.unwrap()
}

async fn job(bed: &Bed, job: &Job) -> Job {
    bed.engine.job(&bed.admin, &job.id).await.unwrap()
}

pub async fn round(engine: &Engine) -> usize {
    engine.background().recovery_jobs.round().await.unwrap().requeued
}

/// Steps until the job has ended; how many were put back.
async fn work(bed: &Bed) -> usize {
    let mut put_back = 0;
    loop {
        bed.clock.step_ms(STEP_MS);
        let round = bed.engine.background().recovery_jobs.round().await.unwrap();
        put_back += round.requeued;
        if round.next.is_none() {
            return put_back;
        }
    }
}

async fn the_count_that_was_promised_is_what_is_sent(bed: Bed) {
    let endpoint = outage(&bed, 23).await;
    let plan = bed.engine.plan_recovery(&bed.admin, &endpoint.id, &form()).await.unwrap();
    assert_eq!((plan.count, plan.estimated_ms(), plan.running), (23, 460, None));
    let before = bed.receiver.received().len();
    let started = start(&bed, &endpoint.id, &form()).await;
    assert_eq!((started.state, started.total, started.left()), (JobState::Queued, 23, 23));
    assert_eq!(started.who.as_deref(), Some("ana@acme.example"));
    assert_eq!(work(&bed).await, 23);
    assert_eq!(bed.run().await, 23);
    assert_eq!(bed.receiver.received().len() - before, 23);
    let ended = job(&bed, &started).await;
    assert_eq!((ended.state, ended.done, ended.failed, ended.left()), (JobState::Done, 23, 0, 0));
    assert!(ended.finished_at.is_some());
    assert!(bed.deliveries().await.iter().all(|row| row.status == Status::Delivered && row.attempts_before == 1));
}

async fn a_job_never_sends_faster_than_its_rate(bed: Bed) {
    let endpoint = outage(&bed, 60).await;
    start(&bed, &endpoint.id, &RecoverForm { rate_per_s: "30".into(), ..form() }).await;
    let began = bed.now();
    let mut sent = 0;
    for step_ms in [0, 1, 33, 100, 7, 250, 0, 500, 90] {
        bed.clock.step_ms(step_ms);
        sent += i64::try_from(round(&bed.engine).await).unwrap();
        let most = bed.now().since_ms(began) * 30 / 1_000;
        assert!((most - 2..=most).contains(&sent), "{sent} of at most {most}");
    }
    // After a long stop there is no burst: at most what a second allows.
    bed.clock.step_ms(60_000);
    assert_eq!(round(&bed.engine).await, 30);
    assert_eq!(round(&bed.engine).await, 0, "and no more in the same moment");
}

async fn a_crash_at_any_moment_repeats_nothing_and_skips_nothing(bed: Bed) {
    let endpoint = outage(&bed, 40).await;
    let started = start(&bed, &endpoint.id, &form()).await;
    let before = bed.receiver.received().len();
    // Each step is broken off a little later than the one before: before, inside and after its transaction.
    for polls in 0..40 {
        bed.clock.step_ms(STEP_MS);
        let mut step = Box::pin(bed.engine.background().recovery_jobs.round());
        for _ in 0..polls {
            if futures::poll!(&mut step).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let next = bed.another().await;
    while !job(&bed, &started).await.state.is_final() {
        bed.clock.step_ms(STEP_MS);
        round(&next).await;
    }
    next.sender().run_once().await.unwrap();
    let ended = job(&bed, &started).await;
    assert_eq!((ended.state, ended.done), (JobState::Done, 40));
    assert_eq!(bed.receiver.received().len() - before, 40);
    assert!(bed.deliveries().await.iter().all(|row| (row.status, row.attempts) == (Status::Delivered, 2)));
}

async fn two_nodes_do_not_do_the_same_step(bed: Bed) {
    let endpoint = outage(&bed, 40).await;
    let started = start(&bed, &endpoint.id, &form()).await;
    let next = bed.another().await;
    let mut put_back = 0;
    while !job(&bed, &started).await.state.is_final() {
        bed.clock.step_ms(STEP_MS);
        let (mine, theirs) = join(round(&bed.engine), round(&next)).await;
        assert!(mine + theirs <= 5, "50 a second are 5 a step, whoever makes it");
        put_back += mine + theirs;
    }
    assert_eq!((put_back, job(&bed, &started).await.done), (40, 40));
}

async fn a_paused_job_rests_and_goes_on_where_it_stood(bed: Bed) {
    let endpoint = outage(&bed, 20).await;
    let started = start(&bed, &endpoint.id, &form()).await;
    bed.clock.step_ms(STEP_MS);
    assert_eq!(round(&bed.engine).await, 5);
    assert_eq!(bed.engine.pause_job(&bed.admin, &started.id).await.unwrap().state, JobState::Paused);
    assert_eq!(bed.engine.pause_job(&bed.admin, &started.id).await.unwrap().state, JobState::Paused, "twice is once");
    bed.clock.step_ms(60_000);
    assert_eq!(round(&bed.engine).await, 0);
    assert_eq!(bed.engine.resume_job(&bed.admin, &started.id).await.unwrap().state, JobState::Running);
    assert_eq!(round(&bed.engine).await, 0, "the halt does not count");
    assert_eq!(work(&bed).await, 15);
    assert_eq!(job(&bed, &started).await.done, 20);
}

async fn a_cancelled_job_leaves_the_rest_alone(bed: Bed) {
    let endpoint = outage(&bed, 20).await;
    let started = start(&bed, &endpoint.id, &form()).await;
    bed.clock.step_ms(STEP_MS);
    round(&bed.engine).await;
    let ended = bed.engine.cancel_job(&bed.admin, &started.id).await.unwrap();
    assert_eq!((ended.state, ended.done, ended.left()), (JobState::Cancelled, 5, 0));
    assert_eq!(work(&bed).await, 0);
    let failed = bed.deliveries().await.iter().filter(|row| row.status == Status::Failed).count();
    assert_eq!(failed, 15);
    for refused in [
        bed.engine.cancel_job(&bed.admin, &started.id).await,
        bed.engine.pause_job(&bed.admin, &started.id).await,
        bed.engine.resume_job(&bed.admin, &started.id).await,
    ] {
        assert!(matches!(refused, Err(Error::Conflict { .. })));
    }
    let rest = start(&bed, &endpoint.id, &form()).await;
    assert_eq!(rest.total, 15, "the rest can be recovered later");
}

async fn the_events_of_a_call_are_recovered_in_their_order(bed: Bed) {
    let endpoint = bed.endpoint_with(|form| form.deliver_late = true).await;
    for kind in EventKind::ALL {
        bed.receiver.next([Reply::Status(410)]);
        bed.accept(kind, 1).await;
        bed.run().await;
        bed.resume(&endpoint.id).await;
    }
    let job = start(&bed, &endpoint.id, &form()).await;
    assert_eq!((job.total, work(&bed).await), (3, 3));
    // The first fails once: the others wait behind it.
    bed.receiver.next([Reply::Status(500)]);
    assert_eq!(bed.run().await, 1);
    assert_eq!(bed.run_after_ms(6_000).await, 3);
    let kinds = bed.receiver.kinds();
    assert_eq!(kinds[kinds.len() - 3..], ["IncomingCall", "OutgoingCall", "CallProcessed"]);
}

async fn what_waits_behind_a_busy_call_is_not_forgotten(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.receiver.next([Reply::Status(410), Reply::Status(500)]);
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.run().await;
    bed.resume(&endpoint.id).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    start(&bed, &endpoint.id, &form()).await;
    assert_eq!(work(&bed).await, 1);
    assert_eq!(bed.run().await, 0, "its call is busy with a retry");
    assert_eq!(bed.run_after_ms(6_000).await, 2);
    assert!(bed.deliveries().await.iter().all(|row| row.status == Status::Delivered));
}

async fn events_that_were_never_sent_are_sent_in_their_place(bed: Bed) {
    // Nobody listens for the first and the last; the one between fails.
    let lost = bed.accept(EventKind::IncomingCall, 1).await;
    assert_eq!(lost.deliveries, 0);
    let endpoint = bed.endpoint_with(|form| form.events = vec!["OutgoingCall".into()]).await;
    bed.receiver.next([Reply::Status(410)]);
    bed.accept(EventKind::OutgoingCall, 1).await;
    bed.run().await;
    bed.resume(&endpoint.id).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.clock.step_ms(120_000);
    let all = |which: &str| RecoverForm {
        events: EventKind::ALL.map(|kind| kind.as_str().to_owned()).to_vec(),
        which: which.into(),
        ..form()
    };
    let plan = bed.engine.plan_recovery(&bed.admin, &endpoint.id, &all("failed")).await.unwrap();
    assert_eq!(plan.count, 1);
    let listened = RecoverForm { which: "also_never_sent".into(), ..form() };
    let plan = bed.engine.plan_recovery(&bed.admin, &endpoint.id, &listened).await.unwrap();
    assert_eq!(plan.count, 1, "only kinds that it listens for, unless others are named");
    let started = start(&bed, &endpoint.id, &all("also_never_sent")).await;
    assert_eq!((started.total, work(&bed).await), (3, 3));
    assert_eq!(bed.run().await, 3);
    let kinds = bed.receiver.kinds();
    assert_eq!(kinds[1..], ["IncomingCall", "OutgoingCall", "CallProcessed"]);
    let shown = bed.engine.event(&bed.admin, &lost.id).await.unwrap();
    assert_eq!((shown.event.deliveries, shown.deliveries.len()), (1, 1));
    assert_eq!(shown.deliveries[0].created_at, shown.event.accepted_at);
    assert_eq!(bed.engine.plan_recovery(&bed.admin, &endpoint.id, &all("also_never_sent")).await.unwrap().count, 0);
}

async fn what_fails_again_is_counted_and_can_be_recovered_again(bed: Bed) {
    let endpoint = outage(&bed, 3).await;
    let first = start(&bed, &endpoint.id, &form()).await;
    assert_eq!(work(&bed).await, 3);
    bed.receiver.next([Reply::Status(200), Reply::Status(410)]);
    while bed.deliveries().await.iter().any(|row| !row.status.is_final()) {
        bed.resume(&endpoint.id).await;
        bed.run().await;
    }
    let ended = job(&bed, &first).await;
    assert_eq!((ended.state, ended.done, ended.failed), (JobState::Done, 3, 1));
    bed.resume(&endpoint.id).await;
    bed.clock.step_ms(1);
    assert_eq!(start(&bed, &endpoint.id, &form()).await.total, 1);
    assert_eq!(work(&bed).await, 1);
    assert_eq!(bed.run().await, 1);
    assert_eq!(job(&bed, &first).await.failed, 0);
    let jobs = bed.engine.jobs(&bed.admin, Some(&endpoint.id)).await.unwrap();
    assert_eq!((jobs.len(), &jobs[1].id), (2, &first.id), "newest first");
}

async fn news_that_came_too_late_are_fresh_again(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.clock.step_ms(3_600_000);
    bed.resume(&endpoint.id).await;
    assert_eq!(bed.run().await, 0);
    assert_eq!(bed.only_delivery().await.row.status, Status::Expired);
    start(&bed, &endpoint.id, &form()).await;
    assert_eq!(work(&bed).await, 1);
    assert_eq!(bed.run().await, 1);
    assert_eq!(bed.only_delivery().await.row.status, Status::Delivered);
}

async fn one_job_at_a_time_for_an_endpoint(bed: Bed) {
    let endpoint = outage(&bed, 3).await;
    let form = form();
    let both = join_all((0..2).map(|_| bed.engine.start_recovery(&bed.admin, &endpoint.id, &form))).await;
    let (started, refused): (Vec<_>, Vec<_>) = both.into_iter().partition(Result::is_ok);
    assert_eq!((started.len(), refused.len()), (1, 1));
    let first = started.into_iter().next().unwrap().unwrap();
    let third = bed.engine.start_recovery(&bed.admin, &endpoint.id, &form).await;
    for refused in refused.into_iter().chain([third]) {
        let Err(Error::Conflict { existing, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(existing.as_deref(), Some(first.id.as_str()));
    }
    let plan = bed.engine.plan_recovery(&bed.admin, &endpoint.id, &form).await.unwrap();
    assert_eq!(plan.running, Some(first.id));
}

async fn nothing_to_recover_is_told(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.clock.step_ms(1);
    assert_eq!(bed.engine.plan_recovery(&bed.admin, &endpoint.id, &form()).await.unwrap().count, 0);
    let refused = bed.engine.start_recovery(&bed.admin, &endpoint.id, &form()).await.unwrap_err();
    assert_eq!(refused.fields()[0].field, "from");
    let other = RecoverForm { events: vec!["IncomingCall".into()], ..form() };
    assert_eq!(bed.engine.plan_recovery(&bed.admin, &endpoint.id, &other).await.unwrap().count, 0);
}

async fn what_is_past_retention_or_a_test_is_not_counted(bed: Bed) {
    let endpoint = outage(&bed, 2).await;
    bed.receiver.next([Reply::Status(410)]);
    bed.engine.send_test(&bed.admin, &endpoint.id, EventKind::CallProcessed, None).await.unwrap();
    bed.run().await;
    bed.resume(&endpoint.id).await;
    bed.clock.step_ms(1);
    let gone = bed.deliveries().await[0].event_id.to_string();
    let sql = "UPDATE events SET payload = NULL WHERE id = $1";
    match &bed.engine.context().db.writer {
        engine::store::db::Pool::Sqlite(c) => drop(sqlx::query(sql).bind(gone).execute(c).await.unwrap()),
        engine::store::db::Pool::Postgres(c) => drop(sqlx::query(sql).bind(gone).execute(c).await.unwrap()),
    }
    assert_eq!(start(&bed, &endpoint.id, &form()).await.total, 1);
    assert_eq!(work(&bed).await, 1);
}

async fn a_deleted_endpoint_ends_its_job(bed: Bed) {
    let endpoint = outage(&bed, 20).await;
    let started = start(&bed, &endpoint.id, &form()).await;
    bed.clock.step_ms(STEP_MS);
    round(&bed.engine).await;
    bed.engine.delete_endpoint(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!(work(&bed).await, 0);
    assert_eq!(job(&bed, &started).await.state, JobState::Cancelled);
    let refused = bed.engine.plan_recovery(&bed.admin, &endpoint.id, &form()).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
}

async fn a_paused_job_ends_with_its_endpoint_and_on_the_record(bed: Bed) {
    let endpoint = outage(&bed, 20).await;
    let started = start(&bed, &endpoint.id, &form()).await;
    bed.clock.step_ms(STEP_MS);
    round(&bed.engine).await;
    bed.engine.pause_job(&bed.admin, &started.id).await.unwrap();
    bed.clock.step_ms(60_000);
    bed.engine.delete_endpoint(&bed.admin, &endpoint.id).await.unwrap();
    let ended = job(&bed, &started).await;
    assert_eq!((ended.state, ended.done, ended.finished_at), (JobState::Cancelled, 5, Some(bed.now())));
    let log = bed.engine.endpoint_log(&bed.admin, &endpoint.id).await.unwrap();
    assert!(log.iter().all(|record| record.object.as_ref() == Some(&endpoint.name)), "{log:?}");
    let told = log.iter().find(|record| record.deed == Deed::RecoveryCancelled).unwrap();
    assert_eq!(told.who.as_deref(), Some("ana@acme.example"));
    assert_eq!(told.changes[0].after.as_deref(), Some(started.id.as_str()));
    bed.engine.delete_endpoint(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!(bed.engine.endpoint_log(&bed.admin, &endpoint.id).await.unwrap(), log, "it ended once");
}

async fn another_accounts_job_is_not_there(bed: Bed) {
    let endpoint = outage(&bed, 1).await;
    let id = start(&bed, &endpoint.id, &form()).await.id;
    let (stranger, token) = newcomer(&bed.engine, "Other").await;
    for actor in [&stranger, &token] {
        assert!(matches!(bed.engine.job(actor, &id).await, Err(Error::NotFound(_))));
        assert!(matches!(bed.engine.cancel_job(actor, &id).await, Err(Error::NotFound(_))));
        let planned = bed.engine.plan_recovery(actor, &endpoint.id, &form()).await;
        assert!(matches!(planned, Err(Error::NotFound(_))));
        assert!(bed.engine.jobs(actor, None).await.unwrap().is_empty());
    }
}
