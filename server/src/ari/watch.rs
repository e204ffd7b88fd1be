//! What accompanies a connection: reports of its state, and checks whether its connector has changed.

use std::{sync::Arc, time::Duration};

use domain::{
    connector::{ConnectorProblem, OpenConnector, StateReport},
    error::Result,
};
use engine::clock::stopwatch;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::{app_state::SharedState, phone_systems::Line};

/// How often it is checked that the connector still exists, with this secret and these settings.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// A change that an administrator waits for is reported after this.
const REPORT_SOON: Duration = Duration::from_millis(500);
/// Other changes are reported after this.
const REPORT_CHANGED: Duration = Duration::from_secs(5);
/// The state is reported after this, changed or not.
const REPORT_EVERY: Duration = Duration::from_secs(30);
/// How long the last report may take.
const LAST_REPORT_MAX: Duration = Duration::from_secs(2);

/// What is under way.
#[derive(Default)]
pub(super) struct Watch {
    checked_at: Option<Instant>,
    checking: Option<BoxFuture<'static, Result<OpenConnector>>>,
    reported_at: Option<Instant>,
    reporting: Option<BoxFuture<'static, ()>>,
    reported: Option<StateReport>,
}

impl Watch {
    /// Begins what is due.
    pub(super) fn tick(&mut self, state: &SharedState, line: &Line, secret: &str) {
        if self.checking.is_none() && is_due(self.checked_at, CHECK_EVERY) {
            self.checked_at = Some(stopwatch());
            let (state, id, secret) = (Arc::clone(state), line.open.connector.id.clone(), secret.to_owned());
            self.checking = Some(Box::pin(async move { state.backend.open_connector(id.as_str(), &secret).await }));
        }
        let report = report(line);
        if self.reporting.is_none() && is_due(self.reported_at, self.wait(&report)) {
            self.reported_at = Some(stopwatch());
            self.reporting = Some(Box::pin(send(Arc::clone(state), line.open.clone(), report.clone())));
            self.reported = Some(report);
        }
    }

    /// How long after the last report this one is due.
    fn wait(&self, report: &StateReport) -> Duration {
        match &self.reported {
            Some(before) if important(before) != important(report) => REPORT_SOON,
            Some(before) if before == report => REPORT_EVERY,
            Some(_) => REPORT_CHANGED,
            None => Duration::ZERO,
        }
    }

    /// Ends when something has ended; never, if nothing is under way. Returns what became of the connector, if it was checked.
    pub(super) async fn progress(&mut self) -> Option<Result<OpenConnector>> {
        tokio::select! {
            checked = ended(&mut self.checking) => Some(checked),
            () = ended(&mut self.reporting) => None,
        }
    }
}

/// Reports that there is no connection any more.
pub(super) fn report_last(state: &SharedState, line: &Line) -> impl Future<Output = ()> + Send + use<> {
    let sending = send(Arc::clone(state), line.open.clone(), report(line));
    async move {
        let _ = tokio::time::timeout(LAST_REPORT_MAX, sending).await;
    }
}

async fn ended<T>(under_way: &mut Option<BoxFuture<'static, T>>) -> T {
    let done = match under_way {
        Some(work) => work.await,
        None => std::future::pending().await,
    };
    *under_way = None;
    done
}

fn is_due(at: Option<Instant>, after: Duration) -> bool {
    at.is_none_or(|at| at.elapsed() >= after)
}

fn report(line: &Line) -> StateReport {
    StateReport { lag_ms: line.lag_ms, ..line.session.report() }
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
