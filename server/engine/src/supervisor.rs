//! Keeps this node's tasks running, and knows how each of them is.
//!
//! Every task that has to run for as long as the node does is started here. One that panics is logged, named in readiness,
//! metrics and on the health page, and started again after a wait that grows. What it had taken out of a channel lives
//! outside of it, so the next run continues with it. A task without which nothing is delivered, and which keeps
//! panicking, is given up: [`Supervisor::gave_up`] then ends the process, so that another node or the next start takes over.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use domain::ops::health::TaskHealth;
use futures::FutureExt as _;
use tokio::{sync::Notify, task::JoinHandle};

use crate::{
    clock,
    store::error::{StoreError, StoreResult},
};

/// First and longest wait before a task that panicked is started again, in milliseconds.
const RESTART_MS: (u64, u64) = (100, 30_000);
/// How long a panic is named after the task runs again, in milliseconds.
const NAMED_MS: u64 = 60_000;
/// Panics without a successful round in between after which an essential task is given up.
const PANICS_MAX: u32 = 6;

/// What happens to a task that keeps panicking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The node is useless without it: it is given up, and the process ends.
    Essential,
    /// As [`Self::Essential`], and it runs until everything else has ended.
    ToTheLast,
    /// The node does its main work without it: it is started again and again.
    Helpful,
}

/// A task and how it is.
struct Task {
    name: &'static str,
    need: Need,
    state: Mutex<State>,
    /// Panics since the last successful round.
    in_row: AtomicU32,
}

impl Task {
    fn new(name: &'static str, need: Need) -> Arc<Self> {
        Arc::new(Self { name, need, state: Mutex::default(), in_row: AtomicU32::new(0) })
    }
}

/// With this a task reports that it works.
pub(crate) struct Progress(Arc<Task>);

impl Progress {
    /// A round of the task was successful.
    pub(crate) fn made(&self) {
        self.0.in_row.store(0, Relaxed);
    }
}

#[derive(Default)]
struct State {
    /// It waits to be started again, or was given up.
    down: bool,
    panics: u64,
    /// The latest panic: when, and its message.
    last: Option<(tokio::time::Instant, String)>,
}

/// What was started, and its handle unless it has no task of its own.
type Running = (Arc<Task>, Option<JoinHandle<()>>);

/// The tasks of one node.
#[derive(Default)]
pub(crate) struct Supervisor {
    tasks: Mutex<Vec<Running>>,
    panics: AtomicU64,
    given_up: Mutex<Option<String>>,
    gave_up: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}

impl Supervisor {
    /// Runs `task` until it returns. After a panic it is made and run again.
    pub(crate) fn run<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        name: &'static str,
        need: Need,
        task: impl Fn(Progress) -> F + Send + 'static,
    ) {
        let (supervisor, known) = (Arc::clone(self), Task::new(name, need));
        let kept = Arc::clone(&known);
        let running = tokio::spawn(async move {
            loop {
                lock(&kept.state).down = false;
                let Err(panic) = AssertUnwindSafe(task(Progress(Arc::clone(&kept)))).catch_unwind().await else {
                    return;
                };
                let in_row = kept.in_row.fetch_add(1, Relaxed) + 1;
                supervisor.note_panic(&kept, message(&*panic));
                if need != Need::Helpful && in_row >= PANICS_MAX {
                    supervisor.give_up(&kept);
                    return;
                }
                clock::sleep_ms(RESTART_MS.1.min(RESTART_MS.0 << (in_row - 1).min(16))).await;
            }
        });
        lock(&self.tasks).push((known, Some(running)));
    }

    /// Runs `work` once in a task of its own. A panic in it is counted under this name.
    pub(crate) fn run_once(self: &Arc<Self>, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let supervisor = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
                supervisor.note(name, message(&*panic));
            }
        });
    }

    /// A panic in `work` as an error, so that whoever isolates errors isolates it, too. It is counted under this name.
    pub(crate) async fn caught<T>(
        &self,
        name: &'static str,
        work: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
            let message = message(&*panic);
            self.note(name, message.clone());
            Err(StoreError::Panicked(message))
        })
    }

    /// Notes a panic of work that has no task of its own, and is over.
    pub(crate) fn note(&self, name: &'static str, message: String) {
        let mut tasks = lock(&self.tasks);
        let found = tasks.iter().find(|(task, _)| task.name == name).map(|(task, _)| Arc::clone(task));
        let task = found.unwrap_or_else(|| {
            let task = Task::new(name, Need::Helpful);
            tasks.push((Arc::clone(&task), None));
            task
        });
        drop(tasks);
        let was_down = lock(&task.state).down;
        self.note_panic(&task, message);
        lock(&task.state).down = was_down;
    }

    fn note_panic(&self, task: &Task, message: String) {
        tracing::error!(task = task.name, message, "a task panicked");
        let mut state = lock(&task.state);
        (state.down, state.panics) = (true, state.panics + 1);
        state.last = Some((clock::stopwatch(), message));
        drop(state);
        self.panics.fetch_add(1, Relaxed);
    }

    fn give_up(&self, task: &Task) {
        let why = lock(&task.state).last.as_ref().map(|(_, why)| why.clone()).unwrap_or_default();
        *lock(&self.given_up) = Some(format!("{} panicked {PANICS_MAX} times in a row: {why}", task.name));
        self.gave_up.notify_waiters();
    }

    /// Returns when an essential task was given up, with its name and the reason.
    pub(crate) async fn gave_up(&self) -> String {
        loop {
            let gave_up = self.gave_up.notified();
            if let Some(why) = lock(&self.given_up).clone() {
                return why;
            }
            gave_up.await;
        }
    }

    /// All panics since the start: its effects are unknown.
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Relaxed)
    }

    /// How each task is, in the order in which they were started.
    pub(crate) fn health(&self) -> Vec<TaskHealth> {
        let health = |(task, _): &Running| {
            let state = lock(&task.state);
            let recent = state.last.as_ref().filter(|(at, _)| at.elapsed() < Duration::from_millis(NAMED_MS));
            TaskHealth {
                name: task.name.to_owned(),
                essential: task.need != Need::Helpful,
                down: state.down,
                panics: state.panics,
                problem: state.last.as_ref().filter(|_| state.down || recent.is_some()).map(|(_, why)| why.clone()),
            }
        };
        lock(&self.tasks).iter().map(health).collect()
    }

    /// Waits until the tasks have noticed that the node is stopping, at most `wait_ms` milliseconds; then aborts the rest.
    pub(crate) async fn stop(&self, wait_ms: u64) {
        let mut tasks: Vec<Running> = lock(&self.tasks).drain(..).collect();
        let ending = tasks.iter_mut().filter(|(task, _)| task.need != Need::ToTheLast);
        let ended = futures::future::join_all(ending.filter_map(|(_, running)| running.as_mut()));
        let _ = tokio::time::timeout(Duration::from_millis(wait_ms), ended).await;
        tasks.iter().filter_map(|(_, running)| running.as_ref()).for_each(JoinHandle::abort);
    }
}
