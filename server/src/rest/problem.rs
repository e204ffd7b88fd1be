//! Errors of the REST API as problem documents (RFC 9457). The one place where the domain's errors become HTTP.

use std::collections::BTreeMap;

use axum::{
    Json,
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
/// Where the types are described: the fragment is a JSON pointer into the document.
const TYPES: &str = "/api/v1/openapi.json#/components/responses/";

/// Most fields that `detail` names.
const NAMED_MAX: usize = 8;

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// Names the kind of problem; leads to its description.
    #[serde(rename = "type")]
    #[schema(example = "/api/v1/openapi.json#/components/responses/Invalid")]
    kind: String,
    /// The kind in words.
    #[schema(example = "A field cannot be accepted")]
    title: &'static str,
    /// The HTTP status again.
    #[schema(example = 422)]
    status: u16,
    /// What happened this time, and what to do.
    detail: String,
    /// For fields that cannot be accepted: what is wrong, by field, dotted inside objects (`payload.call_id`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    errors: BTreeMap<String, Vec<String>>,
    /// Id of what stands in the way, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    existing: Option<String>,
}

/// The kinds of problems: name in the type, HTTP status, title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not JSON at all.
    Malformed,
    /// No token, or not a known one.
    Unauthenticated,
    /// The token may not do this.
    Forbidden,
    /// The account is suspended.
    Suspended,
    /// No such thing, or another account's.
    NotFound,
    /// The path exists, the method there does not.
    MethodNotAllowed,
    /// The body took too long to arrive.
    Slow,
    /// The present state stands against it.
    Conflict,
    /// The body is larger than the limit.
    TooLarge,
    /// The body is not JSON by its own account.
    MediaType,
    /// A field breaks a rule.
    Invalid,
    /// Too often.
    TooMany,
    /// Our fault.
    Internal,
    /// Not just now.
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
            Self::Malformed => ("Malformed", StatusCode::BAD_REQUEST, "The request cannot be read"),
            Self::Unauthenticated => ("Unauthenticated", StatusCode::UNAUTHORIZED, "No valid API token"),
            Self::Forbidden => ("Forbidden", StatusCode::FORBIDDEN, "The token may not do this"),
            Self::Suspended => ("Suspended", StatusCode::FORBIDDEN, "The account is suspended"),
            Self::NotFound => ("NotFound", StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => {
                ("MethodNotAllowed", StatusCode::METHOD_NOT_ALLOWED, "This path does not have that method")
            }
            Self::Slow => ("Slow", StatusCode::REQUEST_TIMEOUT, "The request took too long to arrive"),
            Self::Conflict => ("Conflict", StatusCode::CONFLICT, "The present state stands against it"),
            Self::TooLarge => ("TooLarge", StatusCode::PAYLOAD_TOO_LARGE, "Larger than the limit"),
            Self::MediaType => ("MediaType", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Only JSON is read here"),
            Self::Invalid => ("Invalid", StatusCode::UNPROCESSABLE_ENTITY, "A field cannot be accepted"),
            Self::TooMany => ("TooMany", StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Internal => ("Internal", StatusCode::INTERNAL_SERVER_ERROR, "Our side failed"),
            Self::Unavailable => ("Unavailable", StatusCode::SERVICE_UNAVAILABLE, "Not possible just now"),
        }
    }

    fn of(status: StatusCode) -> Self {
        let same = Self::ALL.into_iter().find(|kind| kind.facts().1 == status);
        same.unwrap_or(if status.is_server_error() { Self::Internal } else { Self::Malformed })
    }
}

/// An error on its way out.
#[derive(Debug)]
pub struct Problem {
    /// Its kind.
    pub kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    existing: Option<String>,
    retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem of this kind with a sentence.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), existing: None, retry_after_s: None }
    }

    /// Too often, with the seconds until the next try.
    #[must_use]
    pub fn too_many(detail: impl Into<String>, retry_after_s: u32) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..Self::new(Kind::TooMany, detail) }
    }

    /// The document that is sent.
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
        let detail = error.to_string();
        let plain = |kind| Self::new(kind, detail.clone());
        match error {
            Error::NotFound(noun) if noun == "Account" => {
                Self::new(Kind::NotFound, "There is no account with this id or reference.")
            }
            Error::NotFound(noun) => Self::new(Kind::NotFound, format!("{noun} not found in this account.")),
            Error::Unauthenticated(_) => plain(Kind::Unauthenticated),
            Error::Forbidden(_) => plain(Kind::Forbidden),
            Error::Suspended(_) => plain(Kind::Suspended),
            Error::Invalid(errors) => Self { detail: in_short(&errors), errors, ..plain(Kind::Invalid) },
            Error::Conflict { existing, .. } => Self { existing, ..plain(Kind::Conflict) },
            Error::TooLarge(_) => plain(Kind::TooLarge),
            Error::TooMany { retry_after_s } => Self { retry_after_s: Some(retry_after_s), ..plain(Kind::TooMany) },
            Error::Unavailable { retry_after_s, .. } => {
                Self { retry_after_s: Some(retry_after_s), ..plain(Kind::Unavailable) }
            }
            Error::Internal => plain(Kind::Internal),
        }
    }
}

/// What `detail` says of fields: the complaint about one, or the names of several, whose complaints stand in `errors`.
fn in_short(errors: &[FieldError]) -> String {
    if let [only] = errors {
        return format!("{}: {}", only.field, only.message);
    }
    let mut fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    fields.dedup();
    let named = fields.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = fields.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("Not acceptable: {named}{more}. What is wrong with each stands in errors.")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (kind, retry_after_s) = (self.kind, self.retry_after_s);
        let mut response = (kind.facts().1, Json(self.document())).into_response();
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

/// Turns errors that no handler wrote (a method that is not there, a path that cannot be read) into problem
/// documents too. Nothing is kept by caches: answers carry customers' data, and some carry credentials.
pub async fn documents(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if is_error && !is_problem {
        response = document_of(&response);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn document_of(response: &Response) -> Response {
    let kind = Kind::of(response.status());
    let mut document = Problem::new(kind, format!("{}.", kind.facts().2)).into_response();
    for name in [header::ALLOW, header::RETRY_AFTER] {
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
    fn the_detail_names_the_fields_that_are_wrong() {
        assert_eq!(detail(&["payload.event"]), "payload.event: This field is missing.");
        assert!(detail(&["a", "b"]).starts_with("Not acceptable: a, b."), "{}", detail(&["a", "b"]));
        assert!(detail(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]).contains("7, 8 and 2 more."));
    }
}
