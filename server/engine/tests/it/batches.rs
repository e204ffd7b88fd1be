//! Events that are accepted together: however many deliveries they become, and whatever one of them holds.

use domain::{
    Error,
    event::{Accepted, EventKind, Events},
};
use engine::sender::ingest::{DELIVERIES_MAX, INTAKE_MAX};
use futures::future::join_all;

use crate::bed::{Bed, event, on_both};

on_both! {
    many_events_become_more_deliveries_than_a_statement_or_a_commit_takes
    what_the_database_refuses_leaves_its_neighbours_alone
}

/// Posts so many events at the same time, the callers of some of them changed.
async fn post(bed: &Bed, count: u32, caller: impl Fn(u32) -> Option<&'static str>) -> Vec<domain::Result<Accepted>> {
    let account = bed.token.account().unwrap();
    let posts = (0..count).map(|call| {
        let mut event = event(EventKind::IncomingCall, call, None);
        if let Some(caller) = caller(call) {
            event.payload.caller = caller.to_owned();
        }
        bed.engine.accept_event(&bed.token, account, event)
    });
    join_all(posts).await
}

async fn many_events_become_more_deliveries_than_a_statement_or_a_commit_takes(bed: Bed) {
    let endpoints = DELIVERIES_MAX / INTAKE_MAX + 1;
    for _ in 0..endpoints {
        bed.endpoint().await;
    }
    let posted = post(&bed, INTAKE_MAX as u32, |_| None).await;
    assert!(posted.iter().all(|accepted| accepted.as_ref().unwrap().deliveries as usize == endpoints));
    let counted = bed.text("SELECT CAST(COUNT(*) AS TEXT) FROM deliveries").await;
    assert_eq!(counted, (endpoints * INTAKE_MAX).to_string());
}

async fn what_the_database_refuses_leaves_its_neighbours_alone(bed: Bed) {
    bed.endpoint().await;
    let refusal = if bed.database_url().starts_with("postgres") {
        "ALTER TABLE events ADD CONSTRAINT no_such_caller CHECK (caller <> '666')"
    } else {
        "CREATE TRIGGER no_such_caller BEFORE INSERT ON events WHEN NEW.caller = '666' \
         BEGIN SELECT RAISE(ABORT, 'no such caller'); END"
    };
    bed.execute(refusal).await.unwrap();
    let posted = post(&bed, 40, |call| (call % 10 == 3).then_some("666")).await;
    for (call, posted) in posted.iter().enumerate() {
        match posted {
            Ok(accepted) => assert_eq!((call % 10 == 3, accepted.deliveries), (false, 1)),
            Err(error) => assert!(call % 10 == 3 && matches!(error, Error::Internal), "{call}: {error:?}"),
        }
    }
    assert_eq!(bed.deliveries().await.len(), 36);
}
