//! Customers' servers of every temper, on loopback.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::http::{Request, Response, StatusCode};
use engine::clock::{rest_ms, stopwatch};
use http_body_util::BodyExt as _;
use hyper::{
    body::{Body, Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    task::AbortHandle,
    time::{Instant, Interval},
};

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

/// What arrived, and when: by the number at the end of the event's id.
pub struct Book {
    began: Instant,
    arrived_us: Vec<AtomicU64>,
    distinct: AtomicU64,
    repeats: AtomicU64,
}

impl Book {
    /// A book for events numbered below `events`.
    pub fn new(events: u64) -> Arc<Self> {
        let arrived_us = (0..events).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { began: stopwatch(), arrived_us, distinct: AtomicU64::new(0), repeats: AtomicU64::new(0) })
    }

    /// Microseconds since the book was opened; never 0.
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    fn note(&self, id: &str) {
        let number = id.rsplit('-').next().and_then(|n| n.parse::<usize>().ok());
        let Some(cell) = number.and_then(|n| self.arrived_us.get(n)) else { return };
        if cell.compare_exchange(0, self.now_us(), Relaxed, Relaxed).is_ok() {
            self.distinct.fetch_add(1, Relaxed);
        } else {
            self.repeats.fetch_add(1, Relaxed);
        }
    }

    /// When an event arrived, in microseconds since the book was opened.
    pub fn arrived_us(&self, n: u64) -> Option<u64> {
        let cell = self.arrived_us.get(usize::try_from(n).ok()?)?;
        Some(cell.load(Relaxed)).filter(|us| *us > 0)
    }

    /// When the last one arrived.
    pub fn last_us(&self) -> u64 {
        self.arrived_us.iter().map(|cell| cell.load(Relaxed)).max().unwrap_or_default()
    }

    /// How many different events arrived.
    pub fn distinct(&self) -> u64 {
        self.distinct.load(Relaxed)
    }

    /// How many came again.
    pub fn repeats(&self) -> u64 {
        self.repeats.load(Relaxed)
    }

    /// Waits until so many have arrived; gives up when nothing has come for `patience`.
    pub async fn wait_for(&self, events: u64, patience: Duration) -> bool {
        let (mut seen, mut since) = (self.distinct(), stopwatch());
        while self.distinct() < events {
            if self.distinct() > seen {
                (seen, since) = (self.distinct(), stopwatch());
            }
            if since.elapsed() > patience {
                return false;
            }
            rest_ms(2).await;
        }
        true
    }
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
        Temper::Slow => rest_ms(SLOW_MS).await,
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
