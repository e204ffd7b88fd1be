//! Reports the state of a connector when it changes and every 30 seconds, and each gap once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use domain::{
    connector::{ConnectorProblem, REPORT_EVERY_MS, StateReport},
    id::ConnectorId,
};
use engine::{clock::stopwatch, store::spool::Spool};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    offhook::{Offhook, Registered, Reply},
    sink,
};

/// How often it is checked whether there is something to report.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it is reported while no trunks are chosen: whoever chooses them waits for the first call.
const REPORT_NEW_EVERY: Duration = Duration::from_secs(3);
const REPORT_EVERY: Duration = Duration::from_millis(REPORT_EVERY_MS.unsigned_abs());

/// Reports a connector.
pub struct Reporter {
    /// Which.
    pub connector: ConnectorId,
    /// Where to.
    pub offhook: Arc<Offhook>,
    /// Where gaps wait.
    pub spool: Arc<Spool>,
    /// The state of the session.
    pub state: watch::Receiver<StateReport>,
    /// The latest time from an event to its acceptance, in milliseconds; 0 if there was none.
    pub lag_ms: Arc<AtomicU32>,
    /// The name of this run: another program that reports the same connector has another one.
    pub run: String,
    /// Learns how the server knows the connector.
    pub registered: watch::Sender<Option<Registered>>,
}

impl Reporter {
    /// Reports until `stop`, and once more then.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut reported: Option<(StateReport, Instant)> = None;
        while !stop.is_cancelled() {
            let state = self.current_state().await;
            let is_known = |(before, at): &(StateReport, Instant)| {
                at.elapsed() < self.interval() && important(before) == important(&state)
            };
            if !reported.as_ref().is_some_and(is_known) {
                reported = self.report(&state).await.then(|| (state, stopwatch()));
            }
            if reported.is_some() {
                self.report_gaps().await;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = pause(LOOK_EVERY) => {}
            }
        }
        let state = StateReport { connected: false, ..self.current_state().await };
        self.report(&state).await;
        self.report_gaps().await;
    }

    fn interval(&self) -> Duration {
        let has_trunks = self.registered.borrow().as_ref().is_some_and(|registered| !registered.trunks.is_empty());
        if has_trunks { REPORT_EVERY } else { REPORT_NEW_EVERY }
    }

    /// Returns whether it was accepted.
    async fn report(&self, state: &StateReport) -> bool {
        match self.offhook.report(&self.connector, state).await {
            Ok(registered) => {
                self.learn(registered).await;
                return true;
            }
            Err(Reply::Refused(reason) | Reply::Later { reason, .. }) => {
                tracing::warn!(%reason, "the state of the connector was not accepted");
            }
            Err(Reply::Accepted(status)) => {
                tracing::warn!(%status, "the server's response to the state is not a connector: check --offhook");
            }
        }
        false
    }

    /// Keeps what the server knows for a start without it.
    async fn learn(&self, now: Registered) {
        if self.registered.borrow().as_ref() == Some(&now) {
            return;
        }
        if let Err(error) = sink::remember(&self.spool, &now).await {
            tracing::warn!(%error, "the settings of the connector can't be saved");
        }
        self.registered.send_replace(Some(now));
    }

    async fn current_state(&mut self) -> StateReport {
        let mut state = self.state.borrow_and_update().clone();
        state.run = Some(self.run.clone());
        state.lag_ms = Some(self.lag_ms.load(Ordering::Relaxed)).filter(|lag_ms| *lag_ms > 0);
        if state.problem.is_none() && self.spool.is_full().await.unwrap_or(false) {
            state.problem = Some(ConnectorProblem::SpoolFull);
        }
        state
    }

    async fn report_gaps(&self) {
        let Ok(gaps) = self.spool.unreported_gaps().await else { return };
        for gap in gaps {
            match self.offhook.report_gap(&self.connector, &gap).await {
                Reply::Accepted(_) => {}
                Reply::Refused(reason) => tracing::warn!(%reason, "a gap was refused"),
                Reply::Later { .. } => return,
            }
            if let Err(error) = self.spool.gap_reported(&gap).await {
                tracing::warn!(%error, "a gap will be reported again");
            }
        }
    }
}

/// What is reported at once when it changes.
fn important(state: &StateReport) -> impl PartialEq + '_ {
    (state.connected, state.problem, &state.system_version, &state.seen)
}

#[expect(clippy::disallowed_methods, reason = "reports in real time; no rule depends on it")]
async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}
