//! Posts what a session of a connector has found out, for as long as it takes.

use connect::event::CallEvent;
use domain::{
    Error,
    connector::{ConnectorOwner, OpenConnector},
    error::Result,
};
use engine::clock::{sleep_ms, stopwatch};
use futures::{StreamExt as _, stream};

use crate::{
    app_state::AppState,
    connector_events::{self, by_call},
    connector_troubles::{Outlook, Troubles},
    connector_unposted::{Posted, Unposted},
};

/// Most calls whose events are posted at once.
const AT_ONCE_MAX: usize = 16;
/// Wait before something is tried again that failed for the moment, in milliseconds.
const RETRY_MS: u64 = 500;
/// Errors of ours after which an event is given up, so that those behind it are posted.
const INTERNAL_MAX: u32 = 10;

/// Posts and reports all of it, for as long as it takes.
pub async fn post(state: &AppState, open: &OpenConnector, troubles: &Troubles, unposted: Unposted) -> Posted {
    let mut posted = unposted.posted();
    posted.lag_ms = post_all(state, open, troubles, unposted.events).await;
    for gap in &unposted.gaps {
        patiently(open, troubles, || state.backend.report_gap(&open.actor, &open.connector.id, gap)).await;
    }
    posted
}

/// Posts events: those of a call one after the other. Returns the time until all were accepted in milliseconds, unless there are none.
async fn post_all(state: &AppState, open: &OpenConnector, troubles: &Troubles, events: Vec<CallEvent>) -> Option<u32> {
    if events.is_empty() {
        return None;
    }
    let begun = stopwatch();
    stream::iter(by_call(events))
        .for_each_concurrent(AT_ONCE_MAX, |events| async move {
            for event in &events {
                patiently(open, troubles, || accept(state, open, event)).await;
            }
        })
        .await;
    Some(u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX))
}

/// Tries until it works or never will; `None` then. Whatever keeps an event from being accepted is logged without its numbers.
pub async fn patiently<T, F: Future<Output = Result<T>>>(
    open: &OpenConnector,
    troubles: &Troubles,
    attempt: impl Fn() -> F,
) -> Option<T> {
    let mut internal = 0;
    loop {
        let error = match attempt().await {
            Ok(done) => return Some(done),
            Err(error) => error,
        };
        internal += u32::from(error == Error::Internal);
        if !is_transient(&error, &open.connector.owner) || internal >= INTERNAL_MAX {
            troubles.log(open, error.status(), Outlook::Lost);
            return None;
        }
        troubles.log(open, error.status(), Outlook::Waits);
        sleep_ms(RETRY_MS).await;
    }
}

/// Whether it may work later. An account that has reached a limit must not delay the events of others.
const fn is_transient(error: &Error, owner: &ConnectorOwner) -> bool {
    match error {
        Error::Unavailable { .. } | Error::TooMany { .. } | Error::Internal => true,
        Error::LimitReached { .. } => matches!(owner, ConnectorOwner::Account(_)),
        _ => false,
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

#[cfg(test)]
mod tests {
    use domain::id::AccountId;

    use super::*;

    #[test]
    fn an_account_that_has_reached_a_limit_delays_only_itself() {
        let own = ConnectorOwner::Account(AccountId::new(domain::UnixMs(1), 1));
        let reached = Error::LimitReached { detail: String::new(), retry_after_s: 600 };
        assert!(is_transient(&reached, &own) && !is_transient(&reached, &ConnectorOwner::Platform));
        let many = Error::TooMany { retry_after_s: 1 };
        assert!(is_transient(&many, &own) && is_transient(&many, &ConnectorOwner::Platform));
    }
}
