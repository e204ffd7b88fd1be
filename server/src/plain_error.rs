//! Errors of what is neither a page nor REST, and of pages that cannot be rendered.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use domain::Error;

use crate::{
    rest::problem::{Kind, Problem},
    site,
};

/// An error as a plain-text response.
#[derive(Debug)]
pub struct PlainError(Error);

impl From<Error> for PlainError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// An error before any route: a problem document for programs, a document for a browser, otherwise a line of text.
pub fn respond(path: &str, headers: &HeaderMap, error: Error) -> Response {
    if is_for_programs(path) {
        return Problem::from(error).into_response();
    }
    let document =
        wants_page(headers).then(|| Html(app::error_document(error.clone(), site::assets())).into_response());
    let mut response = PlainError::from(error).into_response();
    if let Some(document) = document {
        let (parts, body) = document.into_parts();
        response.headers_mut().extend(parts.headers);
        *response.body_mut() = body;
    }
    response
}

/// Whether only programs use what is below this path: they read problem documents.
fn is_for_programs(path: &str) -> bool {
    ["/api/", "/in/", "/connect/"].iter().any(|prefix| path.starts_with(prefix))
}

/// Whether a browser asks for something to show. Programs get text.
pub fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"))
}

/// A refusal before any route: a problem document for programs, otherwise a line of text.
pub fn refuse(path: &str, kind: Kind, detail: &str) -> Response {
    if is_for_programs(path) {
        Problem::new(kind, detail).into_response()
    } else {
        (kind.facts().1, format!("{detail}\n")).into_response()
    }
}

impl IntoResponse for PlainError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, format!("{}\n", self.0)).into_response();
        if let Some(retry_after_s) = self.0.retry_after_s() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}
