//! The ways of a job.

use domain::{
    endpoint::{Endpoint, Endpoints as _},
    recover::{Job, Recovery as _},
};

use super::{Walk, walk};
use crate::{
    bed::Bed,
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

async fn stands(bed: &Bed) -> String {
    bed.text("SELECT state FROM recoveries").await
}

async fn step(bed: &Bed, ms: i64) {
    bed.clock.step_ms(ms);
    round(&bed.engine).await;
}

/// A job over this many failed deliveries that stands there. A step of a tenth of a second finds five.
async fn bring(bed: &Bed, to: &str, failed: u32) -> (Endpoint, Job) {
    let endpoint = outage(bed, failed).await;
    let job = start(bed, &endpoint.id, &form()).await;
    match to {
        "queued" => {}
        "running" => step(bed, STEP_MS).await,
        "paused" => drop(bed.engine.pause_job(&bed.admin, &job.id).await.unwrap()),
        other => panic!("a job that goes on is never {other}"),
    }
    assert_eq!(stands(bed).await, to);
    (endpoint, job)
}

async fn started(bed: Bed, _: &str) -> String {
    bring(&bed, "queued", 1).await;
    stands(&bed).await
}

async fn found_enough(bed: Bed, from: &str) -> String {
    bring(&bed, from, 20).await;
    step(&bed, STEP_MS).await;
    stands(&bed).await
}

async fn found_less(bed: Bed, from: &str) -> String {
    bring(&bed, from, 8).await;
    step(&bed, 1_000).await;
    stands(&bed).await
}

async fn paused(bed: Bed, from: &str) -> String {
    let (_, job) = bring(&bed, from, 8).await;
    bed.engine.pause_job(&bed.admin, &job.id).await.unwrap();
    step(&bed, 1_000).await;
    stands(&bed).await
}

async fn resumed(bed: Bed, from: &str) -> String {
    let (_, job) = bring(&bed, from, 8).await;
    bed.engine.resume_job(&bed.admin, &job.id).await.unwrap();
    stands(&bed).await
}

async fn cancelled(bed: Bed, from: &str) -> String {
    let (_, job) = bring(&bed, from, 8).await;
    bed.engine.cancel_job(&bed.admin, &job.id).await.unwrap();
    step(&bed, 1_000).await;
    stands(&bed).await
}

async fn endpoint_deleted(bed: Bed, from: &str) -> String {
    let (endpoint, _) = bring(&bed, from, 8).await;
    bed.engine.delete_endpoint(&bed.admin, &endpoint.id).await.unwrap();
    step(&bed, STEP_MS).await;
    stands(&bed).await
}
