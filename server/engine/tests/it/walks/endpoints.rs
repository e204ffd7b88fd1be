//! The ways of an endpoint.

use domain::{
    endpoint::{Endpoint, Endpoints as _},
    event::EventKind,
    time::DAY_MS,
};

use super::{Walk, walk};
use crate::{bed::Bed, health::fail_for_days, receiver::Reply};

pub const WALKS: [(&str, Walk); 6] = [
    walk!("create", created),
    walk!("pause", paused),
    walk!("an attempt is answered with 410", gone),
    walk!("an attempt fails, and five days have passed since the first failure after the latest success", given_up),
    walk!("resume", resumed),
    walk!("delete", deleted),
];

async fn stands(bed: &Bed) -> String {
    let state = "SELECT state || CASE WHEN pause_reason IS NULL OR state <> 'paused' THEN '' \
                 ELSE ' (' || pause_reason || ')' END FROM endpoints";
    bed.text(state).await
}

async fn bring(bed: &Bed, to: &str) -> Endpoint {
    let endpoint = bed.endpoint().await;
    match to {
        "active" => {}
        "paused" => bed.pause(&endpoint.id).await,
        "disabled" => fail_for_days(bed, 5).await,
        other => panic!("an endpoint never goes on from {other}"),
    }
    assert_eq!(stands(bed).await.split(' ').next(), Some(to));
    endpoint
}

async fn created(bed: Bed, _: &str) -> String {
    bring(&bed, "active").await;
    stands(&bed).await
}

async fn paused(bed: Bed, from: &str) -> String {
    let endpoint = bring(&bed, from).await;
    bed.pause(&endpoint.id).await;
    stands(&bed).await
}

async fn gone(bed: Bed, from: &str) -> String {
    bring(&bed, from).await;
    bed.receiver.next([Reply::Status(410)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(bed.run().await, 1);
    stands(&bed).await
}

async fn given_up(bed: Bed, from: &str) -> String {
    bring(&bed, from).await;
    fail_for_days(&bed, 4).await;
    assert_eq!(stands(&bed).await, from);
    bed.run_after_ms(DAY_MS + 60_000).await;
    stands(&bed).await
}

async fn resumed(bed: Bed, from: &str) -> String {
    let endpoint = bring(&bed, from).await;
    bed.resume(&endpoint.id).await;
    assert_eq!(bed.text("SELECT CAST(failures_in_row AS TEXT) FROM endpoints").await, "0");
    stands(&bed).await
}

async fn deleted(bed: Bed, from: &str) -> String {
    let endpoint = bring(&bed, from).await;
    bed.engine.delete_endpoint(&bed.admin, &endpoint.id).await.unwrap();
    stands(&bed).await
}
