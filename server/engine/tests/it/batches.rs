//! Events that are accepted together, whatever the number of deliveries and whatever one of them contains.

use domain::{
    Error,
    event::{Accepted, EventKind, Events},
};
use engine::delivery::intake::{DELIVERIES_MAX, INTAKE_MAX};
use futures::future::join_all;

use crate::harness::{TestHarness, event, on_both};

on_both! { a_batch_larger_than_one_statement_or_commit_is_stored_whole an_event_the_database_rejects_does_not_affect_the_rest_of_its_batch }

/// Posts this many events concurrently, with some of the callers changed.
async fn post(
    harness: &TestHarness,
    count: u32,
    caller: impl Fn(u32) -> Option<&'static str>,
) -> Vec<domain::Result<Accepted>> {
    let account = harness.token.account().unwrap();
    let posts = (0..count).map(|call| {
        let mut event = event(EventKind::IncomingCall, call, None);
        if let Some(caller) = caller(call) {
            event.payload.caller = caller.to_owned();
        }
        harness.engine.accept_event(&harness.token, account, event)
    });
    join_all(posts).await
}

async fn a_batch_larger_than_one_statement_or_commit_is_stored_whole(harness: TestHarness) {
    let endpoints = DELIVERIES_MAX / INTAKE_MAX + 1;
    for _ in 0..endpoints {
        harness.endpoint().await;
    }
    let posted = post(&harness, INTAKE_MAX as u32, |_| None).await;
    assert!(posted.iter().all(|accepted| accepted.as_ref().unwrap().deliveries as usize == endpoints));
    let counted = harness.text("SELECT CAST(COUNT(*) AS TEXT) FROM deliveries").await;
    assert_eq!(counted, (endpoints * INTAKE_MAX).to_string());
}

async fn an_event_the_database_rejects_does_not_affect_the_rest_of_its_batch(harness: TestHarness) {
    harness.endpoint().await;
    let refusal = if harness.database_url().starts_with("postgres") {
        "ALTER TABLE events ADD CONSTRAINT no_such_caller CHECK (caller <> '666')"
    } else {
        "CREATE TRIGGER no_such_caller BEFORE INSERT ON events WHEN NEW.caller = '666' \
         BEGIN SELECT RAISE(ABORT, 'no such caller'); END"
    };
    harness.execute(refusal).await.unwrap();
    let posted = post(&harness, 40, |call| (call % 10 == 3).then_some("666")).await;
    for (call, posted) in posted.iter().enumerate() {
        match posted {
            Ok(accepted) => assert_eq!((call % 10 == 3, accepted.deliveries), (false, 1)),
            Err(error) => assert!(call % 10 == 3 && matches!(error, Error::Internal), "{call}: {error:?}"),
        }
    }
    assert_eq!(harness.deliveries().await.len(), 36);
}
