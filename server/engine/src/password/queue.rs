//! The queue of what passwords cost: each computation takes a core and up to 19 MiB, and anyone may ask for one.

use std::sync::{Arc, LazyLock};

use domain::{Error, client::counted_as, error::Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::shares::{Share, Shares};

/// Computations at the same time: more would starve everything else.
const AT_ONCE: usize = 2;
/// Of the threads that compute (nice): a tenth of the weight of others.
#[cfg(target_os = "linux")]
const PRIORITY: i32 = 10;
/// Requests that compute or wait for it. At about 25 ms each, the last one waits for two seconds, or longer while the
/// processors are busy.
const QUEUE_MAX: usize = 160;
/// Requests of one client among them, which may be an office behind one address …
const CLIENT_MAX: usize = 64;
/// … and while only a quarter is free, which is kept for other clients.
const CLIENT_MAX_WHEN_BUSY: usize = 4;
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
        let is_busy = self.free.available_permits() <= QUEUE_MAX / 4;
        let most = if is_busy { CLIENT_MAX_WHEN_BUSY } else { CLIENT_MAX };
        let share = self.clients.take(client.to_owned(), most).ok_or_else(full)?;
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

    /// Waits until it may compute.
    ///
    /// # Errors
    /// `Internal`, once the queue is closed, which never happens.
    pub(crate) async fn begin(&self) -> Result<Permit> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        Ok(Permit { _permit: permit.map_err(|_| Error::Internal)?, _slot: Arc::clone(&self.slot) })
    }

    /// Waits, and computes once.
    ///
    /// # Errors
    /// As [`Permit::run`].
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        self.begin().await?.run(work).await.map(|(computed, _)| computed)
    }
}

/// One of the computations at the same time.
pub(crate) struct Permit {
    _permit: OwnedSemaphorePermit,
    _slot: Arc<(Share<String>, OwnedSemaphorePermit)>,
}

impl Permit {
    /// Computes in a thread of its own, of low priority: deliveries and pages go first when there is too little processor
    /// time, and a computation takes a thousand times as long as starting its thread. A request may be dropped meanwhile, but what it has begun runs to its end, and
    /// so keeps its permit and its slot until then. Returns the permit, for what has to follow before the next one begins.
    ///
    /// # Errors
    /// `Internal` when the computation panics.
    pub(crate) async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<(T, Self)> {
        let (computed, is_computed) = oneshot::channel();
        let compute = move || {
            lower_priority();
            // A request that was dropped does not want it.
            let _ = computed.send((work(), self));
        };
        let thread = std::thread::Builder::new().name("password".to_owned()).spawn(compute);
        thread.map_err(|error| {
            tracing::error!(%error, "no thread to compute in");
            Error::Internal
        })?;
        // The panic hook has logged it.
        is_computed.await.map_err(|_| Error::Internal)
    }
}

/// Of this thread. Elsewhere than on Linux it would be that of the whole process.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, PRIORITY) {
        // It is lower already.
        tracing::debug!(%error, "passwords are checked at the usual priority");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

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

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn deliveries_and_pages_go_before_passwords() {
        let turn = Arc::new(Queue::default()).take("192.0.2.1").unwrap();
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let (before, meanwhile) = (priority(), turn.run(priority).await.unwrap());
        assert!(meanwhile > before || meanwhile == PRIORITY, "{meanwhile}");
        assert_eq!(priority(), before, "other threads keep theirs");
    }

    #[tokio::test]
    async fn a_computation_that_panics_is_an_error_and_frees_its_permit() {
        let queue = Arc::new(Queue::default());
        let turn = queue.take("192.0.2.1").unwrap();
        assert_eq!(turn.run(|| panic!("on purpose")).await, Err::<(), _>(Error::Internal));
        let _free = queue.permits.acquire_many(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
    }

    /// Turns for as many requests as this client gets.
    fn all(queue: &Arc<Queue>, client: &str) -> Vec<Turn> {
        std::iter::from_fn(|| queue.take(client).ok()).collect()
    }

    #[test]
    fn one_client_gets_a_share_of_the_queue_and_a_few_cannot_take_all_of_it() {
        let queue = Arc::new(Queue::default());
        let mut turns = vec![all(&queue, "192.0.2.1")];
        assert_eq!(turns[0].len(), CLIENT_MAX);
        assert!(is_refused(&queue.take("192.0.2.1")));
        turns.push(all(&queue, "192.0.2.2"));
        assert_eq!(queue.free.available_permits(), QUEUE_MAX / 4, "the rest is kept for others");
        turns.push(all(&queue, "192.0.2.3"));
        assert_eq!(turns[2].len(), CLIENT_MAX_WHEN_BUSY);
        turns.extend((0..QUEUE_MAX).map(|n| all(&queue, &n.to_string())));
        assert!(is_refused(&queue.take("192.0.2.5")));
        turns.clear();
        assert_eq!(queue.free.available_permits(), QUEUE_MAX);
        assert!(queue.take("192.0.2.1").is_ok());
    }
}
