//! The lifecycle that all workers share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::UnixMs;
use tokio::task::JoinHandle;

use crate::{clock, context::Context, store::error::StoreResult};

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
    /// Whether its task runs.
    pub running: bool,
    /// When its last tick ended; none before.
    pub last_tick: Option<UnixMs>,
    /// Why its last tick failed; none when it succeeded.
    pub last_error: Option<String>,
}

/// The last tick: when it ended, and why it failed.
type LastTick = Arc<Mutex<Option<(UnixMs, Option<String>)>>>;

struct Running {
    name: &'static str,
    last_tick: LastTick,
    task: JoinHandle<()>,
}

/// Workers that were started.
#[derive(Default)]
pub struct Workers(Mutex<Vec<Running>>);

impl Workers {
    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a worker in a task of its own until the node stops.
    pub(crate) fn start(&self, context: &Arc<Context>, worker: Arc<dyn Worker>) {
        let (name, last_tick) = (worker.name(), LastTick::default());
        let task = tokio::spawn(run(Arc::clone(context), worker, last_tick.clone()));
        self.running().push(Running { name, last_tick, task });
    }

    /// What each worker reports, in the order in which they were started.
    #[must_use]
    pub fn status(&self) -> Vec<WorkerStatus> {
        let status = |worker: &Running| {
            let last = worker.last_tick.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (last_tick, last_error) = last.map_or((None, None), |(at, error)| (Some(at), error));
            WorkerStatus { name: worker.name, running: !worker.task.is_finished(), last_tick, last_error }
        };
        self.running().iter().map(status).collect()
    }

    /// Waits until all workers have noticed that the node is stopping, at most `wait_ms` milliseconds; then aborts the rest.
    pub(crate) async fn stop(&self, wait_ms: u64) {
        let mut workers = std::mem::take(&mut *self.running());
        let ended = futures::future::join_all(workers.iter_mut().map(|worker| &mut worker.task));
        if tokio::time::timeout(Duration::from_millis(wait_ms), ended).await.is_err() {
            workers.iter().for_each(|worker| worker.task.abort());
        }
    }
}

async fn run(context: Arc<Context>, worker: Arc<dyn Worker>, last_tick: LastTick) {
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
