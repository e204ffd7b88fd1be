//! The ports of imports: what people do with them, and how files are understood.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{FileColumn, FilePreset, FilePreview, Reading, RecordImport};
use crate::{
    actor::Actor,
    connector::Connector,
    error::Result,
    id::{ConnectorId, ImportId},
};

/// A part of a file that is being uploaded.
#[derive(Debug, Clone, Copy)]
pub struct NewPiece<'a> {
    /// Its position, from 0.
    pub number: u32,
    /// Its bytes, [`super::PIECE_BYTES`] except for the last one.
    pub bytes: &'a [u8],
}

/// A row that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRecord {
    /// Number of its line in the file; none for a call of several rows.
    pub line: Option<u64>,
    /// Why, as a sentence. It may quote the row.
    pub reason: String,
}

/// Imports of call record files, for those who see and manage the connector.
#[async_trait]
pub trait RecordImports {
    /// Begins to receive a file.
    ///
    /// # Errors
    /// `Forbidden` without permission to manage connectors; `Conflict` while the connector is paused, and when too many files
    /// wait.
    async fn begin_upload(&self, actor: &Actor, con: &ConnectorId) -> Result<ImportId>;
    /// Keeps a part of it, sealed.
    ///
    /// # Errors
    /// `Conflict` once the upload has ended or lost its place; `TooLarge` past [`super::FILE_MAX_BYTES`].
    async fn add_piece(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId, piece: NewPiece<'_>) -> Result<()>;
    /// Keeps the place of a file whose bytes arrive slowly: each piece keeps it, too.
    ///
    /// # Errors
    /// `Conflict` once the upload has ended or lost its place.
    async fn keep_upload(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId) -> Result<()>;
    /// All of it has arrived.
    ///
    /// # Errors
    /// `Invalid` for an empty file; `Conflict` once the upload has ended or lost its place.
    async fn end_upload(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId, file_name: &str) -> Result<()>;
    /// The latest imports of a connector, newest first.
    ///
    /// # Errors
    /// `NotFound`.
    async fn record_imports(&self, actor: &Actor, con: &ConnectorId) -> Result<Vec<RecordImport>>;
    /// One import.
    ///
    /// # Errors
    /// `NotFound`.
    async fn record_import(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId) -> Result<RecordImport>;
    /// The first bytes of a file that is not imported yet.
    ///
    /// # Errors
    /// `Forbidden` without permission to manage connectors: they have phone numbers that nobody has masked.
    async fn first_piece(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId) -> Result<Vec<u8>>;
    /// Imports the file, and remembers how it is read for the next one.
    ///
    /// # Errors
    /// `Conflict` if it was started before, or the connector is paused.
    async fn start_import(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId, reading: &Reading) -> Result<()>;
    /// Stops an import, or discards a file. What was imported stays. Of a file that has not arrived whole, nothing does.
    ///
    /// # Errors
    /// `Conflict` if it has ended.
    async fn cancel_import(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId) -> Result<()>;
    /// The first [`super::BAD_ROWS_KEPT`] rows that were not imported.
    ///
    /// # Errors
    /// `Forbidden` for support staff, who see no numbers.
    async fn bad_records(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId) -> Result<Vec<BadRecord>>;
}

/// Understanding call record files. Pure: nothing is stored or sent. Crate `connect` has the rules, which pages do not depend on.
pub trait RecordFiles: Send + Sync + 'static {
    /// The kinds of files that are understood without choosing columns.
    fn presets(&self) -> Vec<FilePreset>;
    /// The columns of a file that begins like this.
    fn columns(&self, start: &[u8]) -> Vec<FileColumn>;
    /// What becomes of the first rows.
    ///
    /// # Errors
    /// `Invalid` per field of the reading.
    fn preview(&self, connector: &Connector, reading: &Reading, start: &[u8]) -> Result<FilePreview>;
}
