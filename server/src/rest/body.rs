//! JSON bodies: read up to a limit, parsed with errors that say where.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use domain::Error;
use http_body_util::{BodyExt as _, Limited};
use serde::{Deserialize, de::IgnoredAny};

use crate::rest::{
    problem::{Kind, Problem},
    query::Query,
};

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
        // A call that takes a body takes no parameter: one that was meant to change what it does is not passed over.
        Query::of(parts.uri.query().unwrap_or_default()).done()?;
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

    /// The same of a body that may be left out.
    ///
    /// # Errors
    /// As [`JsonBody::parse`].
    pub fn given<'de, T: Default + Deserialize<'de>>(&'de self) -> Result<T, Problem> {
        if self.0.is_empty() { Ok(T::default()) } else { self.parse() }
    }
}

/// What a call says that has nothing to say besides its path.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// What the parser expected, by its own words, in ours.
const EXPECTED: [(&str, &str); 7] = [
    ("a string", "Expected a text."),
    ("a boolean", "Expected true or false."),
    ("a sequence", "Expected a list."),
    ("a map", "Expected an object."),
    ("u32", "Expected a whole number from 0 to 4,294,967,295."),
    ("i64", "Expected a whole number."),
    ("struct", "Expected an object."),
];

/// JSON text as `T`. A list of values in the order of the fields, which the parser would take too, is no object.
///
/// # Errors
/// As [`JsonBody::parse`].
pub fn parse<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Problem> {
    if !json.trim_ascii_start().starts_with(b"{") {
        let whole = serde_json::from_slice::<IgnoredAny>(json);
        return Err(
            whole.map_or_else(|error| malformed(&error), |_| Error::invalid("body", "Expected an object.").into())
        );
    }
    serde_json::from_slice(json).map_err(|error| explain::<T>(json, &error))
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(Kind::Malformed, format!("The body is not valid JSON: {error}."))
}

/// Reads the text again, this time keeping track of the path: only wrong bodies pay for it.
fn explain<'de, T: Deserialize<'de>>(json: &'de [u8], error: &serde_json::Error) -> Problem {
    let said = error.to_string();
    // A number such as 1e400 is JSON; what cannot hold it is our field.
    if !error.is_data() && !said.starts_with("number out of range") {
        return malformed(error);
    }
    let tracked = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(json)).err();
    let path = tracked.map(|error| error.path().to_string()).unwrap_or_default();
    let field = named(&said).map_or_else(|| path.clone(), |name| join(&path, &name));
    let field = if field.is_empty() || field == "." { "body".to_owned() } else { field };
    Error::invalid(field, in_our_words(&said)).into()
}

/// What the parser says, without the text that it complains about: a credential may have got into the wrong field, and
/// answers are logged by those who get them.
fn in_our_words(said: &str) -> String {
    let expected = said.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
    let expected = expected.rsplit_once(" at line ").map_or(expected, |(expected, _)| expected);
    let plain =
        || EXPECTED.iter().find(|(theirs, _)| expected.split(' ').next() == Some(*theirs) || expected == *theirs);
    if said.starts_with("unknown field") {
        let fields = expected.trim_start_matches("one of ").replace('`', "").replace(" or ", ", ");
        let fields = if fields.is_empty() { "none".to_owned() } else { fields };
        format!("There is no such field here. There are: {fields}.")
    } else if said.starts_with("missing field") {
        "This field is missing.".to_owned()
    } else if said.starts_with("duplicate field") {
        "This field stands in the body twice.".to_owned()
    } else if said.starts_with("number out of range") || (said.starts_with("invalid value") && expected == "i64") {
        "This number is too large.".to_owned()
    } else {
        plain().map_or("This is not as expected.", |(_, ours)| ours).to_owned()
    }
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
            (r#"{"url":"x","rate":"a \"secret\""}"#, "Expected a whole number from 0"),
            (r#"{"url":"x","inner":"secret\", expected"}"#, "Expected an object."),
            (r#"{"url":"secret","url":"secret"}"#, "twice"),
            (r#"{"url":7}"#, "Expected a text."),
            (r#"{"url":"x","rate":1e400}"#, "This number is too large."),
            (r#"{"url":"x","rate":-1}"#, "Expected a whole number from 0"),
            (r#"{"url":"x","speed":1}"#, "There are: url, rate, inner."),
        ] {
            let problem = parse::<Outer>(json.as_bytes()).unwrap_err();
            let text = serde_json::to_string(&problem.document()).unwrap();
            assert!(text.contains(said) && !text.contains("secret"), "{text}");
            assert!(!text.contains("struct") && !text.contains("u32"), "{text}");
        }
    }

    #[test]
    fn a_list_in_the_order_of_the_fields_is_no_object() {
        for json in [r#"["x",1,null]"#, " [\"x\"]", "\"x\"", "7", "null"] {
            assert_eq!(parse::<Outer>(json.as_bytes()).unwrap_err().kind, Kind::Invalid, "{json}");
        }
        assert_eq!(parse::<Outer>(b"[1,").unwrap_err().kind, Kind::Malformed);
        assert!(parse::<Outer>(b"\n {\"url\":\"x\"}").is_ok());
    }

    #[test]
    fn what_is_not_json_is_refused_with_line_and_column() {
        let problem = parse::<Outer>(b"{\"url\":").unwrap_err();
        assert_eq!(problem.kind, Kind::Malformed);
        assert!(serde_json::to_string(&problem.document()).unwrap().contains("line 1 column 7"));
    }
}
