//! Call record files that people upload: their import, which continues whether or not anyone looks at it.

mod port;
mod reading;

use serde::{Deserialize, Serialize};

pub use self::{
    port::{BadRecord, NewPiece, RecordFiles, RecordImports},
    reading::{FileColumn, FilePreset, FilePreview, PreviewCall, PreviewRow, Reading},
};
use super::system::names;
use crate::{
    id::{ConnectorId, ImportId},
    time::{DAY_MS, MINUTE_MS, SECOND_MS, UnixMs},
};

/// Largest call record file, in bytes.
pub const FILE_MAX_BYTES: u64 = 256 * 1_024 * 1_024;
/// Bytes of a file that are kept together. The preview shows what is in the first ones.
pub const PIECE_BYTES: usize = 1_024 * 1_024;
/// Files of an owner that are kept at once: uploaded and not yet imported.
pub const FILES_MAX: u32 = 3;
/// How long a file is kept that nobody imports, in milliseconds.
pub const UNUSED_KEPT_MS: i64 = DAY_MS;
/// How long a file that is arriving keeps its place without a byte, in milliseconds.
pub const UPLOAD_LEASE_MS: i64 = MINUTE_MS;
/// How often an upload renews that while bytes arrive, in milliseconds.
pub const UPLOAD_RENEW_MS: i64 = 15 * SECOND_MS;
/// How often an import is tried without any of its rows getting done.
pub const TRIES_MAX: u32 = 10;
/// How long an import may wait for its owner without any of its rows getting done, in milliseconds.
pub const WAITING_MAX_MS: i64 = 7 * DAY_MS;
/// How long a finished import is shown, in milliseconds. Its file is deleted at once.
pub const IMPORTS_KEPT_MS: i64 = 7 * DAY_MS;
/// Most imports of a connector that a page lists.
pub const IMPORTS_SHOWN: u32 = 20;
/// Rows that were not understood, of one import, that are kept.
pub const BAD_ROWS_KEPT: u64 = 10_000;
/// Longest name of a file that is kept, in characters.
pub const FILE_NAME_MAX_CHARS: usize = 120;

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ImportState {
    /// The file is arriving.
    Uploading,
    /// The file is here; someone has to say how it is read.
    Ready,
    /// It is being imported.
    Running,
    /// It was imported.
    Done,
    /// Someone stopped it, or discarded the file.
    Cancelled,
    /// It can't be imported.
    Failed,
}

names! { ImportState {
    Uploading = "uploading", "Uploading";
    Ready = "ready", "Not imported yet";
    Running = "running", "Importing";
    Done = "done", "Imported";
    Cancelled = "cancelled", "Cancelled";
    Failed = "failed", "Failed";
} }

impl ImportState {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed)
    }
}

/// What became of the rows so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProgress {
    /// Events and bad rows that are done, in the order of the file: where an interrupted import continues.
    pub items: u64,
    /// Bytes that were read for them.
    pub bytes_read: u64,
    /// Rows, without a header.
    pub rows: u64,
    /// Events that are new.
    pub imported: u64,
    /// Events that were known already.
    pub known: u64,
    /// Rows and calls that are of no interest, such as internal calls.
    pub ignored: u64,
    /// Rows that were not understood.
    pub not_understood: u64,
    /// Calls that no route leads to an account.
    pub unrouted: u64,
    /// Events that can't be accepted.
    pub rejected: u64,
}

/// The import of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordImport {
    /// Id.
    pub id: ImportId,
    /// The phone system.
    pub connector: ConnectorId,
    /// Name of the file.
    pub file_name: String,
    /// Its size.
    pub file_bytes: u64,
    /// How far it is.
    pub state: ImportState,
    /// How the file is read, once someone has chosen that.
    pub reading: Option<Reading>,
    /// Who uploaded it.
    pub created_by: String,
    /// When.
    pub created_at: UnixMs,
    /// When the import began.
    pub started_at: Option<UnixMs>,
    /// When its last rows were done, or when something got in its way after that; without either, when it began.
    pub progressed_at: UnixMs,
    /// How often it was tried since its last rows were done.
    pub tries: u32,
    /// When it ended.
    pub ended_at: Option<UnixMs>,
    /// What became of the rows.
    pub progress: ImportProgress,
    /// Why it waits or has failed.
    pub problem: Option<String>,
}

impl RecordImport {
    /// Why it is not tried again, as a sentence; nothing while it may still succeed.
    #[must_use]
    pub fn hopeless(&self) -> Option<String> {
        (self.tries >= TRIES_MAX).then(|| {
            format!(
                "The server tried {} times to import the rows after row {} and had to start again each time. Remove \
                 what is unusual there, or split the file, and import it again: nothing is stored twice.",
                self.tries, self.progress.rows
            )
        })
    }

    /// Whether it waits no longer for what is still in its way. Time in which nothing was, such as while the server was off or
    /// other imports had their turn, does not count.
    #[must_use]
    pub fn has_waited_too_long(&self, now: UnixMs) -> bool {
        self.problem.is_some() && now.since_ms(self.progressed_at) > WAITING_MAX_MS
    }

    /// That it has [waited too long](Self::has_waited_too_long), for this reason.
    #[must_use]
    pub fn waited(why: &str) -> String {
        format!(
            "No row could be imported for {} days. {why} Once that is solved, import the file again: nothing is stored twice.",
            WAITING_MAX_MS / DAY_MS
        )
    }
}

/// A file name as it is kept: without folders and control characters.
#[must_use]
pub fn file_name(sent: &str) -> String {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(FILE_NAME_MAX_CHARS).collect();
    if name.trim().is_empty() { "records.csv".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_given_up_after_a_number_of_tries_or_days_with_something_in_its_way() {
        let begun = UnixMs(1_000);
        let import = |tries, problem: Option<&str>| RecordImport {
            id: ImportId::new(begun, 1),
            connector: ConnectorId::new(begun, 1),
            file_name: "calls.csv".into(),
            file_bytes: 1,
            state: ImportState::Running,
            reading: None,
            created_by: "ana".into(),
            created_at: begun,
            started_at: Some(begun),
            progressed_at: begun,
            tries,
            ended_at: None,
            progress: ImportProgress { rows: 400, ..ImportProgress::default() },
            problem: problem.map(str::to_owned),
        };
        let late = begun.plus_ms(WAITING_MAX_MS);
        assert_eq!(import(TRIES_MAX - 1, None).hopeless(), None);
        assert!(import(TRIES_MAX, None).hopeless().unwrap().contains("10 times to import the rows after row 400"));
        let paused = "The connector is paused.";
        assert!(!import(0, Some(paused)).has_waited_too_long(late));
        assert!(import(0, Some(paused)).has_waited_too_long(late.plus_ms(1)));
        assert!(!import(0, None).has_waited_too_long(late.plus_ms(1)), "nothing was in its way");
        let waited = RecordImport::waited(paused);
        assert!(waited.starts_with("No row could be imported for 7 days. The connector is paused. Once"), "{waited}");
    }

    #[test]
    fn a_file_name_has_no_folders_and_no_control_characters() {
        assert_eq!(file_name("C:\\logs\\Master.csv"), "Master.csv");
        assert_eq!(file_name("../../etc/pass\nwd"), "passwd");
        assert_eq!(file_name(" "), "records.csv");
        assert_eq!(file_name(&"x".repeat(500)).chars().count(), FILE_NAME_MAX_CHARS);
    }
}
