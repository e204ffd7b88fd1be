//! Posts the events of a batch, then saves the open calls. A crash in between repeats nothing: an event has the same ID again.

use connect::{
    asterisk::ari::session::Batch,
    event::{CallEvent, Route},
};
use domain::{
    Error,
    connector::{
        ConnectorOwner, Gap, OpenConnector,
        route::{CallRoute, Destination, PATTERN_MAX_CHARS},
    },
    details::Details,
    error::Result,
    event::NewEvent,
    id::EventId,
    payload::Payload,
};
use engine::clock::{sleep_ms, stopwatch};
use futures::{StreamExt as _, stream};

use super::state::{self, Saving};
use crate::{
    app_state::AppState,
    phone_systems::{Outcome, SessionNumber},
    rate_limit::Decision,
};

/// Most calls whose events are posted at once.
const AT_ONCE_MAX: usize = 16;
/// Wait before something is tried again that failed for the moment, in milliseconds.
const RETRY_MS: u64 = 500;
/// Errors of ours after which an event is given up, so that those behind it are posted.
const INTERNAL_MAX: u32 = 10;

/// Posts and saves a batch. While the database is away, it waits.
pub(super) async fn save(state: &AppState, open: &OpenConnector, session: SessionNumber, batch: Batch) -> Outcome {
    let (begun, has_events) = (stopwatch(), !batch.events.is_empty());
    stream::iter(by_call(batch.events))
        .for_each_concurrent(AT_ONCE_MAX, |events| async move {
            for event in &events {
                post(state, open, event).await;
            }
        })
        .await;
    let lag_ms = has_events.then(|| u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX));
    if let Some(saved) = &batch.state {
        let saving = patiently(open, || state::save(state, open, session, saved)).await;
        if saving == Some(Saving::Superseded) {
            return Outcome::Superseded;
        }
    }
    for gap in &batch.gaps {
        patiently(open, || report(state, open, gap)).await;
    }
    Outcome::Saved { lag_ms }
}

/// The events of each call, in their order.
fn by_call(events: Vec<CallEvent>) -> Vec<Vec<CallEvent>> {
    let mut calls: Vec<Vec<CallEvent>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for event in events {
        let place = *places.entry(event.payload.call_id()).or_insert(calls.len());
        match calls.get_mut(place) {
            Some(call) => call.push(event),
            None => calls.push(vec![event]),
        }
    }
    calls
}

async fn report(state: &AppState, open: &OpenConnector, gap: &Gap) -> Result<bool> {
    state.backend.report_gap(&open.actor, &open.connector.id, gap).await
}

async fn post(state: &AppState, open: &OpenConnector, event: &CallEvent) {
    patiently(open, || accept(state, open, event)).await;
}

/// Tries until it works or never will; `None` then. Whatever keeps an event from being accepted is logged without its numbers.
async fn patiently<T, F: Future<Output = Result<T>>>(open: &OpenConnector, attempt: impl Fn() -> F) -> Option<T> {
    let (mut internal, mut was_logged) = (0, false);
    loop {
        let error = match attempt().await {
            Ok(done) => return Some(done),
            Err(error) => error,
        };
        internal += u32::from(error == Error::Internal);
        let is_transient = matches!(
            error,
            Error::Unavailable { .. } | Error::LimitReached { .. } | Error::TooMany { .. } | Error::Internal
        );
        let connector = &open.connector.id;
        if !is_transient || internal >= INTERNAL_MAX {
            tracing::warn!(%connector, status = error.status(), "an event, a state or a gap of a connector was refused");
            return None;
        }
        if !was_logged {
            tracing::warn!(%connector, status = error.status(), "what a connector reports can't be stored; trying again");
            was_logged = true;
        }
        sleep_ms(RETRY_MS).await;
    }
}

async fn accept(state: &AppState, open: &OpenConnector, event: &CallEvent) -> Result<()> {
    let account = match &open.connector.owner {
        ConnectorOwner::Account(account) => account.clone(),
        ConnectorOwner::Platform => {
            let route = call_route(&event.route);
            match state.backend.route_event(&open.actor, &open.connector.id, &route).await? {
                Destination::Account(account) => account,
                // Noted already.
                Destination::Unrouted(_) | Destination::Paused => return Ok(()),
            }
        }
    };
    if let Some(per_s) = open.actor.events_per_s {
        let limits = &state.rates.account_events;
        let decision = limits.take_with_rate(account.as_str(), per_s, state.backend.clock().now());
        if let Decision::Limited { retry_after_s } = decision {
            return Err(Error::TooMany { retry_after_s });
        }
    }
    match state.backend.accept_event(&open.actor, &account, parsed(event)?).await {
        // Known with other details: another connector of this phone system, or this one before a restart, was first.
        Ok(_) | Err(Error::Conflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn parsed(event: &CallEvent) -> Result<NewEvent> {
    let json = |value: serde_json::Result<String>| value.map_err(|_| Error::Internal);
    let details = match &event.details {
        Some(details) => Details::parse(&json(serde_json::to_string(details))?)?,
        None => None,
    };
    Ok(NewEvent {
        id: Some(EventId::parse(&event.id)?),
        payload: Payload::parse(&json(serde_json::to_string(&event.payload))?)?,
        details,
        timestamp: Some(event.timestamp_s.max(0)),
    })
}

/// What a call is routed by. What no pattern can match is left out.
fn call_route(route: &Route) -> CallRoute {
    let fits = |text: &&String| text.chars().count() <= PATTERN_MAX_CHARS && !text.chars().any(char::is_control);
    let kept = |text: &Option<String>| text.as_ref().filter(fits).cloned();
    CallRoute {
        dialled: kept(&route.dialled),
        presented: kept(&route.presented),
        extension: kept(&route.extension),
        context: kept(&route.context),
    }
}

#[cfg(test)]
mod tests {
    use connect::event::{Identity, Started};

    use super::*;

    #[test]
    fn the_events_of_a_call_stay_together_and_in_order() {
        let event = |call: &str, seconds| {
            let call_id = Identity::new("lab").call_id(call);
            let started = Started { call_id, callee_number: "01632960100".into(), caller_number: "01632960001".into() };
            CallEvent::new(seconds, connect::event::Payload::IncomingCall(started), Route::default())
        };
        let grouped = by_call(vec![event("a", 1), event("b", 2), event("a", 3), event("c", 4), event("b", 5)]);
        let times: Vec<Vec<i64>> =
            grouped.iter().map(|call| call.iter().map(|event| event.timestamp_s).collect()).collect();
        assert_eq!(times, [vec![1, 3], vec![2, 5], vec![4]]);
    }

    #[test]
    fn a_route_that_no_pattern_can_match_is_left_out() {
        let route = Route { dialled: Some("01632960100".into()), context: Some("x".repeat(65)), ..Route::default() };
        let kept = call_route(&route);
        assert_eq!((kept.dialled.as_deref(), kept.context), (Some("01632960100"), None));
    }
}
