//! JSON bodies: read up to a limit, and parsed with errors that name the field.

use std::sync::Arc;

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, Request},
    http::{HeaderMap, header, request::Parts},
};
use domain::{Error, actor::Actor};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    app_state::SharedState,
    request_body::{self, Received, Refused},
    rest::{
        problem::{Kind, Problem},
        query::Query,
    },
};

/// Largest body of a request that posts no events, in bytes.
pub const CALL_MAX_BYTES: usize = 64 * 1_024;

/// A JSON body of at most `MAX_BYTES`, not yet parsed.
pub struct JsonBody<const MAX_BYTES: usize = CALL_MAX_BYTES>(Received<String>);

impl<const MAX_BYTES: usize> FromRequest<SharedState> for JsonBody<MAX_BYTES> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &SharedState) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        // Operations with a body have no query parameters. Ignoring one could do something else than the caller meant.
        Query::of(parts.uri.query().unwrap_or_default()).finish()?;
        check_media_type(&parts.headers, body.size_hint().exact() == Some(0))?;
        receive(&parts, body, MAX_BYTES, state).await.map(Self)
    }
}

/// Receives a body within its caller's part of the budget.
pub(super) async fn receive(
    parts: &Parts,
    body: Body,
    max_bytes: usize,
    state: &SharedState,
) -> Result<Received<String>, Problem> {
    let client = parts.extensions.get::<Arc<Actor>>().and_then(|actor| payer(actor)).unwrap_or_default();
    let held = state.bodies.calls.part_of(client.to_owned());
    let received = request_body::receive(&parts.headers, body, max_bytes, held).await;
    received.map_err(|reason| refused(reason, max_bytes))
}

impl<const MAX_BYTES: usize> JsonBody<MAX_BYTES> {
    /// The body as `T`.
    ///
    /// # Errors
    /// 400 with line and column for invalid JSON; 422 with the field for JSON of the wrong shape.
    pub fn parse<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Problem> {
        parse(&self.0.bytes)
    }

    /// The same for an optional body.
    ///
    /// # Errors
    /// As [`JsonBody::parse`].
    pub fn parse_or_default<'de, T: Default + Deserialize<'de>>(&'de self) -> Result<T, Problem> {
        if self.0.bytes.is_empty() { Ok(T::default()) } else { self.parse() }
    }
}

/// The body of an operation without fields: nothing, or an empty object.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmptyBody {}

/// What the parser expected, in its words and in ours.
const EXPECTED: [(&str, &str); 7] = [
    ("a string", "Expected a string."),
    ("a boolean", "Expected true or false."),
    ("a sequence", "Expected an array."),
    ("a map", "Expected an object."),
    ("u32", "Expected a whole number from 0 to 4,294,967,295."),
    ("i64", "Expected a whole number."),
    ("struct", "Expected an object."),
];

/// JSON text as `T`. The parser would also accept an array of the field values in order, which is rejected here.
///
/// # Errors
/// As [`JsonBody::parse`].
pub fn parse<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Problem> {
    if !json.trim_ascii_start().starts_with(b"{") {
        let value = serde_json::from_slice::<IgnoredAny>(json);
        return Err(
            value.map_or_else(|error| malformed(&error), |_| Error::invalid("body", "Expected an object.").into())
        );
    }
    serde_json::from_slice(json).map_err(|error| explain::<T>(json, &error))
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(Kind::Malformed, format!("The body is not valid JSON: {error}."))
}

/// Parses the text again and tracks the path of the error: only invalid bodies pay for it.
fn explain<'de, T: Deserialize<'de>>(json: &'de [u8], error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    // A number such as 1e400 is valid JSON that does not fit our field.
    if !error.is_data() && !message.starts_with("number out of range") {
        return malformed(error);
    }
    let tracked = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(json)).err();
    let path = tracked.map(|error| error.path().to_string()).unwrap_or_default();
    let field = field_name(&message).map_or_else(|| path.clone(), |name| join(&path, &name));
    let field = if field.is_empty() || field == "." { "body".to_owned() } else { field };
    Error::invalid(field, plain_message(&message)).into()
}

/// The parser's message without the value that it rejects: a credential may be in the wrong field, and clients log the
/// responses they get.
fn plain_message(message: &str) -> String {
    let expected = message.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
    let expected = expected.rsplit_once(" at line ").map_or(expected, |(expected, _)| expected);
    let plain =
        || EXPECTED.iter().find(|(theirs, _)| expected.split(' ').next() == Some(*theirs) || expected == *theirs);
    if message.starts_with("unknown field") {
        let fields = expected.trim_start_matches("one of ").replace('`', "").replace(" or ", ", ");
        let fields = if fields.is_empty() { "none".to_owned() } else { fields };
        format!("This field does not exist here. Known fields: {fields}.")
    } else if message.starts_with("missing field") {
        "This field is missing.".to_owned()
    } else if message.starts_with("duplicate field") {
        "This field is in the body twice.".to_owned()
    } else if message.starts_with("number out of range") || (message.starts_with("invalid value") && expected == "i64")
    {
        "This number is too large.".to_owned()
    } else {
        plain().map_or("This value has the wrong type.", |(_, ours)| ours).to_owned()
    }
}

/// The field in serde's message, where the path ends at its parent.
fn field_name(message: &str) -> Option<String> {
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

/// Whose part of the budget a body takes: the account's, however many tokens it has, or that of a platform token.
pub(super) fn payer(actor: &Actor) -> Option<&str> {
    actor.account().map_or_else(|_| actor.id(), |account| Some(account.as_str()))
}

fn check_media_type(headers: &HeaderMap, is_empty: bool) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if is_empty || kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(Kind::MediaType, "Send JSON with Content-Type: application/json."))
}

fn refused(refused: Refused, max_bytes: usize) -> Problem {
    match refused {
        Refused::TooLarge => too_large(max_bytes),
        Refused::Busy => request_body::busy().into(),
        Refused::Broken => Problem::new(Kind::Malformed, "The body ended early."),
    }
}

fn too_large(max_bytes: usize) -> Problem {
    Problem::new(Kind::TooLarge, format!("The body is larger than the limit of {} KiB.", max_bytes / 1_024))
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
    fn the_invalid_field_is_named() {
        assert_eq!(field(r#"{"url":7}"#), "url");
        assert_eq!(field(r#"{"url":"x","rate":"fast"}"#), "rate");
        assert_eq!(field(r#"{"rate":1}"#), "url");
        assert_eq!(field(r#"{"url":"x","speed":1}"#), "speed");
        assert_eq!(field(r#"{"url":"x","inner":{}}"#), "inner.name");
        assert_eq!(field(r#"{"url":"x","inner":{"name":"a","b":1}}"#), "inner.b");
        assert_eq!(field("[]"), "body");
    }

    #[test]
    fn a_rejected_value_is_not_repeated() {
        for (json, message) in [
            (r#"{"url":"x","rate":"a \"secret\""}"#, "Expected a whole number from 0"),
            (r#"{"url":"x","inner":"secret\", expected"}"#, "Expected an object."),
            (r#"{"url":"secret","url":"secret"}"#, "twice"),
            (r#"{"url":7}"#, "Expected a string."),
            (r#"{"url":"x","rate":1e400}"#, "This number is too large."),
            (r#"{"url":"x","rate":-1}"#, "Expected a whole number from 0"),
            (r#"{"url":"x","speed":1}"#, "Known fields: url, rate, inner."),
        ] {
            let problem = parse::<Outer>(json.as_bytes()).unwrap_err();
            let text = serde_json::to_string(&problem.document()).unwrap();
            assert!(text.contains(message) && !text.contains("secret"), "{text}");
            assert!(!text.contains("struct") && !text.contains("u32"), "{text}");
        }
    }

    #[test]
    fn an_array_of_field_values_is_not_an_object() {
        for json in [r#"["x",1,null]"#, " [\"x\"]", "\"x\"", "7", "null"] {
            assert_eq!(parse::<Outer>(json.as_bytes()).unwrap_err().kind, Kind::Invalid, "{json}");
        }
        assert_eq!(parse::<Outer>(b"[1,").unwrap_err().kind, Kind::Malformed);
        assert!(parse::<Outer>(b"\n {\"url\":\"x\"}").is_ok());
    }

    #[test]
    fn invalid_json_is_rejected_with_line_and_column() {
        let problem = parse::<Outer>(b"{\"url\":").unwrap_err();
        assert_eq!(problem.kind, Kind::Malformed);
        assert!(serde_json::to_string(&problem.document()).unwrap().contains("line 1 column 7"));
    }
}
