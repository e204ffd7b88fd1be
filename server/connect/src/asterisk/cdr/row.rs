//! A row of `Master.csv` (Asterisk's `cdr_csv`), with the columns of `newcdrcolumns` at its end.

use domain::time::{UnixMs, parse_utc};

/// Fewest columns: without unique ID a row belongs to no call.
const COLUMNS_MIN: usize = 17;

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

impl Row {
    pub(crate) fn read(fields: &csv::ByteRecord) -> Option<Self> {
        if fields.len() < COLUMNS_MIN {
            return None;
        }
        let text = |at: usize| String::from_utf8_lossy(fields.get(at).unwrap_or_default()).trim().to_owned();
        let unique_id = text(16);
        let linked_id = if text(19).is_empty() { unique_id.clone() } else { text(19) };
        if linked_id.is_empty() {
            return None;
        }
        let disposition = match text(14).as_str() {
            "ANSWERED" => Disposition::Answered,
            "NO ANSWER" => Disposition::NoAnswer,
            "BUSY" => Disposition::Busy,
            "CONGESTION" => Disposition::Congestion,
            "FAILED" => Disposition::Failed,
            _ => return None,
        };
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
            sequence: text(20).parse().unwrap_or(0),
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
