//! How long the body of a request may take to arrive, and how many may be waited for at once: the same for every route.

use std::{
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use domain::client::network;
use hyper::body::{Frame, SizeHint};
use tokio::{sync::oneshot, time::Sleep};

use crate::{
    app_state::SharedState,
    client_ip,
    fair_budget::Part,
    plain_error, record_arrival, record_upload, request_body,
    rest::{self, problem::Kind},
};

/// Longest time that a body may take to arrive, from when it is first waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// The same for a file: 256 MiB at 4 Mbit/s.
const FILE_TIMEOUT: Duration = Duration::from_secs(9 * 60);

/// Responds with 408 when the body takes too long, and with 503 when too many are waited for. Whatever was about to read it
/// is dropped.
pub async fn enforce(State(state): State<SharedState>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let place = state.bodies.waiting.part_of(network(client_ip::of(&parts, &state.trusted_proxies)));
    let limit = if is_upload(&parts) { FILE_TIMEOUT } else { BODY_TIMEOUT };
    within(limit, place, Request::from_parts(parts, body), |request| next.run(request)).await
}

/// Whether it may take as long as a file needs to arrive.
fn is_upload(parts: &Parts) -> bool {
    let of_rest = parts.uri.path().strip_prefix(rest::PREFIX);
    record_upload::is_upload(parts) || of_rest.is_some_and(|path| record_arrival::is_rest_upload(&parts.method, path))
}

async fn within<F: Future<Output = Response>>(
    limit: Duration,
    place: Part<IpAddr>,
    request: Request,
    handle: impl FnOnce(Request) -> F,
) -> Response {
    let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
    let (report, refused) = oneshot::channel();
    let timed = |body| Body::new(Timed { body, limit, place, timer: None, report: Some(report) });
    tokio::select! {
        response = handle(request.map(timed)) => response,
        Ok(reason) = refused => match reason {
            Refused::Late => plain_error::refuse(&path, Kind::Slow, &format!("The body did not arrive within {} s.", limit.as_secs())),
            Refused::Busy => plain_error::respond(&path, &headers, request_body::busy()),
        },
    }
}

/// Why a body is not waited for.
enum Refused {
    /// It took too long.
    Late,
    /// Too many others are.
    Busy,
}

/// A body that reports when it is not waited for any more.
struct Timed {
    body: Body,
    limit: Duration,
    place: Part<IpAddr>,
    /// Runs once the body has been waited for; most arrive with their head.
    timer: Option<Pin<Box<Sleep>>>,
    report: Option<oneshot::Sender<Refused>>,
}

impl Timed {
    /// Waits for more of the body, if there is a place and time left.
    fn wait(&mut self, cx: &mut Context<'_>) {
        let reason = if !self.place.grow_to(1) {
            Refused::Busy
        } else if self.timer.get_or_insert_with(|| Box::pin(after(self.limit))).as_mut().poll(cx).is_ready() {
            Refused::Late
        } else {
            return;
        };
        if let Some(report) = self.report.take() {
            let _ = report.send(reason);
        }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if polled.is_pending() {
            this.wait(cx);
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
    use crate::fair_budget::FairBudget;

    /// A post with one byte, and then nothing more.
    fn endless(path: &str) -> Request {
        let first = stream::once(async { Ok::<_, std::io::Error>("x") });
        Request::post(path).body(Body::from_stream(first.chain(stream::pending()))).unwrap()
    }

    async fn read(request: Request) -> Response {
        let read = axum::body::to_bytes(request.into_body(), 100).await.unwrap();
        format!("read {}", read.len()).into_response()
    }

    /// A place among as many waiting bodies.
    fn place(of: usize) -> Part<IpAddr> {
        FairBudget::new(of).part_of(IpAddr::from([203, 0, 113, 9]))
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_refused_in_the_words_of_its_route() {
        let limit = Duration::from_millis(5);
        for (path, kind) in
            [("/test-line/x", "text/plain; charset=utf-8"), ("/api/v1/events", "application/problem+json")]
        {
            let refused = within(limit, place(2), endless(path), read).await;
            assert_eq!(refused.status(), StatusCode::REQUEST_TIMEOUT);
            assert_eq!(refused.headers()[header::CONTENT_TYPE], kind);
        }
    }

    #[tokio::test]
    async fn a_body_is_not_waited_for_while_too_many_are() {
        let refused = within(Duration::MAX, place(0), endless("/api/v1/events"), read).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
        let whole = Request::post("/").body(Body::from("abc")).unwrap();
        assert_eq!(within(Duration::ZERO, place(0), whole, read).await.status(), StatusCode::OK, "it is there");
    }

    #[tokio::test]
    async fn a_body_that_is_not_read_does_not_limit_its_response() {
        let ignore = async |_| "ignored".into_response();
        assert_eq!(within(Duration::ZERO, place(2), endless("/"), ignore).await.status(), StatusCode::OK);
    }
}
