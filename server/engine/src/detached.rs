//! Work that goes to its end although its caller may not wait for it.
//!
//! A web server drops a request's future when the client disconnects, at whichever `await` it has reached. Whatever must
//! happen after a commit, or changes memory and database together, would then happen in part: leases would exist that no
//! memory holds. Such work runs here, in a task of its own.

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
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}
