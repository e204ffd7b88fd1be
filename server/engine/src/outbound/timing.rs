//! Measures the phases of an attempt. The client reports no times, so its resolver and its connector record theirs in the
//! task that makes the attempt. A connection that the pool opened in another task is not recorded.

use crate::clock;
use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use domain::attempt::Timing;
use tower::{Layer, Service};

tokio::task_local! {
    static RECORDED: RefCell<Timing>;
}

/// Whole milliseconds, saturating.
pub(super) fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Runs an attempt and returns what was recorded during it.
pub(super) async fn recorded<T>(attempt: impl Future<Output = T>) -> (T, Timing) {
    let run = async {
        let result = attempt.await;
        (result, RECORDED.with(|recorded| *recorded.borrow()))
    };
    RECORDED.scope(RefCell::default(), run).await
}

/// Records how long the lookup took.
pub(super) fn dns(took: Duration) {
    let _ = RECORDED.try_with(|recorded| recorded.borrow_mut().dns_ms = Some(ms(took)));
}

fn connect(took: Duration) {
    let _ = RECORDED.try_with(|recorded| {
        let mut recorded = recorded.borrow_mut();
        recorded.connect_ms = Some(ms(took).saturating_sub(recorded.dns_ms.unwrap_or_default()));
    });
}

/// Records how long connecting takes, including lookup and TLS.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectTiming;

impl<S> Layer<S> for ConnectTiming {
    type Service = TimedConnector<S>;
    fn layer(&self, inner: S) -> Self::Service {
        TimedConnector { inner }
    }
}

/// A connector that records its time.
#[derive(Debug, Clone)]
pub(super) struct TimedConnector<S> {
    inner: S,
}

impl<S, R> Service<R> for TimedConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.inner.call(request);
        Box::pin(async move {
            let began = clock::stopwatch();
            let result = connecting.await;
            connect(began.elapsed());
            result
        })
    }
}
