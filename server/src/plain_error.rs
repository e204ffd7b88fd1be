//! Errors of routes that are neither pages nor REST: one line of plain text.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::Error;

/// An error as a plain-text response.
#[derive(Debug)]
pub struct PlainError(Error);

impl From<Error> for PlainError {
    fn from(error: Error) -> Self {
        Self(error)
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
