//! Connections: admitted, served with a time limit for each part of a request, and drained when the server stops.

mod connection;
pub mod head_watch;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{admission::Admission, starting::Routes};

use connection::Timeouts;

/// How long requests in progress may take once the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Pause after the system failed to accept a connection (no free file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// What a connection gets that is not admitted. Its request is not read.
const REFUSED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\n\
    content-type: text/plain\r\ncontent-length: 68\r\n\r\nToo many connections are open from your address. Try again shortly.\n";

/// Serves until `stopping` is cancelled and the requests in progress have finished or timed out.
pub async fn serve(
    listener: TcpListener,
    routes: impl Into<Routes>,
    admission: Arc<Admission>,
    stopping: CancellationToken,
) {
    let routes = routes.into();
    let connections = TaskTracker::new();
    while let Some((stream, peer)) = stopping.run_until_cancelled(accept(&listener)).await {
        let Some(permit) = admission.connection(peer.ip()) else {
            // Best effort: a peer that has already sent its request may see a reset instead.
            let _ = stream.try_write(REFUSED);
            continue;
        };
        let connection = connection::serve(stream, routes.clone(), peer, Timeouts::default(), stopping.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(STOP_TIMEOUT, connections.wait()).await.is_err() {
        tracing::warn!("some requests were not finished when the server stopped");
    }
}

/// The next connection.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A response is one small packet: do not wait for more.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
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
