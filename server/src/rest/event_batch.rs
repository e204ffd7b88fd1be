//! Many events in one request. Each is accepted or rejected independently of the others.

use std::collections::HashMap;

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    Error,
    actor::Permission,
    connector::route::Destination,
    event::{BATCH_MAX_EVENTS, EVENT_BODY_MAX_BYTES, NewEvent},
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
use domain::event::PostedEvent;

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
    // By account and call: events of the same call are accepted in the order of the batch.
    let mut calls = HashMap::<(AccountId, String), Vec<Checked>>::new();
    for (index, raw) in batch.events.iter().enumerate() {
        match check(&state, &caller, index, raw).await {
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
    }
    for (index, result) in
        join_all(calls.into_values().map(|call| in_order(&state, &caller, call))).await.into_iter().flatten()
    {
        results[index] = Some(result);
    }
    let results: Vec<ResultJson> = results.into_iter().flatten().collect();
    results.iter().filter_map(|result| result.refused).for_each(|kind| state.http_metrics.refuse_event(kind.facts().0));
    Ok((StatusCode::ACCEPTED, Json(BatchJson { results })))
}

async fn check(state: &AppState, caller: &Caller, index: usize, raw: &RawValue) -> Result<Valid, Problem> {
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
    caller.count_event(state)?;
    Ok(Valid::For(Checked { index, account, event }))
}

async fn in_order(state: &AppState, caller: &Caller, call: Vec<Checked>) -> Vec<(usize, ResultJson)> {
    let mut results = Vec::with_capacity(call.len());
    for Checked { index, account, event } in call {
        let result = state.backend.accept_event(&caller.0, &account, event).await;
        let result = result.map(Posted::Accepted).map_or_else(ResultJson::rejected, ResultJson::of);
        results.push((index, result));
    }
    results
}
