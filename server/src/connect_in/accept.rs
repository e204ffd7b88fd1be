//! From what a request reports to accepted events.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use connect::{
    event::CallEvent,
    http_in::{Calls, Outcome},
};
use domain::{Error, connector::OpenConnector, time::SECOND_MS};
use futures::future::join_all;

use super::read::Trouble;
use crate::{
    app_state::AppState,
    connector_calls::{packed, unpacked},
    connector_events::{self, Placed, by_call},
    plain_error::PlainError,
};

/// Seconds after which a phone system may repeat a request that was not accepted as a whole.
const AGAIN_S: u32 = 5;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of it was accepted, now or before, or is of no interest.
    Ok,
    /// No route leads to an account.
    Unrouted,
    /// The connector was paused meanwhile.
    Paused,
    /// The mapping understands only a part of it, or nothing.
    NotUnderstood,
    /// Something was not accepted that will be, once the request is repeated.
    Again(Error),
}

impl Verdict {
    pub(super) const fn is_success(&self) -> bool {
        matches!(self, Self::Ok | Self::Unrouted)
    }

    /// The worse of two.
    fn and(self, other: Self) -> Self {
        let rank = |verdict: &Self| match verdict {
            Self::Ok => 0,
            Self::Unrouted => 1,
            Self::Paused => 2,
            Self::NotUnderstood => 3,
            Self::Again(_) => 4,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

impl IntoResponse for Verdict {
    fn into_response(self) -> Response {
        let paused = "This connector is paused. Resume it on its page.\n";
        match self {
            Self::Ok => "OK\n".into_response(),
            Self::Unrouted => {
                "No route leads to an account for this call. Add one on the connector's page.\n".into_response()
            }
            Self::Paused => (StatusCode::CONFLICT, paused).into_response(),
            Self::NotUnderstood => (StatusCode::UNPROCESSABLE_ENTITY, super::NOT_UNDERSTOOD).into_response(),
            Self::Again(error) => {
                let wait_s = error.retry_after_s().unwrap_or(AGAIN_S);
                let mut response = PlainError::from(error).into_response();
                // Not every phone system repeats a request after 429.
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
                response
            }
        }
    }
}

/// The events that outcomes give, with what was known of their calls. What changes that is stored first: when the response
/// says so, no restart loses it.
///
/// # Errors
/// When it cannot be stored.
pub(super) async fn remembered(
    state: &AppState,
    open: &OpenConnector,
    outcomes: Vec<Outcome>,
) -> Result<(Vec<CallEvent>, Option<Trouble>), Error> {
    let now_s = state.backend.clock().now().0 / SECOND_MS;
    let stored = state.backend.open_calls(open).await?;
    let mut calls = Calls::restore(unpacked(stored.as_deref()));
    if !outcomes.iter().any(|outcome| calls.concerns(outcome)) {
        return Ok(folded(&mut calls, outcomes, now_s));
    }
    let (mut outcomes, mut result) = (Some(outcomes), None);
    let mut change = |stored: Option<&[u8]>| {
        let mut calls = Calls::restore(unpacked(stored));
        result = outcomes.take().map(|outcomes| folded(&mut calls, outcomes, now_s));
        packed(&calls.changed()?).inspect_err(|error| tracing::error!(%error, "open calls were not saved")).ok()
    };
    state.backend.change_open_calls(open, &mut change).await?;
    result.ok_or(Error::Internal)
}

fn folded(calls: &mut Calls, outcomes: Vec<Outcome>, now_s: i64) -> (Vec<CallEvent>, Option<Trouble>) {
    let (mut events, mut trouble) = (Vec::new(), None);
    for outcome in outcomes {
        match calls.fold(outcome, now_s) {
            Ok(event) => events.extend(event),
            Err(errors) => trouble = Some(Trouble::of_fields(None, errors.iter().map(|error| error.field.as_str()))),
        }
    }
    (events, trouble)
}

/// Accepts events: those of a call in order, up to the first that has to be repeated; calls beside each other.
pub(super) async fn all(state: &AppState, open: &OpenConnector, events: Vec<CallEvent>) -> Verdict {
    let verdicts = join_all(by_call(events).into_iter().map(|call| in_order(state, open, call))).await;
    verdicts.into_iter().fold(Verdict::Ok, Verdict::and)
}

async fn in_order(state: &AppState, open: &OpenConnector, call: Vec<CallEvent>) -> Verdict {
    let mut verdict = Verdict::Ok;
    for event in call {
        let one = one(state, open, event).await.unwrap_or_else(failed);
        verdict = verdict.and(one);
        if matches!(verdict, Verdict::Again(_)) {
            break;
        }
    }
    verdict
}

fn failed(error: Error) -> Verdict {
    match error {
        // The same event was accepted at another second: the request was repeated.
        Error::Conflict { .. } => Verdict::Ok,
        Error::Invalid(_) | Error::TooLarge(_) => Verdict::NotUnderstood,
        error => Verdict::Again(error),
    }
}

async fn one(state: &AppState, open: &OpenConnector, event: CallEvent) -> Result<Verdict, Error> {
    Ok(match connector_events::accept(state, open, &event).await? {
        Placed::New | Placed::Known => Verdict::Ok,
        Placed::Unrouted => Verdict::Unrouted,
        Placed::Paused => Verdict::Paused,
    })
}
