//! Refuses paths that could lead somewhere else than they appear to.
//!
//! The router matches a path as it was sent, but whoever parses it as a URL resolves `.` and `..` first, also where they
//! are percent-encoded, and treats a backslash as a slash. Then one part of the program would authorise or record a page,
//! and another would show a different one.
//!
//! A path that isn't text leads nowhere. It is refused here, so that every route that takes a part of it as a parameter gets text,
//! and no response has a message of the router.

use axum::{extract::Request, middleware::Next, response::Response};

use percent_encoding::percent_decode_str;

use crate::{plain_error, rest::problem::Kind};

const NOT_TEXT: &str = "This path has bytes that aren't valid UTF-8, or control characters. Correct the address.";
const REFUSED: &str = "This path contains a segment . or .. or a backslash. Send it resolved.";

/// Passes on requests with a plain path.
pub async fn require(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let why = match (is_plain(path), is_text(path)) {
        (true, true) => return next.run(request).await,
        (true, false) => NOT_TEXT,
        (false, _) => REFUSED,
    };
    plain_error::refuse(path, Kind::Malformed, why)
}

fn is_plain(path: &str) -> bool {
    !path.contains('\\') && !path.split('/').any(is_dots)
}

fn is_text(path: &str) -> bool {
    !path.contains('%')
        || percent_decode_str(path).decode_utf8().is_ok_and(|decoded| !decoded.contains(char::is_control))
}

/// Whether this segment is `.` or `..`, however it is encoded (WHATWG URL, 4.2).
fn is_dots(segment: &str) -> bool {
    // Longer segments cannot be: three bytes encode a dot.
    segment.len() <= 6 && matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_are_found_in_every_spelling() {
        for path in ["/a/../b", "/..", "/a/./b", "/a/%2e%2E/b", "/a/.%2e", "/%2E/b", "/a\\..\\b", "/a\\b"] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_found() {
        for path in ["/in/x/%00", "/in/x/%ff", "/%C3", "/a/%0a", "/%7f", "/%C2%80"] {
            assert!(!is_text(path), "{path}");
        }
        for path in ["/", "/in/x/%C3%A4", "/a%20b", "/100%", "/calls/a%2Fb"] {
            assert!(is_text(path), "{path}");
        }
    }

    #[test]
    fn dots_in_names_are_plain() {
        for path in ["/", "/a/...", "/pkg/offhook.css", "/calls/a..b", "/calls/..%2Fx", "/.well-known/x", "/a//b"] {
            assert!(is_plain(path), "{path}");
        }
    }
}
