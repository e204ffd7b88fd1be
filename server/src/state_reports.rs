//! Reports of a connector's state, as often as they are worth a transaction.

use std::{sync::Arc, time::Duration};

use domain::connector::{ConnectorProblem, OpenConnector, StateReport};
use engine::clock::{sleep_ms, stopwatch};
use futures::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app_state::SharedState;

/// A change that an administrator waits for is reported after this.
const REPORT_SOON: Duration = Duration::from_millis(500);
/// Other changes are reported after this.
const REPORT_CHANGED: Duration = Duration::from_secs(5);
/// The state is reported after this, changed or not.
const REPORT_EVERY: Duration = Duration::from_secs(30);
/// How long the last report may take.
const LAST_REPORT_MAX: Duration = Duration::from_secs(2);

/// What was reported, and what is being reported.
#[derive(Default)]
pub struct StateReports {
    reported_at: Option<Instant>,
    reporting: Option<BoxFuture<'static, ()>>,
    reported: Option<StateReport>,
}

impl StateReports {
    /// Begins to report the state if that is due.
    pub fn tick(&mut self, state: &SharedState, open: &OpenConnector, report: StateReport) {
        if self.reporting.is_none() && is_due(self.reported_at, self.due_after(&report)) {
            self.reported_at = Some(stopwatch());
            self.reporting = Some(Box::pin(send(Arc::clone(state), open.clone(), report.clone())));
            self.reported = Some(report);
        }
    }

    /// How long after the last report this one is due.
    fn due_after(&self, report: &StateReport) -> Duration {
        match &self.reported {
            Some(before) if important(before) != important(report) => REPORT_SOON,
            Some(before) if before == report => REPORT_EVERY,
            Some(_) => REPORT_CHANGED,
            None => Duration::ZERO,
        }
    }

    /// Ends when a report has been sent; never, if none is being sent.
    pub async fn progress(&mut self) {
        match &mut self.reporting {
            Some(reporting) => reporting.await,
            None => std::future::pending().await,
        }
        self.reporting = None;
    }

    /// Waits, and sends a report meanwhile. Ends early when that is asked for.
    pub async fn wait_ms(&mut self, ms: u64, stop: &CancellationToken) {
        let mut waited = std::pin::pin!(sleep_ms(ms));
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = waited.as_mut() => return,
                () = self.progress() => {}
            }
        }
    }
}

/// Reports a state at once, such as the last one.
pub async fn report_now(state: SharedState, open: OpenConnector, report: StateReport) {
    let _ = tokio::time::timeout(LAST_REPORT_MAX, send(state, open, report)).await;
}

/// Whether this much time has passed.
#[must_use]
pub fn is_due(at: Option<Instant>, after: Duration) -> bool {
    at.is_none_or(|at| at.elapsed() >= after)
}

/// What an administrator waits for.
fn important(report: &StateReport) -> (bool, bool, Option<ConnectorProblem>, Option<&str>, &[String]) {
    let version = report.system_version.as_deref();
    (report.connected, report.last_event_at.is_some(), report.problem, version, &report.seen)
}

async fn send(state: SharedState, open: OpenConnector, report: StateReport) {
    if let Err(error) = state.backend.report_state(&open.actor, &open.connector.id, &report).await {
        tracing::debug!(connector = %open.connector.id, %error, "a state was not recorded");
    }
}
