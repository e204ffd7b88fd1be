//! The ways of a job.

use domain::{
    endpoint::{Endpoint, Endpoints as _},
    recover::{Job, Recovery as _},
};

use super::{Walk, walk};
use crate::{
    harness::TestHarness,
    recover::{STEP_MS, form, outage, round, start},
};

pub const WALKS: [(&str, Walk); 7] = [
    walk!("start, with something to recover and no other open job of the endpoint", started),
    walk!("a step has found as much as the rate allows", found_enough),
    walk!("a step has found less than that", found_less),
    walk!("pause", paused),
    walk!("resume", resumed),
    walk!("cancel", cancelled),
    walk!("the endpoint is deleted", endpoint_deleted),
];

async fn stands(harness: &TestHarness) -> String {
    harness.text("SELECT state FROM recoveries").await
}

async fn step(harness: &TestHarness, ms: i64) {
    harness.clock.step_ms(ms);
    round(&harness.engine).await;
}

/// A job over this many failed deliveries that stands there. A step of a tenth of a second finds five.
async fn bring(harness: &TestHarness, to: &str, failed: u32) -> (Endpoint, Job) {
    let endpoint = outage(harness, failed).await;
    let job = start(harness, &endpoint.id, &form()).await;
    match to {
        "queued" => {}
        "running" => step(harness, STEP_MS).await,
        "paused" => drop(harness.engine.pause_job(&harness.admin, &job.id).await.unwrap()),
        other => panic!("a job that goes on is never {other}"),
    }
    assert_eq!(stands(harness).await, to);
    (endpoint, job)
}

async fn started(harness: TestHarness, _: &str) -> String {
    bring(&harness, "queued", 1).await;
    stands(&harness).await
}

async fn found_enough(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, 20).await;
    step(&harness, STEP_MS).await;
    stands(&harness).await
}

async fn found_less(harness: TestHarness, from: &str) -> String {
    bring(&harness, from, 8).await;
    step(&harness, 1_000).await;
    stands(&harness).await
}

async fn paused(harness: TestHarness, from: &str) -> String {
    let (_, job) = bring(&harness, from, 8).await;
    harness.engine.pause_job(&harness.admin, &job.id).await.unwrap();
    step(&harness, 1_000).await;
    stands(&harness).await
}

async fn resumed(harness: TestHarness, from: &str) -> String {
    let (_, job) = bring(&harness, from, 8).await;
    harness.engine.resume_job(&harness.admin, &job.id).await.unwrap();
    stands(&harness).await
}

async fn cancelled(harness: TestHarness, from: &str) -> String {
    let (_, job) = bring(&harness, from, 8).await;
    harness.engine.cancel_job(&harness.admin, &job.id).await.unwrap();
    step(&harness, 1_000).await;
    stands(&harness).await
}

async fn endpoint_deleted(harness: TestHarness, from: &str) -> String {
    let (endpoint, _) = bring(&harness, from, 8).await;
    harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap();
    step(&harness, STEP_MS).await;
    stands(&harness).await
}
