//! Runs the imports of call record files. They continue when the browser is closed, and after a restart of the server: how far
//! one is is saved with each batch, and its events have ids that follow from the records.

mod post;
mod reader;
mod run;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use engine::ImportRun;
use futures::FutureExt as _;
use tokio::{sync::Mutex, task::JoinSet};

use crate::app_state::SharedState;

/// Imports that a node runs at once. Each takes a few megabytes.
const AT_ONCE_MAX: usize = 8;
/// How often a node looks for imports that another one has left, or that wait.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Runs imports until the server stops.
pub fn start(state: &SharedState) {
    let state = Arc::clone(state);
    tokio::spawn(async move {
        let stopping = state.stopping.clone();
        // Whatever an import was doing is repeated by the next run.
        tokio::select! {
            () = stopping.cancelled() => {}
            () = all(&state) => {}
        }
    });
}

/// Whose batch is posted: one import at a time, so that all of them together take at most half of the time.
type Turn = Arc<Mutex<()>>;

async fn all(state: &SharedState) {
    let turn = Turn::default();
    let mut running = JoinSet::new();
    let mut released = false;
    loop {
        released = released || state.engine.release_imports().await.is_ok();
        while running.len() < AT_ONCE_MAX
            && let Some(run) = claimed(state).await
        {
            running.spawn(one(Arc::clone(state), Arc::clone(&turn), run));
        }
        tokio::select! {
            () = state.engine.import_started() => {}
            Some(_) = running.join_next() => {}
            () = pause(LOOK_EVERY) => {}
        }
    }
}

async fn claimed(state: &SharedState) -> Option<ImportRun> {
    let claimed = state.engine.claim_import().await;
    claimed.inspect_err(|error| tracing::warn!(%error, "no import can be claimed; trying again")).ok().flatten()
}

/// An import that panics ends, so that it isn't tried for ever.
async fn one(state: SharedState, turn: Turn, run: ImportRun) {
    if AssertUnwindSafe(run::import(&state, &turn, &run)).catch_unwind().await.is_err() {
        run::fail(&state, &run, "Something went wrong on our side. Importing the file again is safe.").await;
    }
}

#[expect(clippy::disallowed_methods, reason = "waits in real time for other nodes and for limits")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
