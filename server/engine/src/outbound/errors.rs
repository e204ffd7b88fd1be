//! What an error of the client says about its connection.

use std::{error::Error, io};

use hyper_util::client::legacy;

/// Whether the connection was closed, rather than this request refused.
pub(super) fn is_connection_lost(error: &(dyn Error + 'static)) -> bool {
    if let Some(http2) = find::<h2::Error>(error) {
        return http2.is_io() || http2.is_go_away() || http2.reason() == Some(h2::Reason::REFUSED_STREAM);
    }
    let of_hyper = |hyper: &hyper::Error| {
        hyper.is_incomplete_message() || hyper.is_canceled() || hyper.is_closed() || hyper.is_timeout()
    };
    find::<hyper::Error>(error).is_some_and(of_hyper) || find::<io::Error>(error).is_some_and(is_lost)
}

fn is_lost(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// Whether the server wants this request over HTTP/1.1 (RFC 9113 section 7).
pub(super) fn demands_http1(error: &legacy::Error) -> bool {
    find::<h2::Error>(error).and_then(h2::Error::reason) == Some(h2::Reason::HTTP_1_1_REQUIRED)
}

/// The first error of type `E` in the chain of sources; I/O errors wrap theirs.
pub(super) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find::<E>(inner)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}
