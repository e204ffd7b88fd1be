//! Where the time of an attempt goes. The client gives no times, so its resolver and its connector note theirs in
//! the task that makes the attempt. A connection that the pool made in another task leaves no note.

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
    static NOTED: RefCell<Timing>;
}

/// Whole milliseconds, saturating.
pub(super) fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Runs an attempt and returns what was noted during it.
pub(super) async fn noted<T>(attempt: impl Future<Output = T>) -> (T, Timing) {
    let run = async {
        let result = attempt.await;
        (result, NOTED.with(|noted| *noted.borrow()))
    };
    NOTED.scope(RefCell::default(), run).await
}

/// Notes how long the look-up took.
pub(super) fn dns(took: Duration) {
    let _ = NOTED.try_with(|noted| noted.borrow_mut().dns_ms = Some(ms(took)));
}

fn connect(took: Duration) {
    let _ = NOTED.try_with(|noted| {
        let mut noted = noted.borrow_mut();
        noted.connect_ms = Some(ms(took).saturating_sub(noted.dns_ms.unwrap_or_default()));
    });
}

/// Notes how long connecting takes, look-up and TLS included.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectNoted;

impl<S> Layer<S> for ConnectNoted {
    type Service = NotingConnector<S>;
    fn layer(&self, inner: S) -> Self::Service {
        NotingConnector { inner }
    }
}

/// A connector that notes its time.
#[derive(Debug, Clone)]
pub(super) struct NotingConnector<S> {
    inner: S,
}

impl<S, R> Service<R> for NotingConnector<S>
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
