//! Tables: as JSON, or as text with a line per row.

use std::borrow::Cow;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header,
};

use crate::{
    app_state::SharedState,
    byte_budget::HeldBytes,
    rest::{
        body::{JsonBody, read},
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
pub struct CsvBody {
    bytes: Bytes,
    /// Held until the response.
    _held: HeldBytes,
}

impl CsvBody {
    /// The text: UTF-8, or ISO 8859-1 as spreadsheets still save it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(self.bytes.iter().copied().map(char::from).collect()),
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
        let (bytes, held) = read(&parts.headers, body, TABLE_MAX_BYTES, &state.bodies.batches).await?;
        Ok(Self::Csv(CsvBody { bytes, _held: held }))
    }
}
