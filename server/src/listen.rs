//! Connections: accepted up to a limit, with a timeout for the request head, and drained when the server stops.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{body::Body, extract::ConnectInfo, http::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::starting::Routes;

/// Most connections at once; others wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 8_192;
/// Time for a request's head, and for the next request on an open connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Largest head of a request in bytes.
const HEAD_MAX_BYTES: usize = 64 * 1_024;
/// How long requests in progress may take once the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Pause after the system failed to accept a connection (no free file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until `stopping` is cancelled and the requests in progress have finished or timed out.
pub async fn serve(listener: TcpListener, routes: impl Into<Routes>, stopping: CancellationToken) {
    let routes = routes.into();
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    while let Some(accepted) = stopping.run_until_cancelled(accept(&listener, &connections)).await {
        let Some((stream, peer, permit)) = accepted else { break };
        let connection = http().serve_connection(TokioIo::new(stream), service(routes.clone(), peer));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Resets and malformed requests are common, and not our error.
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "connection");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were not finished when the server stopped");
    }
}

type Permit = tokio::sync::OwnedSemaphorePermit;

/// The next connection; none once the semaphore is closed.
async fn accept(listener: &TcpListener, connections: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, Permit)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A response is one small packet: do not wait for more.
                let _ = stream.set_nodelay(true);
                return Some((stream, peer, permit));
            }
            Err(error) if is_per_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                pause().await;
            }
        }
    }
}

fn is_per_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::ConnectionRefused | Kind::ConnectionAborted | Kind::ConnectionReset)
}

#[expect(clippy::disallowed_methods, reason = "waits for the system, which sends no signal")]
async fn pause() {
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

fn http() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_MAX_BYTES);
    builder
}

/// Passes the requests of a connection to the current routes with the address of the peer.
fn service(
    routes: Routes,
    peer: SocketAddr,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response,
    Error = Infallible,
    Future = impl Future<Output = Result<Response, Infallible>> + Send,
> {
    service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        routes.current().call(request)
    })
}
