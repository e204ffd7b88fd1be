//! Posts the events of a batch until each has a result. What is refused for now is posted again: nothing is lost.

use std::{collections::HashSet, time::Duration};

use connect::event::CallEvent;
use domain::{
    Error,
    connector::{
        OpenConnector,
        imports::{BadRecord, ImportProgress},
    },
    error::Result,
    id::ConnectorId,
};
use futures::future::join_all;

use crate::{
    app_state::AppState,
    connector_events::{self, Placed},
    rate_limit::Decision,
};

/// Longest pause before the next attempt: a limit may be raised meanwhile.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Pause between two parts of a batch, where the pace of imports is the only limit.
const PACE: Duration = Duration::from_millis(250);
/// Pause where nobody says how long to wait.
const PAUSE: Duration = Duration::from_secs(2);

/// What an attempt left over.
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// These events, this long; for this reason, if it is more than the pace of imports.
    Waiting { events: Vec<CallEvent>, why: Option<String>, pause: Duration },
    /// Some of its events, for as long as someone else likes: for this reason.
    Blocked(Error),
    /// The connector is deleted.
    Deleted,
}

/// Posts events, and counts what became of them.
pub(super) async fn attempt(
    state: &AppState,
    id: &ConnectorId,
    events: Vec<CallEvent>,
    progress: &mut ImportProgress,
    bad: &mut Vec<BadRecord>,
) -> Left {
    if events.is_empty() {
        return Left::Nothing;
    }
    let open = match state.engine.importing_connector(id).await {
        Ok(open) => open,
        Err(Error::NotFound(_)) => return Left::Deleted,
        Err(error) => return waiting(events, error),
    };
    let known = match known(state, &open, &events).await {
        Ok(known) => known,
        Err(error) => return waiting(events, error),
    };
    let all = events.len();
    let mut events = events;
    events.retain(|event| !known.contains(&event.id));
    progress.known += (all - events.len()) as u64;
    let now = events.len().min(allowed(state, &open, events.len()));
    let later = events.split_off(now);
    let results = join_all(events.iter().map(|event| connector_events::accept(state, &open, event))).await;
    let (mut left, mut reason) = (Vec::new(), None);
    for (event, result) in events.into_iter().zip(results) {
        match result {
            Ok(Placed::New) => progress.imported += 1,
            // The live connector has reported the same call.
            Ok(Placed::Known) | Err(Error::Conflict { .. }) => progress.known += 1,
            Ok(Placed::Unrouted) => progress.unrouted += 1,
            Err(Error::Invalid(_) | Error::TooLarge(_)) => {
                progress.rejected += 1;
                bad.push(rejected(&event, result.err()));
            }
            Ok(Placed::Paused) => {
                left.push(event);
                reason.get_or_insert(paused());
            }
            Err(error) => {
                left.push(event);
                reason.get_or_insert(error);
            }
        }
    }
    left.extend(later);
    match reason {
        _ if left.is_empty() => Left::Nothing,
        Some(error) => waiting(left, error),
        None => Left::Waiting { events: left, why: None, pause: PACE },
    }
}

fn paused() -> Error {
    Error::Conflict { detail: "The connector is paused.".to_owned(), existing: None }
}

/// The IDs of events that the account has stored already. They are not posted again: its allowance is for what is new.
async fn known(state: &AppState, open: &OpenConnector, events: &[CallEvent]) -> Result<HashSet<String>> {
    // The events of a platform's connector may belong to many accounts, and use no one's allowance.
    let Some(account) = open.connector.owner.account() else { return Ok(HashSet::new()) };
    state.engine.accepted_before(account, events.iter().map(|event| event.id.clone()).collect()).await
}

/// How many of so many events may be posted now: imports take at most half of what an account may post in a second, since its
/// calls of today come first.
fn allowed(state: &AppState, open: &OpenConnector, wanted: usize) -> usize {
    let (Some(per_s), Some(account)) = (open.actor.events_per_s, open.connector.owner.account()) else { return wanted };
    let now = state.backend.clock().now();
    let take = || state.rates.imports.take_with_rate(account.as_str(), per_s / 2, 1, now);
    (0..wanted).take_while(|_| matches!(take(), Decision::Allowed { .. })).count()
}

fn waiting(events: Vec<CallEvent>, error: Error) -> Left {
    if !matches!(error, Error::TooMany { .. } | Error::Unavailable { .. } | Error::Internal) {
        return Left::Blocked(error);
    }
    let pause = error.retry_after_s().map_or(PAUSE, |seconds| Duration::from_secs(seconds.into()));
    let why = match error {
        Error::TooMany { .. } => "The account has posted as many events as it may in a second.".to_owned(),
        error => error.to_string(),
    };
    Left::Waiting { events, why: Some(why), pause: pause.min(PAUSE_MAX) }
}

fn rejected(event: &CallEvent, error: Option<Error>) -> BadRecord {
    let why = error.map(|error| error.to_string()).unwrap_or_default();
    BadRecord { line: None, reason: format!("The event {} can’t be accepted: {why}", event.id) }
}
