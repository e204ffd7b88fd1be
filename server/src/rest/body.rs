//! JSON bodies: read up to a limit, parsed with errors that say where.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use domain::{Error, FieldError};
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;

use crate::rest::problem::{Kind, Problem};

/// Largest body of a call that is not about events, in bytes.
pub const CALL_MAX_BYTES: usize = 64 * 1_024;
/// Time in which a body must have arrived.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// Time for which a body that is too large is read and thrown away.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a body that is too large is read and thrown away, so that its sender gets to read the answer.
const DRAIN_MAX_BYTES: usize = 64 * 1_024 * 1_024;

/// A JSON body of at most `MAX_BYTES`, not parsed yet.
pub struct JsonBody<const MAX_BYTES: usize = CALL_MAX_BYTES>(pub Bytes);

impl<const MAX_BYTES: usize, S: Send + Sync> FromRequest<S> for JsonBody<MAX_BYTES> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        check_media_type(&parts.headers, body.size_hint().exact() == Some(0))?;
        match tokio::time::timeout(BODY_TIMEOUT, read(&parts.headers, body, MAX_BYTES)).await {
            Ok(bytes) => bytes.map(Self),
            Err(_) => Err(Problem::new(Kind::Slow, "The body did not arrive within 20 s.")),
        }
    }
}

impl<const MAX_BYTES: usize> JsonBody<MAX_BYTES> {
    /// The body as `T`.
    ///
    /// # Errors
    /// 400 for what is not JSON, with line and column; 422 for JSON of the wrong shape, with the field.
    pub fn parse<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Problem> {
        parse(&self.0)
    }
}

/// JSON text as `T`.
///
/// # Errors
/// As [`JsonBody::parse`].
pub fn parse<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Problem> {
    serde_json::from_slice(json).map_err(|error| explain::<T>(json, &error))
}

/// Reads the text again, this time keeping track of the path: only wrong bodies pay for it.
fn explain<'de, T: Deserialize<'de>>(json: &'de [u8], error: &serde_json::Error) -> Problem {
    if !error.is_data() {
        return Problem::new(Kind::Malformed, format!("The body is not valid JSON: {error}."));
    }
    let tracked = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(json)).err();
    let path = tracked.map(|error| error.path().to_string()).unwrap_or_default();
    let field = named(&error.to_string()).map_or_else(|| path.clone(), |name| join(&path, &name));
    let field = if field.is_empty() || field == "." { "body".to_owned() } else { field };
    Error::Invalid(vec![FieldError::new(field, format!("Not as expected: {}.", without_value(&error.to_string())))])
        .into()
}

/// What serde says, without the text that it complains about: a credential may have got into the wrong field, and
/// answers are logged by those who get them.
fn without_value(message: &str) -> String {
    const BEGIN: &str = ": string \"";
    let cut = || {
        let (begin, end) = (message.find(BEGIN)?, message.rfind("\", expected ")?);
        (begin < end).then(|| format!("{}: a string{}", &message[..begin], &message[end + 1..]))
    };
    cut().unwrap_or_else(|| message.to_owned())
}

/// The field that serde complains about, where the path ends one step before it.
fn named(message: &str) -> Option<String> {
    let rest =
        ["unknown field `", "missing field `", "duplicate field `"].iter().find_map(|s| message.strip_prefix(s))?;
    rest.split_once('`').map(|(name, _)| name.to_owned())
}

fn join(path: &str, name: &str) -> String {
    let is_there = path == name || path.ends_with(&format!(".{name}"));
    match path {
        "" | "." | "?" => name.to_owned(),
        _ if is_there => path.to_owned(),
        _ => format!("{}.{name}", path.trim_end_matches(".?")),
    }
}

fn check_media_type(headers: &HeaderMap, is_empty: bool) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if is_empty || kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(Kind::MediaType, "Send JSON with Content-Type: application/json."))
}

async fn read(headers: &HeaderMap, mut body: Body, max_bytes: usize) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > max_bytes as u64 {
        // A sender that asks first (`Expect: 100-continue`) is told no before it has sent anything.
        if !headers.contains_key(header::EXPECT) {
            drain(body).await;
        }
        return Err(too_large(max_bytes));
    }
    let (mut chunks, mut bytes) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(Kind::Malformed, "The body broke off before its end."))?;
        let Ok(chunk) = frame.into_data() else { continue };
        bytes += chunk.len();
        if bytes > max_bytes {
            drain(body).await;
            return Err(too_large(max_bytes));
        }
        chunks.push(chunk);
    }
    // Nearly every body is one chunk, which needs no copy.
    Ok(if chunks.len() == 1 { chunks.swap_remove(0) } else { chunks.concat().into() })
}

/// Answering and closing while data still arrives would reset the connection, and the answer with it.
async fn drain(body: Body) {
    let mut rest = Limited::new(body, DRAIN_MAX_BYTES);
    let all = async { while let Some(Ok(_)) = rest.frame().await {} };
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, all).await;
}

fn too_large(max_bytes: usize) -> Problem {
    Problem::new(Kind::TooLarge, format!("The body is larger than {} KiB, the limit here.", max_bytes / 1_024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by the parser")]
    struct Outer {
        url: String,
        rate: Option<u32>,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by the parser")]
    struct Inner {
        name: String,
    }

    fn field(json: &str) -> String {
        let document = parse::<Outer>(json.as_bytes()).unwrap_err().document();
        let document = serde_json::to_value(document).unwrap();
        document["errors"].as_object().map(|errors| errors.keys().cloned().collect()).unwrap_or_default()
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        assert_eq!(field(r#"{"url":7}"#), "url");
        assert_eq!(field(r#"{"url":"x","rate":"fast"}"#), "rate");
        assert_eq!(field(r#"{"rate":1}"#), "url");
        assert_eq!(field(r#"{"url":"x","speed":1}"#), "speed");
        assert_eq!(field(r#"{"url":"x","inner":{}}"#), "inner.name");
        assert_eq!(field(r#"{"url":"x","inner":{"name":"a","b":1}}"#), "inner.b");
        assert_eq!(field("[]"), "body");
    }

    #[test]
    fn a_value_in_the_wrong_place_is_not_said_again() {
        for (json, said) in [
            (r#"{"url":"x","rate":"a \"secret\""}"#, "invalid type: a string, expected u32"),
            (r#"{"url":"x","inner":"secret\", expected"}"#, "invalid type: a string, expected struct Inner"),
            (r#"{"url":7}"#, "invalid type: integer `7`, expected a string"),
        ] {
            let problem = parse::<Outer>(json.as_bytes()).unwrap_err();
            let text = serde_json::to_string(&problem.document()).unwrap();
            assert!(text.contains(said) && !text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused_with_line_and_column() {
        let problem = parse::<Outer>(b"{\"url\":").unwrap_err();
        assert_eq!(problem.kind, Kind::Malformed);
        assert!(serde_json::to_string(&problem.document()).unwrap().contains("line 1 column 7"));
    }
}
