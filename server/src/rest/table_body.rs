//! Tables: as JSON, or as text with a line per row.

use std::borrow::Cow;

use axum::{
    extract::{FromRequest, Request},
    http::header,
};

use crate::{
    app_state::SharedState,
    request_body::Received,
    rest::{
        body::{JsonBody, receive},
        problem::Problem,
        query::Query,
    },
};

/// Largest table in bytes: of 100,000 routes.
pub const TABLE_MAX_BYTES: usize = 8 * 1_024 * 1_024;

/// The body of an operation that takes a table.
pub enum TableBody {
    /// JSON.
    Json(JsonBody<TABLE_MAX_BYTES>),
    /// `text/csv`.
    Csv(CsvBody),
}

/// A table as text.
pub struct CsvBody(Received<String>);

impl CsvBody {
    /// The text: UTF-8, or ISO 8859-1 as spreadsheets still save it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match std::str::from_utf8(&self.0.bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(self.0.bytes.iter().copied().map(char::from).collect()),
        }
    }
}

impl FromRequest<SharedState> for TableBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &SharedState) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("text/csv") {
            return JsonBody::from_request(request, state).await.map(Self::Json);
        }
        let (parts, body) = request.into_parts();
        Query::of(parts.uri.query().unwrap_or_default()).finish()?;
        receive(&parts, body, TABLE_MAX_BYTES, state).await.map(CsvBody).map(Self::Csv)
    }
}
