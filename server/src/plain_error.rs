//! Errors of routes that are neither pages nor REST: one line of plain text.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::Error;

use crate::rest::{
    self,
    problem::{Kind, Problem},
};

/// An error as a plain-text response.
#[derive(Debug)]
pub struct PlainError(Error);

impl From<Error> for PlainError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// An error for this path: a problem document for the REST API.
pub fn respond(path: &str, error: Error) -> Response {
    if path.starts_with(rest::PREFIX) {
        Problem::from(error).into_response()
    } else {
        PlainError::from(error).into_response()
    }
}

/// A refusal before any route: a problem document for the REST API, otherwise a line of text.
pub fn refuse(path: &str, kind: Kind, detail: &str) -> Response {
    if path.starts_with(rest::PREFIX) {
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
