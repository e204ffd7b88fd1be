//! How a file is read, and what that makes of its first rows.

use serde::{Deserialize, Serialize};

use crate::{
    connector::{Connector, System},
    error::Error,
};

/// How a file is read, as typed and as it is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// Name of the preset; [`Reading::COLUMNS`] for columns that are chosen here.
    pub preset: String,
    /// Time zone of the file's times.
    pub zone: String,
    /// Column of the caller's number.
    pub caller: String,
    /// Column of the number called.
    pub callee: String,
    /// Column of the beginning.
    pub start: String,
    /// Column of the duration.
    pub duration: String,
    /// Column of when it was answered.
    pub answer: String,
    /// Column of the end.
    pub end: String,
    /// Column of the result.
    pub status: String,
    /// Which results mean what, one `Beantwortet: answered` per line.
    pub statuses: String,
    /// Column of the direction, or `incoming` or `outgoing` for all calls.
    pub direction: String,
    /// Which directions mean what, one per line.
    pub directions: String,
    /// Column of the extension.
    pub extension: String,
    /// Column of the call's ID.
    pub call: String,
    /// Column of the cost.
    pub cost: String,
}

impl Reading {
    /// The name of the preset for columns that are chosen.
    pub const COLUMNS: &'static str = "columns";

    /// How the next file of a connector is probably read: as the last one, or by the preset of its phone system.
    #[must_use]
    pub fn suggested(connector: &Connector, zone: &str) -> Self {
        let remembered = connector.records.as_deref().and_then(|json| serde_json::from_str(json).ok());
        remembered.unwrap_or_else(|| {
            let preset = match connector.system {
                System::Asterisk | System::FreeSwitch | System::Grandstream | System::ThreeCx => {
                    connector.system.as_str()
                }
                _ => Self::COLUMNS,
            };
            let zone = connector.time_zone.as_deref().unwrap_or(zone);
            Self { preset: preset.to_owned(), zone: zone.to_owned(), ..Self::default() }
        })
    }
}

/// A kind of file that is understood without choosing columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePreset {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Whether it was checked against the vendor's own documentation.
    pub documented: bool,
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileColumn {
    /// Its number, from 1.
    pub number: usize,
    /// What the first row has there: its name, if the file has a header.
    pub first: String,
    /// What the second row has there.
    pub example: String,
}

/// What becomes of the first rows of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePreview {
    /// In the order of the file.
    pub rows: Vec<PreviewRow>,
    /// Whether the file has further rows.
    pub more: bool,
}

impl FilePreview {
    /// Refuses a file of another kind, or with other columns, which would only give a long list of errors.
    ///
    /// # Errors
    /// `Invalid` in the field `preset`.
    pub fn check(&self) -> crate::error::Result<()> {
        if self.rows.iter().any(|row| row.result.is_ok()) {
            return Ok(());
        }
        let message = "None of the first rows is understood. Choose another kind of file, or its columns.";
        Err(Error::invalid("preset", message))
    }
}

/// What becomes of a row, or of the rows of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRow {
    /// Number of its line.
    pub line: u64,
    /// The call; why the row isn't understood; or nothing, if it is of no interest.
    pub result: Result<Option<PreviewCall>, String>,
}

/// A call as it is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewCall {
    /// Incoming, outgoing or internal.
    pub direction: String,
    /// Who called.
    pub from: String,
    /// Who was called, or answered.
    pub to: String,
    /// When it ended, in the time zone of the file.
    pub at: String,
    /// Seconds of talk.
    pub duration_s: u64,
    /// How it ended.
    pub status: String,
}
