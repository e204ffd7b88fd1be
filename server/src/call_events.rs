//! Accepting the events of connectors that run inside the server.

use connect::event::{CallEvent, Route};
use domain::{
    Error,
    connector::{
        OpenConnector,
        route::{CallRoute, Destination},
    },
    event::{NewEvent, PostedEvent},
    id::AccountId,
};
use serde_json::value::{RawValue, to_raw_value};

use crate::{app_state::AppState, rate_limit::Decision};

/// Where an event went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    /// It was stored.
    New,
    /// It had been stored before.
    Known,
    /// No route leads to an account.
    Unrouted,
    /// The connector was paused meanwhile.
    Paused,
}

/// Accepts an event.
///
/// # Errors
/// `TooMany` over the limit of the account; as `Events::accept_event`.
pub(crate) async fn accept(state: &AppState, open: &OpenConnector, event: &CallEvent) -> Result<Placed, Error> {
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

/// The account of a connector, or the one that a call of the platform's connector is routed to.
async fn destination(state: &AppState, open: &OpenConnector, route: &CallRoute) -> Result<Destination, Error> {
    match open.connector.owner.account() {
        Some(account) => Ok(Destination::Account(account.clone())),
        None => state.backend.route_event(&open.actor, &open.connector.id, route).await,
    }
}

/// Counts an event against the limit of the connector's account, as one that is posted with its token.
fn count(state: &AppState, open: &OpenConnector, account: &AccountId) -> Result<(), Error> {
    let Some(per_s) = open.actor.events_per_s else { return Ok(()) };
    match state.rates.account_events.take_with_rate(account.as_str(), per_s, state.backend.clock().now()) {
        Decision::Allowed { .. } => Ok(()),
        Decision::Limited { retry_after_s } => Err(Error::TooMany { retry_after_s }),
    }
}

/// An event as a program would post it.
fn posted(event: &CallEvent) -> Result<PostedEvent, Error> {
    let raw = |json: Result<Box<RawValue>, serde_json::Error>| json.map_err(|_| Error::Internal);
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

fn call_route(route: &Route) -> CallRoute {
    let Route { dialled, presented, extension, context } = route.clone();
    CallRoute { dialled, presented, extension, context }
}
