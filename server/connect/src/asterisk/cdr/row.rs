//! A row of `Master.csv` (Asterisk's `cdr_csv`). Sixteen columns are always there; `cdr.conf` decides about those that follow:
//! the unique ID (`loguniqueid`), the user's field (`loguserfield`), and three more, linked ID and sequence at the end
//! (`newcdrcolumns`).

use domain::time::{UnixMs, parse_utc};

use crate::call::began_s;

/// Columns that are always there; the unique ID follows. Without it a row belongs to no call.
const COLUMNS: usize = 16;
/// What `newcdrcolumns` adds.
const NEW_COLUMNS: usize = 3;
/// All columns; what follows is not Asterisk's.
const COLUMNS_MAX: usize = COLUMNS + 2 + NEW_COLUMNS;

/// A row.
#[derive(Clone)]
pub(crate) struct Row {
    pub caller: String,
    pub dialled: String,
    pub context: String,
    pub channel: String,
    pub peer: String,
    pub application: String,
    pub arguments: String,
    /// In an unknown time zone, as if it were UTC.
    pub start: UnixMs,
    pub end: UnixMs,
    pub talk_s: u64,
    pub disposition: Disposition,
    pub unique_id: String,
    pub linked_id: String,
    pub sequence: u64,
}

/// How a row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    Answered,
    NoAnswer,
    Busy,
    Congestion,
    Failed,
}

impl Disposition {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "ANSWERED" => Self::Answered,
            "NO ANSWER" => Self::NoAnswer,
            "BUSY" => Self::Busy,
            "CONGESTION" => Self::Congestion,
            "FAILED" => Self::Failed,
            _ => return None,
        })
    }
}

impl Row {
    /// Whether these are the columns of a call record, but for the unique ID.
    pub(super) fn lacks_unique_id(fields: &csv::ByteRecord) -> bool {
        let text = |at: usize| String::from_utf8_lossy(fields.get(at).unwrap_or_default());
        let is_record = fields.len() >= COLUMNS && Disposition::parse(text(14).trim()).is_some();
        is_record && began_s(text(COLUMNS).trim()).is_none()
    }

    pub(crate) fn read(fields: &csv::ByteRecord) -> Option<Self> {
        let text = |at: usize| String::from_utf8_lossy(fields.get(at).unwrap_or_default()).trim().to_owned();
        // In its place there may be the user's field.
        let unique_id = Some(text(COLUMNS)).filter(|id| began_s(id).is_some())?;
        let end = fields.len().min(COLUMNS_MAX);
        let is_new = end >= COLUMNS + 1 + NEW_COLUMNS;
        let (linked_id, sequence) = if is_new { (text(end - 2), text(end - 1)) } else { Default::default() };
        let linked_id = if linked_id.is_empty() { unique_id.clone() } else { linked_id };
        let disposition = Disposition::parse(&text(14))?;
        Some(Self {
            caller: text(1),
            dialled: text(2),
            context: text(3),
            channel: text(5),
            peer: text(6),
            application: text(7),
            arguments: text(8),
            start: time(&text(9))?,
            end: time(&text(11))?,
            talk_s: text(13).parse().ok()?,
            disposition,
            unique_id,
            linked_id,
            sequence: sequence.parse().unwrap_or(0),
        })
    }

    /// Whether this row is about the channel that began the call.
    pub(super) fn is_root(&self) -> bool {
        self.unique_id == self.linked_id
    }
}

/// Reads `2026-11-28 02:27:45`.
fn time(text: &str) -> Option<UnixMs> {
    parse_utc(&text.replace(' ', "T"))
}
