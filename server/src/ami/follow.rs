//! One connector, from its first connection until it is changed, paused or deleted, or the server stops.

use std::{sync::Arc, time::Duration};

use connect::{
    asterisk::session::{Account, Session},
    link::{self, Place},
};
use domain::{
    connector::{ConnectorProblem, InsideConnector, OpenConnector, Saving, SessionNumber, StateReport},
    error::Result,
};
use engine::clock::stopwatch;
use tokio::{net::TcpStream, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    kept::Kept,
    sink::{DoorSink, HELD_MS},
};
use crate::{
    app_state::SharedState,
    connector_calls,
    connector_events::settings,
    state_reports::{StateReports, is_due, report_now},
};

/// The user in the text that administrators paste.
const USER: &str = "offhook";
/// How often a hold is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// A node that has no connection for this long lets others try.
const UNCONNECTED_MAX: Duration = Duration::from_secs(20);
/// Wait before it is tried again to reach the phone system, or to hold the connector, in milliseconds.
const AGAIN_MS: u64 = 2_000;
/// The same after something was sent that is not AMI: reading it costs time for nothing.
const NO_AMI_AGAIN_MS: u64 = 60_000;
/// How long the phone system may take to accept a connection.
const REACH_MAX: Duration = Duration::from_secs(5);
/// How often the state is looked at, in milliseconds.
const LOOK_EVERY_MS: u64 = 250;

/// Follows the phone system until `stop`.
pub(super) async fn run(state: SharedState, inside: InsideConnector, stop: CancellationToken) {
    let _task = state.phone_systems.task();
    let id = inside.open.connector.id.clone();
    let mut reports = StateReports::default();
    while !stop.is_cancelled() {
        let wait_ms = attempt(&state, &inside, &stop, &mut reports).await.unwrap_or_else(|error| {
            tracing::debug!(connector = %id, %error, "a phone system can't be followed");
            AGAIN_MS
        });
        reports.wait_ms(wait_ms, &stop).await;
    }
}

/// Follows the phone system if this node reaches it, and no other one follows it. Returns how long to wait before it is tried
/// again.
async fn attempt(
    state: &SharedState,
    inside: &InsideConnector,
    stop: &CancellationToken,
    reports: &mut StateReports,
) -> Result<u64> {
    let open = &inside.open;
    let address = open.connector.ami_address.clone().unwrap_or_default();
    if connector_calls::is_held(&*state.backend, open).await? {
        return Ok(AGAIN_MS);
    }
    let reached = tokio::select! {
        () = stop.cancelled() => return Ok(AGAIN_MS),
        reached = tokio::time::timeout(REACH_MAX, TcpStream::connect(&address)) => reached,
    };
    if !matches!(reached, Ok(Ok(_))) {
        // Another node may have begun to follow it, on the machine that the phone system is on.
        if !connector_calls::is_held(&*state.backend, open).await? {
            reports.tick(state, open, unreachable(&address));
        }
        return Ok(AGAIN_MS);
    }
    let held_until = state.backend.clock().now().plus_ms(HELD_MS);
    if let Some((number, kept)) = connector_calls::begin::<Kept>(&*state.backend, open, held_until).await? {
        tracing::info!(connector = %open.connector.id, ami = %address, "connecting to a phone system");
        let last = hold(state, inside, (number, kept), stop).await;
        if last.problem == Some(ConnectorProblem::Malformed) && !last.connected {
            return Ok(NO_AMI_AGAIN_MS);
        }
    }
    Ok(AGAIN_MS)
}

fn unreachable(address: &str) -> StateReport {
    StateReport {
        problem: Some(ConnectorProblem::Unreachable),
        detail: Some(format!("Nothing accepts connections at {address} of the server's machine")),
        ..StateReport::default()
    }
}

/// Follows the phone system for as long as this node holds the connector. Returns the last state.
async fn hold(
    state: &SharedState,
    inside: &InsideConnector,
    (number, kept): (SessionNumber, Kept),
    stop: &CancellationToken,
) -> StateReport {
    let open = &inside.open;
    let account = Account { user: USER.to_owned(), secret: inside.secret.clone() };
    let session = Session::new(account, settings(&open.connector), kept.saved());
    let place = Place { address: open.connector.ami_address.clone().unwrap_or_default(), records: None };
    let ended = stop.child_token();
    let sink = Arc::new(DoorSink::new(Arc::clone(state), open.clone(), ended.clone(), (number, kept)));
    let clock = Arc::clone(&state.engine.context().clock);
    let following = async {
        link::run(place, session, Arc::clone(&sink), clock, ended.cancelled()).await;
        sink.finished.cancel();
    };
    tokio::join!(following, sink.post(), sink.save_changes(), accompany(state, open, &sink, &ended));
    let last = sink.state();
    if sink.release().await {
        report_now(Arc::clone(state), open.clone(), StateReport { connected: false, ..last.clone() }).await;
    }
    last
}

/// Reports the state and renews the hold, until it is lost or given up.
async fn accompany(state: &SharedState, open: &OpenConnector, sink: &DoorSink, ended: &CancellationToken) {
    let mut reports = StateReports::default();
    let (mut renewed, mut connected): (Instant, Instant) = (stopwatch(), stopwatch());
    while !ended.is_cancelled() {
        let report = sink.state();
        if report.connected {
            connected = stopwatch();
        }
        reports.tick(state, open, report);
        if is_due(Some(renewed), RENEW_EVERY) {
            renewed = stopwatch();
            match sink.renew().await {
                Ok(Saving::Superseded) => return ended.cancel(),
                Ok(Saving::Done | Saving::TooLarge) => {}
                Err(error) => {
                    tracing::debug!(connector = %open.connector.id, %error, "a connector is not held any longer");
                }
            }
        }
        if connected.elapsed() >= UNCONNECTED_MAX {
            ended.cancel();
        }
        reports.wait_ms(LOOK_EVERY_MS, ended).await;
    }
}
