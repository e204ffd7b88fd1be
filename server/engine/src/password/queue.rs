//! The queue of what passwords cost: each computation takes a core and up to 19 MiB, and anyone may ask for one.

use std::sync::{Arc, LazyLock};

use domain::{Error, client::counted_as, error::Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::shares::{Share, Shares};

/// Computations at the same time: more would starve everything else.
const AT_ONCE: usize = 2;
/// Requests that compute or wait for it. At about 25 ms each, the last one waits for half a second.
const QUEUE_MAX: usize = 40;
/// Requests of one client among them, so that the others still get a turn.
const CLIENT_MAX: usize = 10;
/// Seconds after which a refused client should try again.
const RETRY_AFTER_S: u32 = 2;

static QUEUE: LazyLock<Arc<Queue>> = LazyLock::new(Arc::default);

struct Queue {
    permits: Arc<Semaphore>,
    free: Arc<Semaphore>,
    clients: Shares<String>,
}

impl Default for Queue {
    fn default() -> Self {
        let of = |permits| Arc::new(Semaphore::new(permits));
        Self { permits: of(AT_ONCE), free: of(QUEUE_MAX), clients: Shares::default() }
    }
}

impl Queue {
    fn take(self: &Arc<Self>, client: &str) -> Result<Turn> {
        let detail = || format!("Too many passwords are being checked right now. Try again in {RETRY_AFTER_S} s.");
        let full = || Error::Unavailable { detail: detail(), retry_after_s: RETRY_AFTER_S };
        let share = self.clients.take(client.to_owned(), CLIENT_MAX).ok_or_else(full)?;
        let queued = Arc::clone(&self.free).try_acquire_owned().map_err(|_| full())?;
        Ok(Turn { permits: Arc::clone(&self.permits), slot: Arc::new((share, queued)) })
    }
}

/// A slot in the queue, taken before anything is read or written for the request.
pub(crate) struct Turn {
    permits: Arc<Semaphore>,
    slot: Arc<(Share<String>, OwnedSemaphorePermit)>,
}

impl Turn {
    /// Takes a slot for a client address; the command line has none.
    ///
    /// # Errors
    /// `Unavailable` when the queue, or the client's share of it, is full.
    pub(crate) fn take(client_ip: &str) -> Result<Self> {
        QUEUE.take(&counted_as(client_ip))
    }

    /// Computes beside the runtime's threads. A request may be dropped meanwhile, but what it has begun runs to its end, and
    /// so keeps its permit and its slot until then.
    ///
    /// # Errors
    /// `Internal` when the computation panics.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let held = (permit.map_err(|_| Error::Internal)?, Arc::clone(&self.slot));
        let task = tokio::task::spawn_blocking(move || {
            let _held = held;
            work()
        });
        // The panic hook has logged it.
        task.await.map_err(|_| Error::Internal)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::sync::oneshot;

    use super::*;

    fn is_refused(turn: &Result<Turn>) -> bool {
        matches!(turn, Err(Error::Unavailable { retry_after_s: RETRY_AFTER_S, .. }))
    }

    #[tokio::test]
    async fn a_dropped_request_keeps_its_permit_until_its_computation_ends() {
        let queue = Arc::new(Queue::default());
        let (begun, is_begun) = oneshot::channel();
        let (end, is_ended) = mpsc::channel::<()>();
        let turn = queue.take("192.0.2.1").unwrap();
        let request = tokio::spawn(async move {
            let work = move || {
                begun.send(()).unwrap();
                let _ = is_ended.recv();
            };
            turn.run(work).await
        });
        is_begun.await.unwrap();
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        assert_eq!((queue.permits.available_permits(), queue.free.available_permits()), (AT_ONCE - 1, QUEUE_MAX - 1));
        drop(end);
        let all = u32::try_from(AT_ONCE).unwrap();
        let _free = queue.permits.acquire_many(all).await.unwrap();
        // The permit is released before the slot.
        let _all = queue.free.acquire_many(u32::try_from(QUEUE_MAX).unwrap()).await.unwrap();
    }

    #[test]
    fn one_client_gets_a_share_of_the_queue_and_all_of_them_together_its_length() {
        let queue = Arc::new(Queue::default());
        let mut turns: Vec<_> = (0..CLIENT_MAX).map(|_| queue.take("192.0.2.1").unwrap()).collect();
        assert!(is_refused(&queue.take("192.0.2.1")));
        turns.extend((CLIENT_MAX..QUEUE_MAX).map(|n| queue.take(&n.to_string()).unwrap()));
        assert!(is_refused(&queue.take("192.0.2.2")));
        turns.clear();
        assert_eq!(queue.free.available_permits(), QUEUE_MAX);
        assert!(queue.take("192.0.2.1").is_ok());
    }
}
