//! Notices requests with both `Content-Length` and `Transfer-Encoding`, which two programs in a row may read differently
//! (request smuggling; RFC 9112, 6.1). hyper obeys the second and drops the first, so only the bytes still show it.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{plain_error, rest::problem::Kind};

const LENGTH: &[u8] = b"content-length:";
const ENCODING: &[u8] = b"transfer-encoding:";
const REFUSED: &str = "Send either Content-Length or Transfer-Encoding, not both.";

/// What the current head has shown so far.
#[derive(Debug, Default)]
struct Head {
    is_over: bool,
    /// The beginning of the current line, in lower case.
    line: Vec<u8>,
    has_length: bool,
    has_encoding: bool,
}

impl Head {
    fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                _ if self.is_over => return,
                b'\n' => self.end_line(),
                b'\r' => {}
                byte if self.line.len() < ENCODING.len() => self.line.push(byte.to_ascii_lowercase()),
                _ => {}
            }
        }
    }

    fn end_line(&mut self) {
        // Blank lines before a request are skipped by hyper, too; after one, nothing more is looked at.
        self.is_over = self.line.is_empty();
        self.has_length |= self.line.starts_with(LENGTH);
        self.has_encoding |= self.line.starts_with(ENCODING);
        self.line.clear();
    }
}

/// The head that a connection is reading.
#[derive(Debug, Clone, Default)]
pub(super) struct HeadWatch(Arc<Mutex<Head>>);

impl HeadWatch {
    /// A stream whose reads are watched.
    pub(super) fn on<I>(&self, io: I) -> Watched<I> {
        Watched { io, watch: self.clone() }
    }

    /// Marks a request whose head had both.
    pub(super) fn mark<B>(&self, request: &mut Request<B>) {
        let head = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if head.has_length && head.has_encoding {
            request.extensions_mut().insert(Ambiguous);
        }
    }

    /// The response is ready: what is read from now on is the next head.
    pub(super) fn next(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Head::default();
    }
}

/// Marks a request whose length is ambiguous.
#[derive(Debug, Clone)]
struct Ambiguous;

/// Responds with 400 to such requests, and closes their connection.
pub async fn refuse_ambiguous(request: Request, next: Next) -> Response {
    if request.extensions().get::<Ambiguous>().is_none() {
        return next.run(request).await;
    }
    let mut response = plain_error::refuse(request.uri().path(), Kind::Malformed, REFUSED);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A stream whose reads are watched.
pub(super) struct Watched<I> {
    io: I,
    watch: HeadWatch,
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (this, before) = (self.get_mut(), buf.filled().len());
        let polled = Pin::new(&mut this.io).poll_read(cx, buf);
        this.watch.0.lock().unwrap_or_else(PoisonError::into_inner).read(&buf.filled()[before..]);
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(parts: &[&str]) -> bool {
        let mut head = Head::default();
        parts.iter().for_each(|part| head.read(part.as_bytes()));
        head.has_length && head.has_encoding
    }

    #[test]
    fn both_headers_are_found_in_any_order_case_and_number_of_reads() {
        assert!(both(&["POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"]));
        assert!(both(&["POST / HTTP/1.1\r\ntransfer-ENC", "oding: chunked\r\ncontent-len", "gth: 3\r\n\r\n"]));
    }

    #[test]
    fn one_of_them_is_fine_and_the_body_is_not_looked_at() {
        assert!(!both(&["POST / HTTP/1.1\r\nx: content-length:\r\ntransfer-encoding: chunked\r\n\r\n"]));
        assert!(!both(&["POST / HTTP/1.1\r\ncontent-length: 30\r\n\r\n", "a\r\ntransfer-encoding: chunked\r\n"]));
    }
}
