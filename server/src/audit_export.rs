//! The audit log as a file: all records under a filter, read page by page while they are sent.

use std::io;

use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use domain::{
    Error,
    actor::Actor,
    audit::{AuditFilter, AuditPage, Change, Record},
    query::PAGE_MAX_ROWS,
    time::iso_utc,
};
use futures::stream;
use tower_sessions::Session;

use crate::{person, rest::audit::RecordJson, room::Shared};

/// The columns of a table, in its first line.
const COLUMNS: &str = "id,at,who_id,who,address,deed,words,object_id,object,changes,hash\r\n";
/// First characters that make a spreadsheet calculate what a cell says (OWASP, CSV injection).
const CALCULATES: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// `GET /a/{acct}/audit/export.csv` and `.json`, and the same of the installation under `/ops/audit`.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/a/{acct}/audit/export.csv", get(csv))
        .route("/a/{acct}/audit/export.json", get(json))
        .route("/ops/audit/export.csv", get(installation_csv))
        .route("/ops/audit/export.json", get(installation_json))
}

type Refused = (StatusCode, String);

async fn csv(room: State<Shared>, session: Session, acct: Path<String>, query: RawQuery) -> Result<Response, Refused> {
    let actor = person::in_account(&room, &session, &acct).await.map_err(refused)?;
    export(room, actor, Log::Account, query, Form::Csv).await
}

async fn json(room: State<Shared>, session: Session, acct: Path<String>, query: RawQuery) -> Result<Response, Refused> {
    let actor = person::in_account(&room, &session, &acct).await.map_err(refused)?;
    export(room, actor, Log::Account, query, Form::Json).await
}

async fn installation_csv(room: State<Shared>, session: Session, query: RawQuery) -> Result<Response, Refused> {
    let actor = person::in_staff(&room, &session).await.map_err(refused)?;
    export(room, actor, Log::Installation, query, Form::Csv).await
}

async fn installation_json(room: State<Shared>, session: Session, query: RawQuery) -> Result<Response, Refused> {
    let actor = person::in_staff(&room, &session).await.map_err(refused)?;
    export(room, actor, Log::Installation, query, Form::Json).await
}

/// Whose log it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    Account,
    Installation,
}

impl Log {
    async fn page(self, room: &Shared, actor: &Actor, filter: &AuditFilter) -> domain::Result<AuditPage> {
        match self {
            Self::Account => room.backend.audit(actor, filter).await,
            Self::Installation => room.backend.installation_audit(actor, filter).await,
        }
    }
}

/// What the file looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
}

async fn export(
    State(room): State<Shared>,
    actor: Actor,
    log: Log,
    RawQuery(query): RawQuery,
    form: Form,
) -> Result<Response, Refused> {
    let asked = AuditFilter::parse(&query.unwrap_or_default());
    let filter = AuditFilter { cursor: None, limit: PAGE_MAX_ROWS, ..asked };
    // The first page is read before anything is answered, so that a refusal has its status.
    let first = log.page(&room, &actor, &filter).await.map_err(refused)?;
    let reading = Reading { room, actor, log, filter, form, at: At::Page { page: first, first: true } };
    let (kind, name) = match form {
        Form::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        Form::Json => ("application/json", "attachment; filename=\"audit.json\""),
    };
    let body = Body::from_stream(stream::unfold(reading, Reading::next));
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], body).into_response())
}

fn refused(error: Error) -> Refused {
    let status = match &error {
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) | Error::Suspended(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{error}\n"))
}

/// An export under way.
struct Reading {
    room: Shared,
    actor: Actor,
    log: Log,
    filter: AuditFilter,
    form: Form,
    at: At,
}

/// How far it has come.
enum At {
    /// This page has been read and is sent next.
    Page { page: AuditPage, first: bool },
    /// The page at this position is read next.
    Older(String),
    /// Everything has been sent.
    End,
}

impl Reading {
    /// The next part of the file. An error breaks the download off, so that nobody takes a part for the whole.
    async fn next(mut self) -> Option<(io::Result<String>, Self)> {
        let (page, first) = match std::mem::replace(&mut self.at, At::End) {
            At::End => return None,
            At::Page { page, first } => (page, first),
            At::Older(cursor) => {
                let filter = AuditFilter { cursor: Some(cursor), ..self.filter.clone() };
                match self.log.page(&self.room, &self.actor, &filter).await {
                    Ok(page) => (page, false),
                    Err(error) => return Some((Err(io::Error::other(error)), self)),
                }
            }
        };
        let text = self.form.part(page.rows, first, page.next.is_none());
        if let Some(cursor) = page.next {
            self.at = At::Older(cursor);
        }
        Some((Ok(text), self))
    }
}

impl Form {
    /// A page of records as its part of the file, with what stands before the first and after the last.
    fn part(self, rows: Vec<Record>, first: bool, last: bool) -> String {
        match self {
            Self::Csv => {
                let head = if first { COLUMNS } else { "" };
                rows.iter().fold(head.to_owned(), |text, record| text + &line(record))
            }
            Self::Json => {
                let records = rows.into_iter().map(json_text);
                let text = records.collect::<Vec<_>>().join(",\n");
                let before = if first { "[\n" } else { ",\n" };
                format!("{before}{text}{}", if last { "\n]\n" } else { "" })
            }
        }
    }
}

fn json_text(record: Record) -> String {
    // A record is made of texts, which always serialise.
    serde_json::to_string(&RecordJson::from(record)).unwrap_or_default()
}

/// A record as a line of the table (RFC 4180).
fn line(record: &Record) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let changes = record.changes.iter().map(change).collect::<Vec<_>>().join("; ");
    let cells = [
        record.id.to_string(),
        iso_utc(record.at),
        text(&record.who_id),
        text(&record.who),
        text(&record.address),
        record.deed.as_str().to_owned(),
        record.deed.words().to_owned(),
        text(&record.object_id),
        text(&record.object),
        changes,
        record.hash.clone(),
    ];
    cells.map(|cell| quoted(&cell)).join(",") + "\r\n"
}

fn change(change: &Change) -> String {
    let after = change.after.as_deref().unwrap_or("none");
    match &change.before {
        Some(before) => format!("{}: {before} -> {after}", change.what),
        None => format!("{}: {after}", change.what),
    }
}

/// A cell in quotes. What a spreadsheet would calculate gets an apostrophe before it, so that it stays a text.
fn quoted(cell: &str) -> String {
    let harmless = if cell.starts_with(CALCULATES) { "'" } else { "" };
    format!("\"{harmless}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use domain::{UnixMs, audit::Deed, id::AuditId};

    use super::*;

    fn record(object: &str) -> Record {
        Record {
            id: AuditId::new(UnixMs(0), 1),
            at: UnixMs(0),
            who_id: None,
            who: Some("ana@acme.example".to_owned()),
            address: None,
            deed: Deed::EndpointChanged,
            object_id: None,
            object: Some(object.to_owned()),
            changes: Change::between("name", "a \"b\"", "c").into_iter().collect(),
            hash: "00".to_owned(),
        }
    }

    #[test]
    fn a_cell_stays_a_text_and_in_its_place() {
        for (cell, written) in [
            ("=1+1", "\"'=1+1\""),
            ("+49", "\"'+49\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
        ] {
            assert_eq!(quoted(cell), written);
        }
        assert!(line(&record("=cmd()")).contains("\"'=cmd()\",\"name: a \"\"b\"\" -> c\""));
    }

    #[test]
    fn the_parts_of_an_export_make_one_array() {
        let parts = [
            Form::Json.part(vec![record("a"), record("b")], true, false),
            Form::Json.part(vec![record("c")], false, true),
        ];
        let whole: serde_json::Value = serde_json::from_str(&parts.concat()).unwrap();
        assert_eq!(whole.as_array().unwrap().len(), 3);
        let none: serde_json::Value = serde_json::from_str(&Form::Json.part(Vec::new(), true, true)).unwrap();
        assert_eq!(none, serde_json::json!([]));
    }
}
