//! What accompanies a connection: reports of its state, and checks whether its connector has changed.

use std::{sync::Arc, time::Duration};

use domain::{
    connector::{ConnectorProblem, OpenConnector, StateReport},
    error::Result,
};
use engine::clock::stopwatch;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::{
    app_state::SharedState,
    phone_systems::{Line, ended},
    state_reports::{self, StateReports, is_due},
};

/// How often it is checked that the connector still exists, with this secret and these settings.
const CHECK_EVERY: Duration = Duration::from_secs(2);

/// What is under way.
#[derive(Default)]
pub(super) struct Watch {
    checked_at: Option<Instant>,
    checking: Option<BoxFuture<'static, Result<OpenConnector>>>,
    reports: StateReports,
}

impl Watch {
    /// Begins what is due.
    pub(super) fn tick(&mut self, state: &SharedState, line: &Line, secret: &str) {
        if self.checking.is_none() && is_due(self.checked_at, CHECK_EVERY) {
            self.checked_at = Some(stopwatch());
            let (state, id, secret) = (Arc::clone(state), line.open.connector.id.clone(), secret.to_owned());
            self.checking = Some(Box::pin(async move { state.backend.open_connector(id.as_str(), &secret).await }));
        }
        self.reports.tick(state, &line.open, report(line));
    }

    /// Ends when something has ended; never, if nothing is under way. Returns what became of the connector, if it was checked.
    pub(super) async fn progress(&mut self) -> Option<Result<OpenConnector>> {
        let Self { checking, reports, .. } = self;
        tokio::select! {
            checked = ended(checking) => Some(checked),
            () = reports.progress() => None,
        }
    }
}

/// Reports that there is no connection any more.
pub(super) fn report_last(state: &SharedState, line: &Line) -> impl Future<Output = ()> + Send + use<> {
    state_reports::report_now(Arc::clone(state), line.open.clone(), report(line))
}

fn report(line: &Line) -> StateReport {
    let report = line.session.report();
    let too_large = line.is_too_large.then_some(ConnectorProblem::TooManyCalls);
    StateReport { lag_ms: line.lag_ms, problem: report.problem.or(too_large), ..report }
}
