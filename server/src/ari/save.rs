//! Posts the events of a batch, then saves the open calls. A crash in between repeats nothing: an event has the same ID again.

use connect::{asterisk::ari::session::Batch, event::CallEvent};
use domain::{
    Error,
    connector::{Gap, OpenConnector},
    error::Result,
};
use engine::clock::{sleep_ms, stopwatch};
use futures::{StreamExt as _, stream};

use super::state::{self, Saving};
use crate::{
    app_state::AppState,
    connector_events::{self, by_call},
    phone_systems::{Outcome, SessionNumber},
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
    match connector_events::accept(state, open, event).await {
        // Known with other details: another connector of this phone system, or this one before a restart, was first. A call
        // without a route has been noted.
        Ok(_) | Err(Error::Conflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
