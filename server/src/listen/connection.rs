//! One connection, and how long its peer may take for each part of a request.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{body::Body, extract::ConnectInfo, http::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::head_watch::HeadWatch;
use crate::starting::Routes;

/// Largest head of a request in bytes.
const HEAD_MAX_BYTES: usize = 16 * 1_024;

/// How long a peer may take. Bodies have their own limit (`body_timeout`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// For the first head on a new connection.
    first_head: Duration,
    /// For the next head on an open connection, including the time between two requests.
    next_head: Duration,
    /// For taking up some of what we send. The kernel lets us continue only when about a third of its buffer is free,
    /// so a peer must read that much in this time, not a byte.
    write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_head: Duration::from_secs(15),
            // Longer than the minute after which proxies close idle connections, so that none is closed under a request.
            next_head: Duration::from_secs(75),
            write: Duration::from_secs(30),
        }
    }
}

/// Serves a connection to its end; once the server stops, to the end of its current request. One that becomes a WebSocket ends
/// here, and continues elsewhere.
pub(super) async fn serve<I>(io: I, routes: Routes, peer: SocketAddr, timeouts: Timeouts, stopping: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Send + 'static,
{
    let mut io = TimeoutStream::new(io);
    io.set_write_timeout(Some(timeouts.write));
    let (began, heads) = (Arc::new(Notify::new()), HeadWatch::default());
    let io = TokioIo::new(heads.on(Box::pin(io)));
    let service = service(routes, peer, Arc::clone(&began), heads);
    let mut connection = pin!(http(timeouts).serve_connection(io, service).with_upgrades());
    let served = async {
        tokio::select! {
            served = connection.as_mut() => served,
            () = stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    tokio::select! {
        // Resets and malformed requests are common, and not our error.
        served = served => if let Err(error) = served {
            tracing::debug!(%error, %peer, "connection");
        },
        () = no_request(&began, timeouts.first_head) => tracing::debug!(%peer, "no request arrived"),
    }
}

/// Returns if no request has begun within this time.
async fn no_request(began: &Notify, limit: Duration) {
    if tokio::time::timeout(limit, began.notified()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

fn http(timeouts: Timeouts) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(timeouts.next_head).max_buf_size(HEAD_MAX_BYTES);
    builder
}

/// Passes the requests of a connection to the current routes with the address of the peer.
fn service(
    routes: Routes,
    peer: SocketAddr,
    began: Arc<Notify>,
    heads: HeadWatch,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response,
    Error = Infallible,
    Future = impl Future<Output = Result<Response, Infallible>> + Send,
> {
    service_fn(move |request: Request<Incoming>| {
        began.notify_one();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        heads.mark(&mut request);
        let (handled, heads) = (routes.current().call(request), heads.clone());
        async move {
            let response = handled.await;
            heads.next();
            response
        }
    })
}

#[cfg(test)]
mod tests {
    use axum::{Router, routing::get};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    /// Longer than any test takes.
    const NEVER: Duration = Duration::from_secs(3_600);
    const SOON: Duration = Duration::from_millis(50);
    const PATIENT: Timeouts = Timeouts { first_head: NEVER, next_head: NEVER, write: NEVER };

    /// A peer that has sent this, and the connection to it.
    async fn peer(sent: &str, timeouts: Timeouts) -> (DuplexStream, impl Future<Output = ()>) {
        let (mut theirs, ours) = duplex(16 * 1_024);
        theirs.write_all(sent.as_bytes()).await.unwrap();
        let router = Router::new().route("/", get(async || "x".repeat(200_000)));
        let address = SocketAddr::from(([203, 0, 113, 9], 1));
        let connection = serve(ours, router.into(), address, timeouts, CancellationToken::new());
        (theirs, connection)
    }

    #[tokio::test]
    async fn a_peer_that_sends_no_request_or_half_of_one_is_dropped() {
        for sent in ["", "GET / HT"] {
            let (_peer, connection) = peer(sent, Timeouts { first_head: SOON, ..PATIENT }).await;
            connection.await;
        }
    }

    #[tokio::test]
    async fn a_peer_that_reads_nothing_is_dropped() {
        let (_peer, connection) = peer("GET / HTTP/1.1\r\n\r\n", Timeouts { write: SOON, ..PATIENT }).await;
        connection.await;
    }

    #[tokio::test]
    async fn a_peer_that_reads_gets_everything_and_is_dropped_when_nothing_follows() {
        // hyper's clock for the next head already runs while it sends the rest of the response.
        let next_head = Duration::from_millis(200);
        let (mut peer, connection) = peer("GET / HTTP/1.1\r\n\r\n", Timeouts { next_head, ..PATIENT }).await;
        let mut text = String::new();
        let (_, read) = tokio::join!(connection, peer.read_to_string(&mut text));
        assert!(read.unwrap() > 200_000, "{} bytes", text.len());
    }
}
