//! The lifecycle that all workers share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::UnixMs;

use crate::{
    clock,
    context::Context,
    store::error::StoreResult,
    supervisor::{Need, Progress},
};

/// Wait before a failed tick is repeated, unless the worker chooses another, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// How long a worker rests after a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// This many milliseconds.
    Fixed(u64),
    /// At most this many milliseconds; less when it is woken.
    AtMost(u64),
}

/// Periodic work.
#[async_trait]
pub trait Worker: Send + Sync + 'static {
    /// Its name in logs and in its status.
    fn name(&self) -> &'static str;

    /// Does what is due now; returns when to tick again.
    ///
    /// # Errors
    /// When the database cannot be used. What was committed stays.
    async fn tick(&self) -> StoreResult<Pause>;

    /// What happens if it keeps panicking.
    fn need(&self) -> Need {
        Need::Helpful
    }

    /// Milliseconds from the start to the first tick.
    fn first_after_ms(&self) -> u64 {
        0
    }

    /// Milliseconds from a failed tick to the next one.
    fn retry_after_ms(&self) -> u64 {
        RETRY_MS
    }

    /// Returns when there is something to do before a [`Pause::AtMost`] ends.
    async fn woken(&self) {
        std::future::pending().await
    }
}

/// What a worker reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerStatus {
    /// Its name.
    pub name: &'static str,
    /// When its last tick ended; none before.
    pub last_tick: Option<UnixMs>,
    /// Why its last tick failed; none when it succeeded.
    pub last_error: Option<String>,
}

/// The last tick: when it ended, and why it failed.
type LastTick = Arc<Mutex<Option<(UnixMs, Option<String>)>>>;

/// Workers that were started, with their last ticks.
#[derive(Default)]
pub(super) struct Workers(Mutex<Vec<(&'static str, LastTick)>>);

impl Workers {
    fn started(&self) -> MutexGuard<'_, Vec<(&'static str, LastTick)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a worker in a supervised task until the node stops.
    pub(crate) fn start(&self, context: &Arc<Context>, worker: Arc<dyn Worker>) {
        let (name, need, last_tick) = (worker.name(), worker.need(), LastTick::default());
        self.started().push((name, Arc::clone(&last_tick)));
        let shared = Arc::clone(context);
        let task = move |progress| run(Arc::clone(&shared), Arc::clone(&worker), Arc::clone(&last_tick), progress);
        context.supervisor.run(name, need, task);
    }

    /// What each worker reports, in the order in which they were started.
    #[must_use]
    pub(super) fn status(&self) -> Vec<WorkerStatus> {
        let status = |(name, last_tick): &(&'static str, LastTick)| {
            let last = last_tick.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (last_tick, last_error) = last.map_or((None, None), |(at, error)| (Some(at), error));
            WorkerStatus { name, last_tick, last_error }
        };
        self.started().iter().map(status).collect()
    }

    /// The node is stopping: none report any more.
    pub(crate) fn clear(&self) {
        self.started().clear();
    }
}

async fn run(context: Arc<Context>, worker: Arc<dyn Worker>, last_tick: LastTick, progress: Progress) {
    let mut pause = Pause::Fixed(worker.first_after_ms());
    loop {
        tokio::select! {
            () = rest(&*worker, pause) => {}
            () = context.stopped() => return,
        }
        if context.is_stopping() {
            return;
        }
        let result = worker.tick().await;
        if let Err(error) = &result {
            tracing::warn!(worker = worker.name(), %error, "a background worker failed; it tries again");
        }
        progress.made();
        let error = result.as_ref().err().map(ToString::to_string);
        *last_tick.lock().unwrap_or_else(PoisonError::into_inner) = Some((context.now(), error));
        pause = result.unwrap_or_else(|_| Pause::Fixed(worker.retry_after_ms()));
    }
}

async fn rest(worker: &dyn Worker, pause: Pause) {
    match pause {
        Pause::Fixed(ms) => clock::sleep_ms(ms).await,
        Pause::AtMost(ms) => {
            let _ = tokio::time::timeout(Duration::from_millis(ms), worker.woken()).await;
        }
    }
}
