//! This server dials Asterisk's manager interface (AMI) on its own machine, for connectors that operators have created.
//!
//! A supervisor has a task for each connector that is not paused, and another one whenever settings or secret have changed.
//! Each node has one, but only one node follows a phone system: the one that reaches it and holds the connector ([`follow`]).
//! [`connect::link`] keeps the connection; [`sink`] saves and posts what it finds out, and [`kept`] is what
//! the next session continues from.

mod follow;
mod kept;
mod sink;

use std::{collections::HashMap, sync::Arc};

use domain::{connector::InsideConnector, id::ConnectorId};
use engine::clock::sleep_ms;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app_state::SharedState;

/// How often it is checked which connectors there are, with which settings, in milliseconds.
const CHECK_EVERY_MS: u64 = 2_000;

/// A connector's task.
struct Running {
    version: u32,
    secret: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Follows the phone systems of all connectors until the server stops.
pub async fn run(state: SharedState) {
    let _task = state.phone_systems.task();
    let mut running: HashMap<ConnectorId, Running> = HashMap::new();
    loop {
        match state.backend.inside_connectors().await {
            Ok(wanted) => reconcile(&state, &mut running, wanted),
            Err(error) => tracing::debug!(%error, "the connectors can't be read"),
        }
        tokio::select! {
            () = state.stopping.cancelled() => return,
            () = sleep_ms(CHECK_EVERY_MS) => {}
        }
    }
}

/// Stops the tasks of connectors that have changed or are gone, and starts the missing ones. What is being stopped is
/// started again only after it has saved what it knew.
fn reconcile(state: &SharedState, running: &mut HashMap<ConnectorId, Running>, wanted: Vec<InsideConnector>) {
    for (id, task) in &*running {
        let is_same = |inside: &InsideConnector| {
            let connector = &inside.open.connector;
            connector.id == *id && connector.version == task.version && inside.secret == task.secret
        };
        if !wanted.iter().any(is_same) {
            task.stop.cancel();
        }
    }
    running.retain(|_, task| !task.task.is_finished());
    for inside in wanted {
        running.entry(inside.open.connector.id.clone()).or_insert_with(|| start(state, inside));
    }
}

fn start(state: &SharedState, inside: InsideConnector) -> Running {
    let (version, secret) = (inside.open.connector.version, inside.secret.clone());
    let stop = state.stopping.child_token();
    let task = tokio::spawn(follow::run(Arc::clone(state), inside, stop.clone()));
    Running { version, secret, stop, task }
}
