//! Custom request headers of an endpoint.

use serde::{Deserialize, Serialize};

use crate::error::FieldError;

/// Maximum number of custom headers per endpoint.
pub const HEADERS_MAX: usize = 20;
/// Maximum length of a header value in characters.
pub const HEADER_VALUE_MAX_CHARS: usize = 2_048;
/// Placeholder for a stored header value. Posting it back keeps the value.
pub const HEADER_KEPT: &str = "••••••••";

/// Headers that Offhook sets itself or that belong to the connection.
const RESERVED_HEADERS: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "user-agent",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// A custom request header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Name as typed.
    pub name: String,
    /// Value.
    pub value: String,
}

/// Reads custom headers, one `Name: value` per line.
pub(super) fn header_lines(text: &str) -> Result<Vec<Header>, FieldError> {
    let header = |line: &str| {
        let message = || format!("Write each header as Name: value. This line has no colon: {line}");
        let (name, value) = line.split_once(':').ok_or_else(|| FieldError::new("headers", message()))?;
        Ok(Header { name: name.trim().to_owned(), value: value.trim().to_owned() })
    };
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(header).collect()
}

/// Checks custom headers.
pub(super) fn check_headers(headers: &[Header]) -> Result<(), FieldError> {
    headers.iter().try_for_each(check_header)?;
    if headers.len() > HEADERS_MAX {
        return Err(FieldError::new("headers", "You can set at most 20 custom headers."));
    }
    let same = |a: &Header, b: &Header| a.name.eq_ignore_ascii_case(&b.name);
    match headers.iter().enumerate().find(|(at, h)| headers[..*at].iter().any(|before| same(before, h))) {
        Some((_, twice)) => Err(FieldError::new("headers", format!("{} is listed twice.", twice.name))),
        None => Ok(()),
    }
}

/// Names are tokens and values visible text (RFC 9110 section 5), which rules out injection.
fn check_header(Header { name, value }: &Header) -> Result<(), FieldError> {
    let refuse = |message: String| Err(FieldError::new("headers", message));
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
        return refuse(format!("{name:?} is not a valid header name."));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED_HEADERS.contains(&lower.as_str()) || lower.starts_with("offhook-") {
        return refuse(format!("{name} is set by Offhook and can't be changed."));
    }
    let kept = value == HEADER_KEPT;
    if value.len() > HEADER_VALUE_MAX_CHARS || !(kept || value.chars().all(|c| c == '\t' || (' '..='~').contains(&c))) {
        return refuse(format!("The value of {name} can contain only visible ASCII characters, at most 2,048."));
    }
    Ok(())
}
