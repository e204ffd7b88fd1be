//! Reads a response. Its status line decides; everything else is evidence, kept within limits and as far as it arrives.

use std::time::{Duration, SystemTime};

use domain::{
    UnixMs,
    attempt::{RESPONSE_HEAD_KEPT_BYTES, RESPONSE_KEPT_BYTES, RESPONSE_READ_MAX_BYTES, Timing},
    cause::{Cause, CauseFacts, Failure},
};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::{Response, client::Head, text, timing};
use crate::clock;

/// Longest response header that is kept, in characters per line.
const HEADER_KEPT_CHARS: usize = 1_024;

/// When a response was awaited.
pub(super) struct Awaited {
    /// The time of the attempt, for dates in the response.
    pub(super) at: UnixMs,
    /// How long the head took, in milliseconds.
    pub(super) wait_ms: u32,
    /// When the time for the attempt is up.
    pub(super) deadline: Instant,
}

/// Reads a response, as far as it is kept.
pub(super) async fn read(mut head: Head, mut facts: CauseFacts, awaited: Awaited) -> Response {
    let began = clock::stopwatch();
    let status = head.response.status().as_u16();
    let headers = std::mem::take(head.response.headers_mut());
    facts.status = Some(status);
    facts.location = header(&headers, "location");
    let retry_after = header(&headers, "retry-after");
    facts.retry_after_s = retry_after.and_then(|value| retry_after_s(value.trim(), awaited.at));
    let (bytes, is_cut) = read_body(&mut head, awaited.deadline).await;
    Response {
        status: Some(status),
        failure: cause(status, &headers).map(|cause| Failure { cause, facts }),
        head: head_lines(&headers),
        body: text::readable(&headers, bytes),
        cut: is_cut,
        duration_ms: 0,
        timing: Timing {
            wait_ms: Some(awaited.wait_ms),
            body_ms: Some(timing::ms(began.elapsed())),
            ..Timing::default()
        },
    }
}

/// The cause for a status; a few that no standard defines mean something only when Cloudflare sends them.
fn cause(status: u16, headers: &HeaderMap) -> Option<Cause> {
    let by_cloudflare = || headers.get("server").is_some_and(|server| server.as_bytes() == b"cloudflare");
    if matches!(status, 520..=527) && by_cloudflare() {
        return Some(Cause::Http520527);
    }
    Cause::of_status(status)
}

/// `Retry-After` in either of its forms, seconds or a date (RFC 9110 sections 10.2.3 and 5.6.7).
fn retry_after_s(value: &str, at: UnixMs) -> Option<u32> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many to count are the longest wait.
        return Some(value.parse().unwrap_or(u32::MAX));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(at.0.unsigned_abs());
    // A date in the past asks for no wait.
    let wait_ms = date.duration_since(at).map_or(0, |wait| wait.as_millis());
    Some(u32::try_from(wait_ms.div_ceil(1_000)).unwrap_or(u32::MAX))
}

/// The kept part of the body, and whether there is, or should have been, more of it.
async fn read_body(head: &mut Head, deadline: Instant) -> (Vec<u8>, bool) {
    let (mut kept, mut seen) = (Vec::new(), 0);
    loop {
        let frame = match timeout_at(deadline, head.response.body_mut().frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => return (kept, false),
            // It was cut off, or cannot be decoded.
            Ok(Some(Err(_))) => return (kept, true),
            Err(_) => {
                head.retire_connection();
                return (kept, true);
            }
        };
        head.note_body();
        let chunk = frame.into_data().unwrap_or_default();
        seen += chunk.len();
        let room = RESPONSE_KEPT_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if seen > RESPONSE_READ_MAX_BYTES {
            return (kept, true);
        }
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(value)
}

fn value(value: &HeaderValue) -> String {
    text::storable(value.as_bytes()).chars().take(HEADER_KEPT_CHARS).collect()
}

/// The header lines, as many as are kept.
fn head_lines(headers: &HeaderMap) -> String {
    let mut lines = String::new();
    for (name, value) in headers.iter().map(|(name, line): (&HeaderName, _)| (name, value(line))) {
        if lines.len() + name.as_str().len() + value.len() + "\n: ".len() > RESPONSE_HEAD_KEPT_BYTES {
            break;
        }
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.push_str(name.as_str());
        lines.push_str(": ");
        lines.push_str(&value);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let at = UnixMs(784_111_777_000);
        assert_eq!(retry_after_s("120", at), Some(120));
        assert_eq!(retry_after_s("Sun, 06 Nov 1994 08:49:47 GMT", at), Some(10));
        assert_eq!(retry_after_s("Sun, 06 Nov 1994 08:49:00 GMT", at), Some(0));
        assert_eq!(retry_after_s("Sunday, 06-Nov-94 08:49:47 GMT", at), Some(10), "as RFC 850 has it");
        assert_eq!(retry_after_s("Sun Nov  6 08:49:47 1994", at), Some(10), "as asctime has it");
        for none in ["soon", "", "-1", "1.5", "1h"] {
            assert_eq!(retry_after_s(none, at), None, "{none}");
        }
    }

    #[test]
    fn a_retry_after_that_overflows_is_the_longest_wait() {
        for long in ["4294967296", "99999999999999999999", "Thu, 30 Dec 9999 12:00:00 GMT"] {
            assert_eq!(retry_after_s(long, UnixMs(784_111_777_000)), Some(u32::MAX), "{long}");
        }
    }

    #[test]
    fn a_long_head_is_kept_up_to_its_limit() {
        let long = HeaderValue::from_str(&"x".repeat(5_000)).unwrap();
        let headers: HeaderMap = (0..100).map(|n| (format!("h{n}").parse().unwrap(), long.clone())).collect();
        let kept = head_lines(&headers);
        assert!((RESPONSE_HEAD_KEPT_BYTES / 2..=RESPONSE_HEAD_KEPT_BYTES).contains(&kept.len()), "{}", kept.len());
        assert!(kept.lines().all(|line| line.len() < HEADER_KEPT_CHARS + 10), "each line is kept up to its own limit");
    }

    #[test]
    fn only_cloudflare_means_what_its_statuses_say() {
        let from =
            |server: &'static str| HeaderMap::from_iter([(http::header::SERVER, HeaderValue::from_static(server))]);
        assert_eq!(cause(521, &from("cloudflare")), Some(Cause::Http520527));
        assert_eq!(cause(521, &from("nginx")), Some(Cause::Http5xx));
        assert_eq!(cause(530, &from("cloudflare")), Some(Cause::Http5xx));
    }
}
