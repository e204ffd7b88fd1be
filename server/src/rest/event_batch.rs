//! Many events in one request. Each is accepted or rejected independently of the others.

use std::collections::HashMap;

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    Error,
    actor::Permission,
    connector::route::Destination,
    event::{Accepted, BATCH_MAX_EVENTS, EVENT_BODY_MAX_BYTES, NewEvent, PostedEvent},
    id::AccountId,
};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    app_state::{AppState, SharedState},
    rest::{
        auth::Caller,
        body::{JsonBody, parse},
        destination::{self, AcceptedJson, Posted},
        events::EventRequest,
        openapi::Errors,
        problem::{Kind, Problem, ProblemDocument},
    },
};

/// Largest batch in bytes.
pub const BATCH_MAX_BYTES: usize = 8 * 1_024 * 1_024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// Events to post in one request.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes a body whose events are parsed one at a time")]
pub struct BatchRequest {
    /// 1 to 1,000 events.
    #[schema(min_items = 1, max_items = 1000)]
    events: Vec<EventRequest>,
}

/// The result of each event, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchJson {
    results: Vec<ResultJson>,
}

/// The result of one event of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultJson {
    /// The status that posting the event alone would have returned: 202, 200, 404, 409, 422…
    status: u16,
    #[serde(flatten)]
    outcome: OutcomeJson,
    /// Why it was rejected, for the metrics.
    #[serde(skip)]
    refused: Option<Kind>,
}

/// An accepted event, or why it was rejected.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum OutcomeJson {
    /// Accepted.
    Accepted(AcceptedJson),
    /// Rejected.
    Rejected {
        /// Why.
        problem: ProblemDocument,
    },
}

impl ResultJson {
    fn of(posted: Posted) -> Self {
        Self { status: posted.status().as_u16(), outcome: OutcomeJson::Accepted(posted.into()), refused: None }
    }

    fn rejected(problem: impl Into<Problem>) -> Self {
        let problem = problem.into();
        let kind = problem.kind;
        let outcome = OutcomeJson::Rejected { problem: problem.document() };
        Self { status: kind.facts().1.as_u16(), outcome, refused: Some(kind) }
    }
}

/// An event of the batch: to be accepted, or one that nobody gets.
enum Valid {
    For(Checked),
    Nobody(Posted),
}

/// A valid event of the batch, with its index in the batch.
struct Checked {
    index: usize,
    account: AccountId,
    event: NewEvent,
}

/// Post up to 1,000 events.
#[utoipa::path(post, path = "/events/batch", operation_id = "post_events", tag = "Events", request_body = BatchRequest, responses(
    (status = 202, description = "One result per event, in order", body = BatchJson), Errors,
), security(("token" = ["events:write"])))]
pub async fn post(
    State(state): State<SharedState>,
    caller: Caller,
    body: JsonBody<BATCH_MAX_BYTES>,
) -> Result<(StatusCode, Json<BatchJson>), Problem> {
    caller.require(Permission::WriteEvents)?;
    let batch: Batch = body.parse()?;
    if batch.events.is_empty() || batch.events.len() > BATCH_MAX_EVENTS {
        return Err(Error::invalid("events", "A batch must have 1 to 1,000 events.").into());
    }
    let mut results = Vec::with_capacity(batch.events.len());
    let mut limited = None;
    // By account and call: events of the same call are accepted in the order of the batch.
    let mut calls = HashMap::<(AccountId, String), Vec<Checked>>::new();
    for (index, raw) in batch.events.iter().enumerate() {
        match check(&state, &caller, index, raw, &mut limited).await {
            Ok(Valid::Nobody(posted)) => results.push(Some(ResultJson::of(posted))),
            Ok(Valid::For(checked)) => {
                calls
                    .entry((checked.account.clone(), checked.event.payload.call_id.clone()))
                    .or_default()
                    .push(checked);
                results.push(None);
            }
            Err(problem) => results.push(Some(ResultJson::rejected(problem))),
        }
        // Reading a large batch takes some ten milliseconds, in which this thread would do nothing else.
        tokio::task::yield_now().await;
    }
    let (state, caller) = (&state, &caller);
    let accept = |account, event| async move { state.backend.accept_event(&caller.0, &account, event).await };
    for (index, result) in join_all(calls.into_values().map(|call| in_order(call, &accept))).await.into_iter().flatten()
    {
        results[index] = Some(result);
    }
    let results: Vec<ResultJson> = results.into_iter().flatten().collect();
    results.iter().filter_map(|result| result.refused).for_each(|kind| state.http_metrics.refuse_event(kind.facts().0));
    Ok((StatusCode::ACCEPTED, Json(BatchJson { results })))
}

async fn check(
    state: &AppState,
    caller: &Caller,
    index: usize,
    raw: &RawValue,
    limited: &mut Option<Problem>,
) -> Result<Valid, Problem> {
    if raw.get().len() > EVENT_BODY_MAX_BYTES {
        return Err(Error::TooLarge("This event is larger than the limit of 256 KiB per event.".to_owned()).into());
    }
    let posted: PostedEvent = parse::<EventRequest>(raw.get().as_bytes())?.into();
    let event = NewEvent::parse(&posted)?;
    let account = match destination::of(state, caller, &posted).await? {
        Destination::Account(account) => account,
        Destination::Unrouted(_) => return Ok(Valid::Nobody(Posted::Unrouted)),
        Destination::Paused => return Ok(Valid::Nobody(Posted::Paused)),
    };
    count(state, caller, posted.payload.get().len(), limited)?;
    Ok(Valid::For(Checked { index, account, event }))
}

/// Counts an event. Once one is over the limit, so are all that follow: the limit refills while a batch is read, and
/// otherwise the beginning of a call could be refused and its end accepted.
fn count(state: &AppState, caller: &Caller, bytes: usize, limited: &mut Option<Problem>) -> Result<(), Problem> {
    if limited.is_none() {
        *limited = caller.count_event(state, bytes).err();
    }
    limited.clone().map_or(Ok(()), Err)
}

/// Accepts the events of one call. After one that the caller has to send again, the others are refused like it, so that
/// none overtakes it.
async fn in_order<F: Future<Output = Result<Accepted, Error>>>(
    call: Vec<Checked>,
    accept: impl Fn(AccountId, NewEvent) -> F,
) -> Vec<(usize, ResultJson)> {
    let (mut results, mut refused) = (Vec::with_capacity(call.len()), None);
    for Checked { index, account, event } in call {
        let result = match &refused {
            Some(error) => Err(Error::clone(error)),
            None => accept(account, event).await,
        };
        refused = result.as_ref().err().filter(|error| is_worth_repeating(error)).cloned();
        results.push((index, result.map(Posted::Accepted).map_or_else(ResultJson::rejected, ResultJson::of)));
    }
    results
}

fn is_worth_repeating(error: &Error) -> bool {
    error.retry_after_s().is_some() || *error == Error::Internal
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use domain::{UnixMs, event::EventKind, id::EventId};

    use super::*;

    /// The statuses of three events of a call, of which the first gets this error and the others would be accepted.
    async fn statuses(first: Error) -> Vec<u16> {
        let account = AccountId::new(UnixMs(0), 1);
        let payload = RawValue::from_string(EventKind::IncomingCall.example().to_owned()).unwrap();
        let event = NewEvent::parse(&PostedEvent {
            account: None,
            id: None,
            payload,
            timestamp: None,
            details: None,
            connector: None,
            route: None,
        })
        .unwrap();
        let call = (0..3).map(|index| Checked { index, account: account.clone(), event: event.clone() });
        let first = Mutex::new(Some(first));
        let accepted = || Accepted { id: EventId::parse("evt_1").unwrap(), deliveries: 1, repeated: false };
        let accept = |_, _| std::future::ready(first.lock().unwrap().take().map_or_else(|| Ok(accepted()), Err));
        in_order(call.collect(), accept).await.into_iter().map(|(_, result)| result.status).collect()
    }

    #[tokio::test]
    async fn no_event_of_a_call_overtakes_one_that_has_to_be_sent_again() {
        let busy = Error::Unavailable { detail: "Too many events at once.".into(), retry_after_s: 1 };
        assert_eq!(statuses(busy).await, [503, 503, 503]);
        assert_eq!(statuses(Error::Internal).await, [500, 500, 500]);
    }

    #[tokio::test]
    async fn an_event_that_can_never_be_accepted_stops_no_other() {
        let taken = Error::Conflict { detail: "Another event has this id.".into(), existing: None };
        assert_eq!(statuses(taken).await, [409, 202, 202]);
    }
}
