//! Customers' servers with every behaviour, on loopback.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::{
    body::{Body, Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::AbortHandle, time::Interval};

use crate::{arrivals::Arrivals, clock::sleep_ms};

/// Delay of a slow receiver, in milliseconds.
const SLOW_MS: u64 = 2_000;
/// Size of a huge response body.
const HUGE_BYTES: usize = 256 * 1_024 * 1_024;
/// Chunks of a huge response body.
const PIECE: &[u8] = &[b'x'; 16 * 1_024];

/// How a receiver responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Immediately, with 200.
    Healthy,
    /// After two seconds.
    Slow,
    /// Never.
    Hanging,
    /// Immediately, with a body of one byte per second.
    Dripping,
    /// Immediately, with a body of 256 MiB.
    Huge,
}

/// A running receiver, stopped when dropped.
pub(crate) struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    accepting: AbortHandle,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Receiver {
    /// Starts a receiver that records what arrives.
    pub(crate) async fn start(behaviour: Behaviour, arrivals: Option<Arc<Arrivals>>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let arrivals = arrivals.clone();
                let service = service_fn(move |request| respond(behaviour, arrivals.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { address, accepting: accepting.abort_handle() })
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/calls", self.address)
    }
}

async fn respond(
    behaviour: Behaviour,
    arrivals: Option<Arc<Arrivals>>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Infallible> {
    let (parts, body) = request.into_parts();
    let _ = body.collect().await;
    let id = parts.headers.get("webhook-id").and_then(|value| value.to_str().ok());
    if let (Some(arrivals), Some(id)) = (arrivals, id) {
        arrivals.record_id(id);
    }
    match behaviour {
        Behaviour::Healthy | Behaviour::Huge | Behaviour::Dripping => {}
        Behaviour::Slow => sleep_ms(SLOW_MS).await,
        Behaviour::Hanging => std::future::pending().await,
    }
    let mut response = Response::new(Reply::of(behaviour));
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}

/// The body of a response.
enum Reply {
    Empty,
    Pieces(usize),
    Drops(Box<Interval>),
}

impl Reply {
    #[expect(clippy::disallowed_methods, reason = "drips in real time")]
    fn of(behaviour: Behaviour) -> Self {
        match behaviour {
            Behaviour::Huge => Self::Pieces(HUGE_BYTES / PIECE.len()),
            Behaviour::Dripping => Self::Drops(Box::new(tokio::time::interval(Duration::from_secs(1)))),
            _ => Self::Empty,
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Empty | Self::Pieces(0) => Poll::Ready(None),
            Self::Pieces(left) => {
                *left -= 1;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(PIECE)))))
            }
            Self::Drops(every) => every.poll_tick(context).map(|_| Some(Ok(Frame::data(Bytes::from_static(b"."))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Empty)
    }
}
