//! The time limit for receiving the body of a request, the same for every route.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use hyper::body::{Frame, SizeHint};
use tokio::{sync::oneshot, time::Sleep};

use crate::{plain_error, rest::problem::Kind};

/// Longest time that a body may take to arrive, from when it is first waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// Responds with 408 when the body takes too long. Whatever was about to read it is dropped.
pub async fn enforce(request: Request, next: Next) -> Response {
    within(BODY_TIMEOUT, request, |request| next.run(request)).await
}

async fn within<F: Future<Output = Response>>(
    limit: Duration,
    request: Request,
    handle: impl FnOnce(Request) -> F,
) -> Response {
    if request.body().is_end_stream() {
        return handle(request).await;
    }
    let path = request.uri().path().to_owned();
    let (report, late) = oneshot::channel();
    let timed = |body| Body::new(Timed { body, limit, timer: None, report: Some(report) });
    tokio::select! {
        response = handle(request.map(timed)) => response,
        Ok(()) = late => plain_error::refuse(&path, Kind::Slow, "The body did not arrive within 20 s."),
    }
}

/// A body that reports when it is late.
struct Timed {
    body: Body,
    limit: Duration,
    /// Runs once the body has been waited for; most arrive with their head.
    timer: Option<Pin<Box<Sleep>>>,
    report: Option<oneshot::Sender<()>>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if polled.is_pending() {
            let timer = this.timer.get_or_insert_with(|| Box::pin(after(this.limit)));
            if timer.as_mut().poll(cx).is_ready()
                && let Some(report) = this.report.take()
            {
                let _ = report.send(());
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[expect(clippy::disallowed_methods, reason = "waits for a client, which sends no signal")]
fn after(limit: Duration) -> Sleep {
    tokio::time::sleep(limit)
}

#[cfg(test)]
mod tests {
    use axum::{
        http::{StatusCode, header},
        response::IntoResponse as _,
    };
    use futures::{StreamExt as _, stream};

    use super::*;

    /// A post with one byte, and then nothing more.
    fn endless(path: &str) -> Request {
        let first = stream::once(async { Ok::<_, std::io::Error>("x") });
        Request::post(path).body(Body::from_stream(first.chain(stream::pending()))).unwrap()
    }

    async fn read(request: Request) -> Response {
        let read = axum::body::to_bytes(request.into_body(), 100).await.unwrap();
        format!("read {}", read.len()).into_response()
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_refused_in_the_words_of_its_route() {
        let limit = Duration::from_millis(5);
        for (path, kind) in
            [("/test-line/x", "text/plain; charset=utf-8"), ("/api/v1/events", "application/problem+json")]
        {
            let refused = within(limit, endless(path), read).await;
            assert_eq!(refused.status(), StatusCode::REQUEST_TIMEOUT);
            assert_eq!(refused.headers()[header::CONTENT_TYPE], kind);
        }
    }

    #[tokio::test]
    async fn a_body_that_is_not_read_does_not_limit_its_response() {
        let ignore = async |_| "ignored".into_response();
        assert_eq!(within(Duration::ZERO, endless("/"), ignore).await.status(), StatusCode::OK);
        let whole = Request::post("/").body(Body::from("abc")).unwrap();
        assert_eq!(within(Duration::ZERO, whole, read).await.status(), StatusCode::OK);
    }
}
