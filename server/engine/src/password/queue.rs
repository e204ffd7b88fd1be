//! The queue of what passwords cost: each computation takes a core and up to 19 MiB, and anyone may ask for one.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use domain::{Error, client::counted_as, error::Result};
use tokio::sync::Semaphore;

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
    /// How many requests each client has in the queue.
    clients: Mutex<HashMap<String, usize>>,
}

impl Default for Queue {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)), clients: Mutex::default() }
    }
}

impl Queue {
    fn clients(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(self: &Arc<Self>, client: &str) -> Result<Turn> {
        let mut clients = self.clients();
        let own = clients.get(client).copied().unwrap_or_default();
        if own >= CLIENT_MAX || clients.values().sum::<usize>() >= QUEUE_MAX {
            let detail = format!("Too many passwords are being checked right now. Try again in {RETRY_AFTER_S} s.");
            return Err(Error::Unavailable { detail, retry_after_s: RETRY_AFTER_S });
        }
        clients.insert(client.to_owned(), own + 1);
        Ok(Turn(Arc::new(Place { queue: Arc::clone(self), client: client.to_owned() })))
    }
}

/// A place in the queue, taken before anything is read or written for the request.
pub(crate) struct Turn(Arc<Place>);

struct Place {
    queue: Arc<Queue>,
    client: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut clients = self.queue.clients();
        if let Some(own) = clients.get_mut(&self.client) {
            *own -= 1;
        }
        clients.retain(|_, own| *own > 0);
    }
}

impl Turn {
    /// Takes a place for a client address; the command line has none.
    ///
    /// # Errors
    /// `Unavailable` when the queue, or the client's share of it, is full.
    pub(crate) fn take(client_ip: &str) -> Result<Self> {
        QUEUE.take(&counted_as(client_ip))
    }

    /// Computes beside the runtime's threads. A request may be dropped meanwhile, but what it has begun runs to its end, and
    /// so keeps its permit and its place until then.
    ///
    /// # Errors
    /// `Internal` when the computation panics.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let permit = Arc::clone(&self.0.queue.permits).acquire_owned().await;
        let held = (permit.map_err(|_| Error::Internal)?, Arc::clone(&self.0));
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
        assert_eq!((queue.permits.available_permits(), queue.clients().len()), (AT_ONCE - 1, 1));
        drop(end);
        let all = u32::try_from(AT_ONCE).unwrap();
        let _free = queue.permits.acquire_many(all).await.unwrap();
        // The permit is released before the place.
        while !queue.clients().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn one_client_gets_a_share_of_the_queue_and_all_of_them_together_its_length() {
        let queue = Arc::new(Queue::default());
        let mut turns: Vec<_> = (0..CLIENT_MAX).map(|_| queue.take("192.0.2.1").unwrap()).collect();
        assert!(is_refused(&queue.take("192.0.2.1")));
        turns.extend((CLIENT_MAX..QUEUE_MAX).map(|n| queue.take(&n.to_string()).unwrap()));
        assert!(is_refused(&queue.take("192.0.2.2")));
        turns.clear();
        assert!(queue.clients().is_empty());
        assert!(queue.take("192.0.2.1").is_ok());
    }
}
