//! Transitions of an endpoint.

use domain::{
    endpoint::{Endpoint, Endpoints as _},
    event::EventKind,
    time::DAY_MS,
};

use super::{Test, transition};
use crate::{harness::TestHarness, health::fail_for_days, receiver::Reply};

pub(super) const TRANSITIONS: [(&str, Test); 6] = [
    transition!("create", created),
    transition!("pause", paused),
    transition!("an attempt gets a 410 response", gone),
    transition!("an attempt fails, and failures since the latest success are evidence of an outage", disabled),
    transition!("resume", resumed),
    transition!("delete", deleted),
];

async fn state(harness: &TestHarness) -> String {
    let state = "SELECT state || CASE WHEN pause_reason IS NULL OR state <> 'paused' THEN '' \
                 ELSE ' (' || pause_reason || ')' END FROM endpoints";
    harness.text(state).await
}

async fn set_up(harness: &TestHarness, to: &str) -> Endpoint {
    let endpoint = harness.endpoint().await;
    match to {
        "active" => {}
        "paused" => harness.pause(&endpoint.id).await,
        "disabled" => fail_for_days(harness, 5).await,
        other => panic!("an endpoint has no transition from {other}"),
    }
    assert_eq!(state(harness).await.split(' ').next(), Some(to));
    endpoint
}

async fn created(harness: TestHarness, _: &str) -> String {
    set_up(&harness, "active").await;
    state(&harness).await
}

async fn paused(harness: TestHarness, from: &str) -> String {
    let endpoint = set_up(&harness, from).await;
    harness.pause(&endpoint.id).await;
    state(&harness).await
}

async fn gone(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from).await;
    harness.receiver.next([Reply::Status(410)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 1);
    state(&harness).await
}

async fn disabled(harness: TestHarness, from: &str) -> String {
    set_up(&harness, from).await;
    fail_for_days(&harness, 4).await;
    assert_eq!(state(&harness).await, from);
    harness.run_after_ms(DAY_MS + 60_000).await;
    state(&harness).await
}

async fn resumed(harness: TestHarness, from: &str) -> String {
    let endpoint = set_up(&harness, from).await;
    harness.resume(&endpoint.id).await;
    assert_eq!(harness.text("SELECT CAST(failures_in_row AS TEXT) FROM endpoints").await, "0");
    state(&harness).await
}

async fn deleted(harness: TestHarness, from: &str) -> String {
    let endpoint = set_up(&harness, from).await;
    harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap();
    state(&harness).await
}
