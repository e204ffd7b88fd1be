//! Export of the audit log: all records that match a filter, read page by page while they are sent.

use std::io;

use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery, State},
    http::header,
    response::{IntoResponse as _, Response},
    routing::get,
};
use domain::{
    actor::Actor,
    audit::{AuditFilter, AuditPage, AuditRecord, Change},
    query::PAGE_MAX_ROWS,
    time::iso_utc,
};
use futures::stream;
use tower_sessions::Session;

use crate::{app_state::SharedState, plain_error::PlainError, rest::audit::RecordJson, user};

/// The header of the CSV file.
const COLUMNS: [&str; 11] =
    ["id", "at", "who_id", "who", "address", "action", "summary", "object_id", "object", "changes", "hash"];
/// First characters that make a spreadsheet treat a cell as a formula (OWASP, CSV injection).
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// `GET /a/{acct}/audit/export.csv` and `.json`, and the same for the ops log under `/ops/audit`.
pub fn routes() -> Router<SharedState> {
    Router::new()
        .route("/a/{acct}/audit/export.csv", get(csv))
        .route("/a/{acct}/audit/export.json", get(json))
        .route("/ops/audit/export.csv", get(ops_csv))
        .route("/ops/audit/export.json", get(ops_json))
}

type Exported = Result<Response, PlainError>;

async fn csv(state: State<SharedState>, session: Session, acct: Path<String>, query: RawQuery) -> Exported {
    let actor = user::member(&state, &session, &acct).await?;
    export(state, actor, Log::Account, query, Format::Csv).await
}

async fn json(state: State<SharedState>, session: Session, acct: Path<String>, query: RawQuery) -> Exported {
    let actor = user::member(&state, &session, &acct).await?;
    export(state, actor, Log::Account, query, Format::Json).await
}

async fn ops_csv(state: State<SharedState>, session: Session, query: RawQuery) -> Exported {
    let actor = user::operator(&state, &session).await?;
    export(state, actor, Log::Ops, query, Format::Csv).await
}

async fn ops_json(state: State<SharedState>, session: Session, query: RawQuery) -> Exported {
    let actor = user::operator(&state, &session).await?;
    export(state, actor, Log::Ops, query, Format::Json).await
}

/// Which log is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    Account,
    Ops,
}

impl Log {
    async fn page(self, state: &SharedState, actor: &Actor, filter: &AuditFilter) -> domain::Result<AuditPage> {
        match self {
            Self::Account => state.backend.audit(actor, filter).await,
            Self::Ops => state.backend.ops_audit(actor, filter).await,
        }
    }
}

/// The format of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
}

async fn export(
    State(state): State<SharedState>,
    actor: Actor,
    log: Log,
    RawQuery(query): RawQuery,
    format: Format,
) -> Exported {
    let requested = AuditFilter::parse(&query.unwrap_or_default());
    let filter = AuditFilter { cursor: None, limit: PAGE_MAX_ROWS, ..requested };
    // The first page is read before the response starts, so that an error gets its own status.
    let first = log.page(&state, &actor, &filter).await?;
    let export = Export { state, actor, log, filter, format, position: Position::Page { page: first, first: true } };
    let (kind, name) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        Format::Json => ("application/json", "attachment; filename=\"audit.json\""),
    };
    let body = Body::from_stream(stream::try_unfold(export, Export::next));
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], body).into_response())
}

/// An export in progress.
struct Export {
    state: SharedState,
    actor: Actor,
    log: Log,
    filter: AuditFilter,
    format: Format,
    position: Position,
}

/// How far it is.
enum Position {
    /// This page has been read, and is sent next.
    Page { page: AuditPage, first: bool },
    /// The page at this cursor is read next.
    Older(String),
    /// Everything has been sent.
    End,
}

impl Export {
    /// The next part of the file. An error aborts the download, so that a part is not mistaken for the whole.
    async fn next(mut self) -> io::Result<Option<(Vec<u8>, Self)>> {
        let (page, first) = match std::mem::replace(&mut self.position, Position::End) {
            Position::End => return Ok(None),
            Position::Page { page, first } => (page, first),
            Position::Older(cursor) => {
                let filter = AuditFilter { cursor: Some(cursor), ..self.filter.clone() };
                (self.log.page(&self.state, &self.actor, &filter).await.map_err(io::Error::other)?, false)
            }
        };
        let part = self.format.part(page.rows, first, page.next.is_none())?;
        if let Some(cursor) = page.next {
            self.position = Position::Older(cursor);
        }
        Ok(Some((part, self)))
    }
}

impl Format {
    /// A page of records as a part of the file: the first part has the beginning, the last the end.
    fn part(self, rows: Vec<AuditRecord>, first: bool, last: bool) -> io::Result<Vec<u8>> {
        match self {
            Self::Csv => csv_part(&rows, first),
            Self::Json => {
                let records = rows.into_iter().map(|record| serde_json::to_string(&RecordJson::from(record)));
                let text = records.collect::<Result<Vec<_>, _>>()?.join(",\n");
                let before = if first { "[\n" } else { ",\n" };
                Ok(format!("{before}{text}{}", if last { "\n]\n" } else { "" }).into_bytes())
            }
        }
    }
}

/// Records as lines of the table (RFC 4180). Every cell is quoted.
fn csv_part(rows: &[AuditRecord], first: bool) -> io::Result<Vec<u8>> {
    let mut builder = csv::WriterBuilder::new();
    let mut table =
        builder.quote_style(csv::QuoteStyle::Always).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if first {
        table.write_record(COLUMNS)?;
    }
    for record in rows {
        table.write_record(cells(record).map(inert))?;
    }
    table.into_inner().map_err(csv::IntoInnerError::into_error)
}

fn cells(record: &AuditRecord) -> [String; COLUMNS.len()] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        record.id.to_string(),
        iso_utc(record.at),
        text(&record.who_id),
        text(&record.who),
        text(&record.address),
        record.action.as_str().to_owned(),
        record.action.summary().to_owned(),
        text(&record.object_id),
        text(&record.object),
        record.changes.iter().map(change).collect::<Vec<_>>().join("; "),
        record.hash.clone(),
    ]
}

fn change(change: &Change) -> String {
    let after = change.after.as_deref().unwrap_or("none");
    match &change.before {
        Some(before) => format!("{}: {before} -> {after}", change.what),
        None => format!("{}: {after}", change.what),
    }
}

/// A cell that no spreadsheet treats as a formula: an apostrophe in front keeps it a text.
pub(crate) fn inert(cell: String) -> String {
    if cell.starts_with(FORMULA_STARTS) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use domain::{UnixMs, audit::AuditAction, id::AuditId};

    use super::*;

    fn record(object: &str) -> AuditRecord {
        AuditRecord {
            id: AuditId::new(UnixMs(0), 1),
            position: 1,
            at: UnixMs(0),
            who_id: None,
            who: Some("ana@acme.example".to_owned()),
            address: None,
            action: AuditAction::EndpointChanged,
            object_id: None,
            object: Some(object.to_owned()),
            changes: Change::between("name", "a \"b\"", "c").into_iter().collect(),
            hash: "00".to_owned(),
        }
    }

    #[test]
    fn no_cell_becomes_a_formula_or_moves_to_another_column() {
        for (object, written) in [
            ("=1+1", "\"'=1+1\""),
            ("+49", "\"'+49\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
        ] {
            let table = String::from_utf8(csv_part(&[record(object)], false).unwrap()).unwrap();
            assert!(table.contains(&format!(",{written},\"name: a \"\"b\"\" -> c\",")), "{table}");
        }
    }

    #[test]
    fn the_parts_of_an_export_form_one_array() {
        let parts = [
            Format::Json.part(vec![record("a"), record("b")], true, false).unwrap(),
            Format::Json.part(vec![record("c")], false, true).unwrap(),
        ];
        let whole: serde_json::Value = serde_json::from_slice(&parts.concat()).unwrap();
        assert_eq!(whole.as_array().unwrap().len(), 3);
        let none = Format::Json.part(Vec::new(), true, true).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&none).unwrap(), serde_json::json!([]));
    }
}
