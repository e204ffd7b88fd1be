//! Imports of call record files as JSON, and how a file is read as a query.

use domain::{
    Error,
    connector::{
        Connector,
        imports::{BadRecord, Reading, RecordImport},
    },
    time::iso_utc,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::rest::{problem::Problem, query::Query};

/// The import of a call record file.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportJson {
    /// Id.
    #[schema(example = "imp_01kb4qz1a2b3c4d5e6f7g8h9jk")]
    id: String,
    /// The connector.
    connector: String,
    /// Name of the file.
    name: String,
    /// Its size in bytes.
    bytes: u64,
    /// `uploading`, `ready` (uploaded on a page, and not imported yet), `running`, `done`, `cancelled` or `failed`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Why it waits or has failed.
    problem: Option<String>,
    /// The preset that it is read by; `columns` for columns that were chosen.
    preset: Option<String>,
    /// Bytes that were read.
    bytes_read: u64,
    /// Rows that were read, without a header.
    rows: u64,
    /// Events that are new.
    imported: u64,
    /// Events that were known already.
    known: u64,
    /// Rows and calls that are of no interest, such as internal calls.
    ignored: u64,
    /// Rows that were not understood: see `not-imported`.
    not_understood: u64,
    /// Calls that no route leads to an account.
    unrouted: u64,
    /// Events that can't be accepted: see `not-imported`.
    rejected: u64,
    /// Who uploaded it.
    created_by: String,
    /// When.
    created_at: String,
    /// When the import began.
    started_at: Option<String>,
    /// When it ended.
    ended_at: Option<String>,
}

impl From<RecordImport> for ImportJson {
    fn from(import: RecordImport) -> Self {
        let progress = import.progress;
        Self {
            id: import.id.into(),
            connector: import.connector.into(),
            name: import.file_name,
            bytes: import.file_bytes,
            state: import.state.as_str(),
            problem: import.problem,
            preset: import.reading.map(|reading| reading.preset),
            bytes_read: progress.bytes_read,
            rows: progress.rows,
            imported: progress.imported,
            known: progress.known,
            ignored: progress.ignored,
            not_understood: progress.not_understood,
            unrouted: progress.unrouted,
            rejected: progress.rejected,
            created_by: import.created_by,
            created_at: iso_utc(import.created_at),
            started_at: import.started_at.map(iso_utc),
            ended_at: import.ended_at.map(iso_utc),
        }
    }
}

/// A row that was not imported.
#[derive(Debug, Serialize, ToSchema)]
pub struct BadRowJson {
    /// Number of its line in the file; null for a call of several rows.
    line: Option<u64>,
    /// Why, as a sentence. It may quote the row.
    reason: String,
}

impl From<BadRecord> for BadRowJson {
    fn from(row: BadRecord) -> Self {
        Self { line: row.line, reason: row.reason }
    }
}

/// The name of a file and how it is read. Without a preset and columns, it is read as the last one.
///
/// # Errors
/// 422 for parameters that do not exist, and for a preset together with columns: one of them would mean nothing.
pub(super) fn reading(mut query: Query, connector: &Connector) -> Result<(String, Reading), Problem> {
    let name = query.text("name").unwrap_or_default();
    let (preset, zone) = (query.text("preset"), query.text("zone"));
    let mut has_columns = false;
    let mut text = |name| {
        let text = query.text(name);
        has_columns |= text.is_some();
        text.unwrap_or_default()
    };
    let given = Reading {
        preset: preset.clone().unwrap_or_else(|| Reading::COLUMNS.to_owned()),
        zone: String::new(),
        caller: text("caller"),
        callee: text("callee"),
        start: text("start"),
        duration: text("duration"),
        answer: text("answer"),
        end: text("end"),
        status: text("status"),
        statuses: text("statuses"),
        direction: text("direction"),
        directions: text("directions"),
        extension: text("extension"),
        call: text("call"),
        cost: text("cost"),
    };
    query.finish()?;
    if has_columns && given.preset != Reading::COLUMNS {
        return Err(Error::invalid("preset", "Give a preset or columns, not both.").into());
    }
    let last = Reading::suggested(connector, "UTC");
    let zone = zone.unwrap_or_else(|| last.zone.clone());
    let reading = if has_columns || preset.is_some() { given } else { last };
    Ok((name, Reading { zone, ..reading }))
}
