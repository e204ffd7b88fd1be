//! A connection, and what has been seen on it: whether it was used before, and whether anything has arrived.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// As many of the first bytes received as tell a protocol.
const FIRST_BYTES: usize = 8;

/// Most bytes received without a response or a part of a body among them: interim responses (1xx), which over HTTP/2 no one
/// reports, and over HTTP/1.1 without the reasons in their status lines. More than the windows of HTTP/2 allow bodies to have.
pub(super) const INTERIM_MAX_BYTES: usize = 2 * 1_024 * 1_024;

/// What has been seen on a connection.
#[derive(Debug, Default)]
pub(super) struct Seen {
    first: Mutex<Vec<u8>>,
    silent: AtomicBool,
    used: AtomicBool,
    certificate_requested: AtomicBool,
    /// Bytes since the latest response or part of a body.
    interim: AtomicUsize,
}

impl Seen {
    /// The first bytes received.
    pub(super) fn first_bytes(&self) -> Vec<u8> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether nothing has been received since the latest write.
    pub(super) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Acquire)
    }

    /// Whether a request was answered on this connection.
    pub(super) fn was_used(&self) -> bool {
        self.used.load(Ordering::Acquire)
    }

    /// A response, or a part of its body, was read.
    pub(super) fn note_response(&self) {
        self.used.store(true, Ordering::Release);
        self.interim.store(0, Ordering::Release);
    }

    /// Whether the connection ended because the server sent nothing but interim responses.
    pub(super) fn had_too_many_interim(&self) -> bool {
        self.interim.load(Ordering::Acquire) > INTERIM_MAX_BYTES
    }

    /// Whether the server asked for a client certificate.
    pub(super) fn certificate_requested(&self) -> bool {
        self.certificate_requested.load(Ordering::Acquire)
    }

    pub(super) fn set_certificate_requested(&self, requested: bool) {
        self.certificate_requested.store(requested, Ordering::Release);
    }

    fn received(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.silent.store(false, Ordering::Release);
        self.interim.fetch_add(bytes.len(), Ordering::AcqRel);
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = FIRST_BYTES.saturating_sub(first.len()).min(bytes.len());
        first.extend_from_slice(&bytes[..missing]);
    }
}

/// A stream of bytes in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    /// Encrypted bytes, in which no response can be distinguished.
    Tls,
    Http1,
    Http2,
}

/// A stream that notes what is seen on it.
pub(super) struct Watched<S> {
    stream: S,
    seen: Arc<Seen>,
    carries: Carries,
}

impl<S> Watched<S> {
    pub(super) const fn new(stream: S, seen: Arc<Seen>, carries: Carries) -> Self {
        Self { stream, seen, carries }
    }
}

impl<S: Unpin> Connection for Watched<S> {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(Arc::clone(&self.seen));
        if self.carries == Carries::Http2 { connected.negotiated_h2() } else { connected }
    }
}

impl<S: Stream> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.seen.received(&buf.filled()[before..]);
        if self.carries != Carries::Tls && self.seen.had_too_many_interim() {
            return Poll::Ready(Err(io::Error::other("too many interim responses")));
        }
        read
    }
}

impl<S: Stream> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.seen.silent.store(true, Ordering::Release);
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.seen.silent.store(true, Ordering::Release);
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
