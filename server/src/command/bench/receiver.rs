//! Customers' servers of every temper, on loopback.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::http::{Request, Response, StatusCode};
use engine::clock::sleep_ms;
use http_body_util::BodyExt as _;
use hyper::{
    body::{Body, Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::AbortHandle, time::Interval};

use super::book::Book;

/// How long a slow receiver thinks.
const SLOW_MS: u64 = 2_000;
/// Size of a huge answer.
const HUGE_BYTES: usize = 256 * 1_024 * 1_024;
/// It comes in pieces of this size.
const PIECE: &[u8] = &[b'x'; 16 * 1_024];

/// How a receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temper {
    /// At once, with 200.
    Healthy,
    /// After two seconds.
    Slow,
    /// Never.
    Hanging,
    /// At once, with a body of one byte per second.
    Dripping,
    /// At once, with a body of 256 MiB.
    Huge,
}

/// A running receiver; gone when dropped.
pub struct Receiver {
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
    /// Starts one of this temper, which writes down what it gets.
    pub async fn start(temper: Temper, book: Option<Arc<Book>>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let book = book.clone();
                let service = service_fn(move |request| answer(temper, book.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { address, accepting: accepting.abort_handle() })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/calls", self.address)
    }
}

async fn answer(
    temper: Temper,
    book: Option<Arc<Book>>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Infallible> {
    let (parts, body) = request.into_parts();
    let _ = body.collect().await;
    let id = parts.headers.get("webhook-id").and_then(|value| value.to_str().ok());
    if let (Some(book), Some(id)) = (book, id) {
        book.note(id);
    }
    match temper {
        Temper::Healthy | Temper::Huge | Temper::Dripping => {}
        Temper::Slow => sleep_ms(SLOW_MS).await,
        Temper::Hanging => std::future::pending().await,
    }
    let mut response = Response::new(Reply::of(temper));
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}

/// The body of an answer.
enum Reply {
    Empty,
    Pieces(usize),
    Drops(Box<Interval>),
}

impl Reply {
    #[expect(clippy::disallowed_methods, reason = "drips in real time, as such servers do")]
    fn of(temper: Temper) -> Self {
        match temper {
            Temper::Huge => Self::Pieces(HUGE_BYTES / PIECE.len()),
            Temper::Dripping => Self::Drops(Box::new(tokio::time::interval(Duration::from_secs(1)))),
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
