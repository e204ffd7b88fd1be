//! Events of connectors that this server itself understands: routed, counted and accepted as those that a program posts.

use std::collections::HashMap;

use connect::{
    call::{InternalCalls, PhoneSystem, Settings},
    event::{CallEvent, Route},
};
use domain::{
    Error,
    connector::{
        Connector, OpenConnector,
        route::{CallRoute, Destination, PATTERN_MAX_CHARS},
    },
    error::Result,
    event::{NewEvent, PostedEvent},
    id::AccountId,
};
use serde_json::value::{RawValue, to_raw_value};

use crate::{app_state::AppState, rate_limit::Decision};

/// Where an event went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It was stored.
    New,
    /// It had been stored before.
    Known,
    /// No route leads to an account.
    Unrouted,
    /// The connector was paused meanwhile.
    Paused,
}

/// What the settings of an Asterisk's connector mean for its calls.
#[must_use]
pub fn settings(connector: &Connector) -> Settings {
    // `PJSIP/provider` is the endpoint `provider`.
    let endpoint = |trunk: &String| trunk.rsplit('/').next().unwrap_or(trunk).to_owned();
    Settings {
        phone_system: PhoneSystem::Asterisk,
        system: connector.identity.clone(),
        trunks: connector.trunks.iter().map(endpoint).collect(),
        internal: if connector.include_internal { InternalCalls::Report } else { InternalCalls::Ignore },
    }
}

/// Accepts an event for the account that it belongs to, if there is one.
///
/// # Errors
/// `Conflict` if the same event was accepted with another content; `TooMany` beyond what the account may post; `Invalid`,
/// `Unavailable` and others, as for an event that a program posts.
pub async fn accept(state: &AppState, open: &OpenConnector, event: &CallEvent) -> Result<Placed> {
    let new = NewEvent::parse(&posted(event)?)?;
    let account = match destination(state, open, &call_route(&event.route)).await? {
        Destination::Account(account) => account,
        Destination::Unrouted(_) => return Ok(Placed::Unrouted),
        Destination::Paused => return Ok(Placed::Paused),
    };
    count(state, open, &account)?;
    let accepted = state.backend.accept_event(&open.actor, &account, new).await?;
    Ok(if accepted.repeated { Placed::Known } else { Placed::New })
}

/// The events of each call, in their order.
#[must_use]
pub fn by_call(events: Vec<CallEvent>) -> Vec<Vec<CallEvent>> {
    let (mut calls, mut places): (Vec<Vec<CallEvent>>, _) = (Vec::new(), HashMap::new());
    for event in events {
        let place = *places.entry(event.payload.call_id()).or_insert(calls.len());
        match calls.get_mut(place) {
            Some(call) => call.push(event),
            None => calls.push(vec![event]),
        }
    }
    calls
}

/// The account of a connector, or the one that a call of the platform's connector is routed to.
async fn destination(state: &AppState, open: &OpenConnector, route: &CallRoute) -> Result<Destination> {
    match open.connector.owner.account() {
        Some(account) => Ok(Destination::Account(account.clone())),
        None => state.backend.route_event(&open.actor, &open.connector.id, Some(route)).await,
    }
}

/// Counts an event against the limit of the connector's account, as one that is posted with its token.
fn count(state: &AppState, open: &OpenConnector, account: &AccountId) -> Result<()> {
    let Some(per_s) = open.actor.events_per_s else { return Ok(()) };
    match state.rates.account_events.take_with_rate(account.as_str(), per_s, 1, state.backend.clock().now()) {
        Decision::Allowed { .. } => Ok(()),
        Decision::Limited { retry_after_s } => Err(Error::TooMany { retry_after_s }),
    }
}

/// An event as a program would post it.
fn posted(event: &CallEvent) -> Result<PostedEvent> {
    let raw = |json: serde_json::Result<Box<RawValue>>| json.map_err(|_| Error::Internal);
    Ok(PostedEvent {
        account: None,
        connector: None,
        route: None,
        payload: raw(to_raw_value(&event.payload))?,
        details: event.details.as_ref().map(to_raw_value).map(raw).transpose()?,
        id: Some(event.id.clone()),
        timestamp: Some(event.timestamp_s),
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
    use connect::event::{Identity, Payload, Started};

    use super::*;

    #[test]
    fn the_events_of_a_call_stay_together_and_in_order() {
        let event = |call: &str, seconds| {
            let call_id = Identity::new("lab").call_id(call);
            let (callee_number, caller_number) = ("01632960100".into(), "01632960001".into());
            let started = Started { call_id, callee_number, caller_number };
            CallEvent::new(seconds, Payload::IncomingCall(started), Route::default())
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
