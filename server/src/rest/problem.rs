//! Errors of the REST API as problem documents (RFC 9457).

use std::collections::BTreeMap;

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Error, FieldError};
use serde::Serialize;
use utoipa::ToSchema;

/// Media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Where the types are described. The fragment is a JSON pointer into the document.
const TYPES: &str = "/api/v1/openapi.json#/components/responses/";

/// Longest line of text that becomes a detail, in bytes.
const LINE_MAX_BYTES: usize = 4 * 1_024;
/// Most fields that `detail` names.
const NAMED_MAX: usize = 8;

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// The kind of problem, as a link to its description.
    #[serde(rename = "type")]
    #[schema(example = "/api/v1/openapi.json#/components/responses/Invalid")]
    kind: String,
    /// The kind as text.
    #[schema(example = "A field is invalid")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What happened, and what to do.
    detail: String,
    /// What is wrong with each invalid field. Names are dotted inside objects (`payload.call_id`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    errors: BTreeMap<String, Vec<String>>,
    /// Id of the existing object that causes a conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    existing: Option<String>,
}

/// The kinds of problems: name in the type, HTTP status, title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not valid JSON.
    Malformed,
    /// No token, or an invalid one.
    Unauthenticated,
    /// The token may not do this.
    Forbidden,
    /// The account is suspended.
    Suspended,
    /// No such object, or one of another account.
    NotFound,
    /// The path does not support this method.
    MethodNotAllowed,
    /// The body took too long to arrive.
    Slow,
    /// The current state prevents it.
    Conflict,
    /// The body is larger than the limit.
    TooLarge,
    /// The media type of the body is not accepted.
    MediaType,
    /// A field breaks a rule.
    Invalid,
    /// The rate limit is exceeded.
    TooMany,
    /// Our fault.
    Internal,
    /// Temporarily unavailable.
    Unavailable,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Suspended,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Slow,
        Self::Conflict,
        Self::TooLarge,
        Self::MediaType,
        Self::Invalid,
        Self::TooMany,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Name, status and title.
    #[must_use]
    pub const fn facts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::Malformed => ("Malformed", StatusCode::BAD_REQUEST, "The request is malformed"),
            Self::Unauthenticated => ("Unauthenticated", StatusCode::UNAUTHORIZED, "No valid API token"),
            Self::Forbidden => ("Forbidden", StatusCode::FORBIDDEN, "The token may not do this"),
            Self::Suspended => ("Suspended", StatusCode::FORBIDDEN, "The account is suspended"),
            Self::NotFound => ("NotFound", StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => {
                ("MethodNotAllowed", StatusCode::METHOD_NOT_ALLOWED, "This path does not support the method")
            }
            Self::Slow => ("Slow", StatusCode::REQUEST_TIMEOUT, "The request took too long to arrive"),
            Self::Conflict => ("Conflict", StatusCode::CONFLICT, "The current state prevents it"),
            Self::TooLarge => ("TooLarge", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::MediaType => ("MediaType", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The media type is not accepted"),
            Self::Invalid => ("Invalid", StatusCode::UNPROCESSABLE_ENTITY, "A field is invalid"),
            Self::TooMany => ("TooMany", StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Internal => ("Internal", StatusCode::INTERNAL_SERVER_ERROR, "Something failed on our side"),
            Self::Unavailable => ("Unavailable", StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable"),
        }
    }

    fn of(status: u16) -> Self {
        let same = Self::ALL.into_iter().find(|kind| kind.facts().1.as_u16() == status);
        same.unwrap_or(if status >= 500 { Self::Internal } else { Self::Malformed })
    }
}

/// An error response.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Its kind.
    pub kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    existing: Option<String>,
    retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem of this kind with its detail.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), existing: None, retry_after_s: None }
    }

    /// The rate limit is exceeded; with the seconds until the next request is allowed.
    #[must_use]
    pub fn too_many(detail: impl Into<String>, retry_after_s: u32) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..Self::new(Kind::TooMany, detail) }
    }

    /// The document to send.
    #[must_use]
    pub fn document(self) -> ProblemDocument {
        let (name, status, title) = self.kind.facts();
        let mut errors = BTreeMap::<String, Vec<String>>::new();
        for error in self.errors {
            errors.entry(error.field).or_default().push(error.message);
        }
        let (kind, status) = (format!("{TYPES}{name}"), status.as_u16());
        ProblemDocument { kind, title, status, detail: self.detail, errors, existing: self.existing }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        // A suspended account has the status of any other forbidden request, and its own type.
        let kind = if matches!(error, Error::Suspended(_)) { Kind::Suspended } else { Kind::of(error.status()) };
        let problem = Self { retry_after_s: error.retry_after_s(), ..Self::new(kind, error.to_string()) };
        match error {
            Error::NotFound(noun) if noun == "Account" => {
                Self { detail: "There is no account with this id or reference.".to_owned(), ..problem }
            }
            Error::NotFound(noun) => Self { detail: format!("{noun} not found in this account."), ..problem },
            Error::Invalid(errors) => Self { detail: summarise(&errors), errors, ..problem },
            Error::Conflict { existing, .. } => Self { existing, ..problem },
            _ => problem,
        }
    }
}

/// The `detail` of invalid fields: the message of a single one, or the names of several, whose messages are in `errors`.
fn summarise(errors: &[FieldError]) -> String {
    if let [only] = errors {
        return format!("{}: {}", only.field, only.message);
    }
    let mut fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    fields.dedup();
    let named = fields.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = fields.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("Invalid: {named}{more}. See errors for the reason of each.")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (kind, retry_after_s) = (self.kind, self.retry_after_s);
        let mut response = (kind.facts().1, Json(self.document())).into_response();
        // For the metrics.
        response.extensions_mut().insert(kind);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = challenge(kind) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// RFC 6750, section 3: the challenge of a bearer token.
const fn challenge(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Unauthenticated => Some("Bearer realm=\"offhook\", error=\"invalid_token\""),
        Kind::Forbidden => Some("Bearer realm=\"offhook\", error=\"insufficient_scope\""),
        _ => None,
    }
}

/// Turns errors from outside of our handlers (an unsupported method, an invalid path) into problem documents. Caches must
/// not store anything: responses carry customers' data, and some carry credentials.
pub async fn ensure_problem_documents(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if is_error && !is_problem {
        response = document_of(&response);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Turns errors that are a line of text into problem documents with this line as their detail: for what phone systems call, whose
/// administrators read it in a log.
pub async fn documents_of_lines(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if !is_error || is_problem {
        return response;
    }
    let (parts, body) = response.into_parts();
    let line = to_bytes(body, LINE_MAX_BYTES).await.unwrap_or_default();
    let line = String::from_utf8_lossy(&line).trim().to_owned();
    document_with(&Response::from_parts(parts, Body::empty()), Some(line).filter(|line| !line.is_empty()))
}

fn document_of(response: &Response) -> Response {
    document_with(response, None)
}

fn document_with(response: &Response, detail: Option<String>) -> Response {
    let kind = Kind::of(response.status().as_u16());
    let detail = detail.unwrap_or_else(|| format!("{}.", kind.facts().2));
    let mut document = Problem::new(kind, detail).into_response();
    for name in [header::ALLOW, header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = response.headers().get(&name) {
            document.headers_mut().insert(name, value.clone());
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(fields: &[&str]) -> String {
        let missing = |field: &&str| FieldError::new(*field, "This field is missing.");
        Problem::from(Error::Invalid(fields.iter().map(missing).collect())).document().detail
    }

    #[test]
    fn the_detail_names_the_invalid_fields() {
        assert_eq!(detail(&["payload.event"]), "payload.event: This field is missing.");
        assert!(detail(&["a", "b"]).starts_with("Invalid: a, b."), "{}", detail(&["a", "b"]));
        assert!(detail(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]).contains("7, 8 and 2 more."));
    }
}
