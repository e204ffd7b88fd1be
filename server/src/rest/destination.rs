//! Where a posted event goes: to the account that it or its token names, or by its connector and the route of its call.

use axum::http::StatusCode;
use domain::{
    Error,
    connector::route::{CallRoute, Destination},
    event::{Accepted, PostedEvent},
    id::ConnectorId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app_state::AppState,
    rest::{auth::Caller, problem::Problem},
};

/// What a connector of the platform knows about a call that decides its account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteOfCall {
    /// The number that was dialled, of an incoming call.
    #[serde(default)]
    dialled: Option<String>,
    /// The number that is presented, of an outgoing call.
    #[serde(default)]
    presented: Option<String>,
    /// The extension that calls.
    #[serde(default)]
    extension: Option<String>,
    /// The context of the phone system that the call began in.
    #[serde(default)]
    context: Option<String>,
}

impl From<RouteOfCall> for CallRoute {
    fn from(route: RouteOfCall) -> Self {
        let RouteOfCall { dialled, presented, extension, context } = route;
        Self { dialled, presented, extension, context }
    }
}

/// An accepted event. It is durable. Or one that nobody gets: then `id` is null, nothing was stored, and the response is 200.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcceptedJson {
    /// Its id: yours, or a generated one.
    #[schema(example = "evt_01kb4qz1a2b3c4d5e6f7g8h9jk")]
    id: Option<String>,
    /// How many endpoints it is sent to.
    deliveries: u32,
    /// Present and true if no route of the connector matches the call.
    #[serde(skip_serializing_if = "is_false")]
    unrouted: bool,
    /// Present and true if the connector is paused.
    #[serde(skip_serializing_if = "is_false")]
    paused: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What became of a posted event.
pub(super) enum Posted {
    /// It was accepted.
    Accepted(Accepted),
    /// No route of the connector matches the call.
    Unrouted,
    /// The connector is paused.
    Paused,
}

impl Posted {
    /// 202, or 200 if nothing was stored: it had been accepted before, or nobody gets it.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Accepted(Accepted { repeated: false, .. }) => StatusCode::ACCEPTED,
            _ => StatusCode::OK,
        }
    }
}

impl From<Posted> for AcceptedJson {
    fn from(posted: Posted) -> Self {
        let nobody = Self { id: None, deliveries: 0, unrouted: false, paused: false };
        match posted {
            Posted::Accepted(Accepted { id, deliveries, .. }) => Self { id: Some(id.into()), deliveries, ..nobody },
            Posted::Unrouted => Self { unrouted: true, ..nobody },
            Posted::Paused => Self { paused: true, ..nobody },
        }
    }
}

/// Where an event goes.
pub(super) async fn of(state: &AppState, caller: &Caller, posted: &PostedEvent) -> Result<Destination, Problem> {
    let invalid = |field: &str, message: &str| Err(Error::invalid(field, message).into());
    let Some(connector) = &posted.connector else {
        if posted.route.is_some() {
            return invalid("connector", "A route needs its connector.");
        }
        let account = state.backend.account_for_events(&caller.0, posted.account.as_deref()).await?;
        return Ok(Destination::Account(account));
    };
    if posted.account.is_some() {
        return invalid(
            "account",
            "Name the account or the connector, not both: a connector decides the account of its calls.",
        );
    }
    Ok(state.backend.route_event(&caller.0, &ConnectorId::parse(connector)?, posted.route.as_ref()).await?)
}
