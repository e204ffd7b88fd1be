//! Jobs that retry, while something else happens: claims, a second job, a second node, a crash.

use domain::{
    Error,
    delivery::Status,
    recover::{JobState, Recovery as _},
};
use engine::delivery::claim::claim_once;
use futures::future::{join, join_all};

use crate::{
    harness::{TestHarness, on_both},
    receiver::Reply,
    recover::{self, STEP_MS, interrupt_steps, job, round, work},
    retry::{fail, retry, send_all, waiting},
};

on_both! { a_retry_while_the_sender_claims_sends_each_event_once only_one_of_several_requests_starts_a_job a_retry_and_a_recovery_of_one_endpoint_run_side_by_side two_nodes_never_retry_the_same_step a_server_that_stops_in_the_middle_repeats_and_skips_nothing an_event_in_flight_is_not_sent_twice }

const CALLS: u32 = 24;

async fn a_retry_while_the_sender_claims_sends_each_event_once(harness: TestHarness) {
    let endpoint = waiting(&harness, CALLS).await;
    // They become due by themselves while the job makes them due.
    harness.clock.step_ms(5_000);
    let started = retry(&harness, &endpoint, Some(500)).await;
    let before = harness.receiver.received().len();
    while !job(&harness, &started).await.state.is_final() {
        harness.clock.step_ms(10);
        let (_, claimed, sent) = futures::join!(
            round(&harness.engine),
            claim_once(harness.engine.sender()),
            harness.engine.sender().run_once()
        );
        claimed.unwrap();
        sent.unwrap();
    }
    send_all(&harness).await;
    assert_eq!(harness.receiver.received().len() - before, CALLS as usize);
    assert!(harness.deliveries().await.iter().all(|row| (row.status, row.attempts) == (Status::Delivered, 2)));
    // Some may have been delivered before the job came to them.
    let ended = job(&harness, &started).await;
    assert_eq!((ended.state, ended.results.delivered), (JobState::Done, ended.done));
}

async fn only_one_of_several_requests_starts_a_job(harness: TestHarness) {
    let endpoint = waiting(&harness, 2).await;
    let all = join_all((0..4).map(|_| harness.engine.retry_endpoint(&harness.admin, &endpoint.id, None))).await;
    let (started, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!((started.len(), refused.len()), (1, 3));
    let id = started[0].as_ref().unwrap().id.to_string();
    for refused in refused {
        let Err(Error::Conflict { existing, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(existing, Some(id.clone()));
    }
}

async fn a_retry_and_a_recovery_of_one_endpoint_run_side_by_side(harness: TestHarness) {
    let endpoint = recover::outage(&harness, 6).await;
    fail(&harness, 10..16).await;
    let before = harness.receiver.received().len();
    let retried = retry(&harness, &endpoint, None).await;
    let recovered = recover::start(&harness, &endpoint.id, &recover::form()).await;
    assert_eq!((retried.total, recovered.total), (6, 6));
    assert_eq!(work(&harness).await, 12);
    send_all(&harness).await;
    assert_eq!(harness.receiver.received().len() - before, 12);
    for started in [retried, recovered] {
        let ended = job(&harness, &started).await;
        assert_eq!((ended.state, ended.results.delivered), (JobState::Done, 6));
    }
}

async fn two_nodes_never_retry_the_same_step(harness: TestHarness) {
    let endpoint = waiting(&harness, CALLS).await;
    let started = retry(&harness, &endpoint, None).await;
    let next = harness.another().await;
    let mut retried = 0;
    while !job(&harness, &started).await.state.is_final() {
        harness.clock.step_ms(STEP_MS);
        let (mine, theirs) = join(round(&harness.engine), round(&next)).await;
        assert!(mine + theirs <= 5, "50 a second are 5 a step, whichever node runs it");
        retried += mine + theirs;
    }
    assert_eq!((retried, job(&harness, &started).await.done), (CALLS as usize, CALLS));
}

async fn a_server_that_stops_in_the_middle_repeats_and_skips_nothing(harness: TestHarness) {
    let endpoint = waiting(&harness, CALLS).await;
    let started = retry(&harness, &endpoint, None).await;
    let before = harness.receiver.received().len();
    interrupt_steps(&harness, CALLS, STEP_MS / 10).await;
    let next = harness.another().await;
    while !job(&harness, &started).await.state.is_final() {
        harness.clock.step_ms(STEP_MS);
        round(&next).await;
    }
    while next.sender().run_once().await.unwrap() > 0 {}
    let ended = job(&harness, &started).await;
    assert_eq!((ended.state, ended.done, ended.results.delivered), (JobState::Done, CALLS, CALLS));
    assert_eq!(harness.receiver.received().len() - before, CALLS as usize);
}

async fn an_event_in_flight_is_not_sent_twice(harness: TestHarness) {
    let endpoint = waiting(&harness, 2).await;
    harness.clock.step_ms(60_000);
    // Leased, not yet sent.
    claim_once(harness.engine.sender()).await.unwrap();
    let started = retry(&harness, &endpoint, None).await;
    assert_eq!(work(&harness).await, 2);
    harness.receiver.next([Reply::Status(200), Reply::Status(200)]);
    send_all(&harness).await;
    assert!(harness.deliveries().await.iter().all(|row| (row.status, row.attempts) == (Status::Delivered, 2)));
    assert_eq!(job(&harness, &started).await.results.delivered, 2);
}
