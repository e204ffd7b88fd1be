//! Work that goes to its end although its caller may not wait for it.
//!
//! A web server drops a request's future when the client disconnects, at whichever `await` it has reached. Whatever must
//! happen after a commit, or changes memory and database together, would then happen in part: leases would exist that no
//! memory holds. Such work runs here, in a task of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
};

use tokio::{runtime::Handle, sync::oneshot};
use tracing::Instrument as _;

/// Starts `work` without waiting for it.
pub(crate) fn detach(work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work.in_current_span()));
}

/// Runs `work` to its end, even if the future that this returns is dropped. A panic in it reaches the caller.
pub(crate) async fn detached<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Runs `work` to its end on a thread of its own, which it may block. A panic in it reaches the caller.
pub(crate) async fn on_own_thread(name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
    let (runtime, work, (done, ended)) = (Handle::current(), work.in_current_span(), oneshot::channel());
    let run = move || drop(done.send(catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)))));
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(run) {
        // The supervisor reports it and tries again.
        resume_unwind(Box::new(format!("no thread could be started: {error}")));
    }
    if let Ok(Err(panic)) = ended.await {
        resume_unwind(panic);
    }
}
