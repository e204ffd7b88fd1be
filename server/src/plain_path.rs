//! Refuses paths that could lead somewhere else than they appear to.
//!
//! The router matches a path as it was sent, but whoever parses it as a URL resolves `.` and `..` first, also where they
//! are percent-encoded, and treats a backslash as a slash. Then one part of the program would authorise or record a page,
//! and another would show a different one.

use axum::{extract::Request, middleware::Next, response::Response};

use crate::{plain_error, rest::problem::Kind};

const REFUSED: &str = "This path contains a segment . or .. or a backslash. Send it resolved.";

/// Passes on requests with a plain path.
pub async fn require(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if is_plain(path) { next.run(request).await } else { plain_error::refuse(path, Kind::Malformed, REFUSED) }
}

fn is_plain(path: &str) -> bool {
    !path.contains('\\') && !path.split('/').any(is_dots)
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
    fn dots_in_names_are_plain() {
        for path in ["/", "/a/...", "/pkg/offhook.css", "/calls/a..b", "/calls/..%2Fx", "/.well-known/x", "/a//b"] {
            assert!(is_plain(path), "{path}");
        }
    }
}
