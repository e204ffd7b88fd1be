//! Transitions of a job.

use domain::{
    endpoint::{Endpoint, Endpoints as _},
    recover::{Recovery as _, RecoveryJob},
};

use super::{Test, transition};
use crate::{
    harness::TestHarness,
    recover::{STEP_MS, form, outage, round, start},
};

pub(super) const TRANSITIONS: [(&str, Test); 7] = [
    transition!("start, with something to recover and no other open job of the endpoint", started),
    transition!("a step has found as much as the rate allows", found_enough),
    transition!("a step has found less than that", found_less),
    transition!("pause", paused),
    transition!("resume", resumed),
    transition!("cancel", cancelled),
    transition!("the endpoint is deleted", endpoint_deleted),
];

async fn state(harness: &TestHarness) -> String {
    harness.text("SELECT state FROM recoveries").await
}

async fn step(harness: &TestHarness, ms: i64) {
    harness.clock.step_ms(ms);
    round(&harness.engine).await;
}

/// Creates a job over this many failed deliveries in that state. A step of a tenth of a second finds five.
async fn set_up(harness: &TestHarness, to: &str, failed: u32) -> (Endpoint, RecoveryJob) {
    let endpoint = outage(harness, failed).await;
    let job = start(harness, &endpoint.id, &form()).await;
    match to {
        "queued" => {}
        "running" => step(harness, STEP_MS).await,
        "paused" => drop(harness.engine.pause_job(&harness.admin, &job.id).await.unwrap()),
        other => panic!("an open job is never {other}"),
    }
    assert_eq!(state(harness).await, to);
    (endpoint, job)
}

async fn started(harness: TestHarness, _: &str) -> String {
    set_up(&harness, "queued", 1).await;
    state(&harness).await
}

async fn found_enough(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, 20).await;
    step(&harness, STEP_MS).await;
    state(&harness).await
}

async fn found_less(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from, 8).await;
    step(&harness, 1_000).await;
    state(&harness).await
}

async fn paused(harness: TestHarness, from: &str) -> String {
    let (_, job) = set_up(&harness, from, 8).await;
    harness.engine.pause_job(&harness.admin, &job.id).await.unwrap();
    step(&harness, 1_000).await;
    state(&harness).await
}

async fn resumed(harness: TestHarness, from: &str) -> String {
    let (_, job) = set_up(&harness, from, 8).await;
    harness.engine.resume_job(&harness.admin, &job.id).await.unwrap();
    state(&harness).await
}

async fn cancelled(harness: TestHarness, from: &str) -> String {
    let (_, job) = set_up(&harness, from, 8).await;
    harness.engine.cancel_job(&harness.admin, &job.id).await.unwrap();
    step(&harness, 1_000).await;
    state(&harness).await
}

async fn endpoint_deleted(harness: TestHarness, from: &str) -> String {
    let (endpoint, _) = set_up(&harness, from, 8).await;
    harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap();
    step(&harness, STEP_MS).await;
    state(&harness).await
}
