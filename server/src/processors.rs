//! What processors requests have: half of them. The other half is free for what has to be fast.
//!
//! The runtime runs what is ready in the order in which it became so. Fifty pages that are requested at once would all be
//! computed before an event goes one step further, and an event takes about ten steps from its request to the endpoint.

use std::{future::poll_fn, pin::pin, sync::Arc, task::ready};

use axum::{
    extract::{Request, State},
    http::{Method, header},
    middleware::Next,
    response::Response,
};
use tokio::sync::Semaphore;
use tokio_util::sync::PollSemaphore;

use crate::app_state::SharedState;

/// Where single events are posted.
const EVENTS: &str = "/api/v1/events";
/// An event up to this size, in bytes, is read in no time. Those of calls have about 500.
const SMALL_EVENT_BYTES: u64 = 4 * 1_024;

/// Processors that requests share.
#[derive(Debug, Clone)]
pub struct Processors(Arc<Semaphore>);

impl Default for Processors {
    /// Half of those that the process may use, and at least one.
    fn default() -> Self {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new((all / 2).max(1))))
    }
}

impl Processors {
    /// Does this work on one of them. It has one only while it computes, not while it waits for something.
    async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut free = PollSemaphore::new(Arc::clone(&self.0));
        poll_fn(|cx| {
            // Never closed; if it were, nothing would be shared.
            let _processor = ready!(free.poll_acquire(cx));
            work.as_mut().poll(cx)
        })
        .await
    }
}

/// Lets a request share processors with all others, unless it is a small event.
pub(crate) async fn share(State(state): State<SharedState>, request: Request, next: Next) -> Response {
    if is_small_event(&request) { next.run(request).await } else { state.processors.run(next.run(request)).await }
}

fn is_small_event(request: &Request) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    request.method() == Method::POST
        && request.uri().path() == EVENTS
        && length.is_some_and(|bytes: u64| bytes <= SMALL_EVENT_BYTES)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use futures::{FutureExt as _, future::join_all};

    use super::*;

    fn one() -> Processors {
        Processors(Arc::new(Semaphore::new(1)))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn only_as_many_compute_as_there_are_processors() {
        let (processors, running, most) = (one(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let works = (0..16).map(|_| {
            let (processors, running, most) = (processors.clone(), Arc::clone(&running), Arc::clone(&most));
            tokio::spawn(async move {
                let compute = || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    (0..1_000).for_each(|_| thread::yield_now());
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                processors
                    .run(async {
                        compute();
                        tokio::task::yield_now().await;
                        compute();
                    })
                    .await;
            })
        });
        assert!(join_all(works).await.into_iter().all(|work| work.is_ok()));
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn who_waits_or_is_gone_has_none() {
        let processors = one();
        let mut waiting = Box::pin(processors.run(std::future::pending::<()>()));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(processors.run(async { 1 }).await, 1, "while another one waits for something");
        let taken = Arc::clone(&processors.0).acquire_owned().await.unwrap();
        let mut second = Box::pin(processors.run(async { 2 }));
        let mut third = Box::pin(processors.run(async { 3 }));
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        drop((taken, second));
        assert_eq!(third.await, 3, "whoever was before it is gone");
    }

    #[test]
    fn small_events_share_nothing() {
        let of = |method: &str, path: &str, length: Option<&str>| {
            let request = Request::builder().method(method).uri(path);
            let request = length.into_iter().fold(request, |request, length| request.header("content-length", length));
            is_small_event(&request.body(axum::body::Body::empty()).unwrap())
        };
        assert!(of("POST", "/api/v1/events", Some("500")));
        assert!(!of("POST", "/api/v1/events", Some("200000")));
        assert!(!of("POST", "/api/v1/events", None));
        assert!(!of("POST", "/api/v1/events/batch", Some("500")));
        assert!(!of("GET", "/api/v1/events", Some("0")));
    }
}
