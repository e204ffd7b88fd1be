//! Events that are accepted together, whatever the number of deliveries and whatever one of them contains.

use std::sync::Mutex;

use domain::{
    Error,
    actor::Actor,
    event::{Accepted, EventKind, Events},
};
use engine::delivery::intake::{DELIVERIES_MAX, INTAKE_MAX};
use futures::future::join_all;

use crate::harness::{TestHarness, event, on_both};

on_both! {
    a_batch_larger_than_one_statement_or_commit_is_stored_whole
    an_event_the_database_rejects_does_not_affect_the_rest_of_its_batch
    an_account_with_much_to_write_does_not_keep_others_waiting
}

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

async fn an_account_with_much_to_write_does_not_keep_others_waiting(harness: TestHarness) {
    let (_, other) = harness.newcomer("Globex").await;
    let written = Mutex::new(Vec::new());
    let post = async |actor: &Actor, call: u32, padding: usize| {
        let mut event = event(EventKind::IncomingCall, call, None);
        event.payload.text.push_str(&" ".repeat(padding));
        harness.engine.accept_event(actor, actor.account().unwrap(), event).await.unwrap();
        written.lock().unwrap().push(actor.account().unwrap().clone());
    };
    let (large, small) = (join_all((0..40).map(|call| post(&harness.token, call, 200_000))), post(&other, 40, 0));
    tokio::join!(large, small);
    let other = other.account().unwrap();
    let place = written.into_inner().unwrap().iter().position(|account| account == other).unwrap();
    assert!(place < 20, "after {place} of 40 large events that came before it");
}
