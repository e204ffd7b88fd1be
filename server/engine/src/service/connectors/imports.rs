//! Imports of call record files: uploading, starting, looking at them.

use std::io::{Read as _, Write as _};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use domain::{
    Error,
    actor::{Actor, Permission},
    audit::{AuditAction, Change},
    connector::{
        Connector,
        imports::{
            BadRecord, FILE_MAX_BYTES, FILES_MAX, IMPORTS_SHOWN, ImportState, NewPiece, PIECE_BYTES, Reading,
            RecordImport, RecordImports, file_name,
        },
    },
    error::{FieldError, Result},
    id::{ConnectorId, ImportId},
};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use crate::{
    Engine,
    store::{connectors::imports, credentials::api_tokens},
};

#[async_trait]
impl RecordImports for Engine {
    async fn begin_upload(&self, actor: &Actor, con: &ConnectorId) -> Result<ImportId> {
        let connector = self.stored_connector(actor, con, Permission::ManageConnectors).await?.connector;
        refuse_paused(&connector)?;
        let id = self.new_id(ImportId::new);
        let mut tx = self.db().begin().await?;
        api_tokens::lock_owner(&mut tx, connector.owner.account()).await?;
        if imports::count_files(&mut tx, &connector.owner, self.now()).await? >= i64::from(FILES_MAX) {
            return Err(conflict(&format!(
                "{FILES_MAX} files are waiting or being imported. Import or discard one of them first."
            )));
        }
        imports::add(&mut tx, (&id, con), &connector.owner, &actor.name(), self.now()).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn add_piece(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId, piece: NewPiece<'_>) -> Result<()> {
        self.stored_connector(actor, con, Permission::ManageConnectors).await?;
        let before = u64::from(piece.number) * PIECE_BYTES as u64;
        let bytes = piece.bytes.len() as u64;
        if piece.bytes.len() > PIECE_BYTES || before + bytes > FILE_MAX_BYTES {
            return Err(Error::TooLarge(format!("A file has at most {} MiB.", FILE_MAX_BYTES / 1_024 / 1_024)));
        }
        let sealed = self.vault().seal(&packed(piece.bytes)?, &piece_context(imp, piece.number));
        let mut tx = self.db().begin().await?;
        if !imports::grow(&mut tx, imp, bytes, self.now()).await? {
            return Err(lost_place());
        }
        imports::add_piece(&mut tx, imp, piece.number, &sealed).await?;
        Ok(tx.commit().await?)
    }

    async fn keep_upload(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId) -> Result<()> {
        self.stored_connector(actor, con, Permission::ManageConnectors).await?;
        let mut tx = self.db().begin().await?;
        if !imports::grow(&mut tx, imp, 0, self.now()).await? {
            return Err(lost_place());
        }
        Ok(tx.commit().await?)
    }

    async fn end_upload(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId, sent: &str) -> Result<()> {
        self.stored_connector(actor, con, Permission::ManageConnectors).await?;
        let import = imports::one(self.db(), con, imp).await?.ok_or_else(lost_place)?;
        if import.file_bytes == 0 {
            return Err(Error::Invalid(vec![FieldError::new("file", "The file is empty.")]));
        }
        let mut tx = self.db().begin().await?;
        if !imports::arrived(&mut tx, imp, &file_name(sent), self.now()).await? {
            return Err(lost_place());
        }
        Ok(tx.commit().await?)
    }

    async fn record_imports(&self, actor: &Actor, con: &ConnectorId) -> Result<Vec<RecordImport>> {
        let connector = self.stored_connector(actor, con, Permission::ReadConnectors).await?.connector;
        Ok(imports::list(self.db(), con, &connector.owner, IMPORTS_SHOWN, self.now()).await?)
    }

    async fn record_import(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId) -> Result<RecordImport> {
        self.stored_connector(actor, con, Permission::ReadConnectors).await?;
        imports::one(self.db(), con, imp).await?.ok_or_else(not_found)
    }

    async fn first_piece(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId) -> Result<Vec<u8>> {
        self.stored_connector(actor, con, Permission::ManageConnectors).await?;
        self.record_import(actor, con, imp).await?;
        self.opened_piece(imp, 0).await?.ok_or_else(not_found)
    }

    async fn start_import(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId, reading: &Reading) -> Result<()> {
        let connector = self.stored_connector(actor, con, Permission::ManageConnectors).await?.connector;
        refuse_paused(&connector)?;
        let import = self.record_import(actor, con, imp).await?;
        let json = serde_json::to_string(reading).map_err(|_| Error::Internal)?;
        let mut tx = self.db().begin().await?;
        if !imports::start(&mut tx, &import, &json, self.now()).await? {
            return Err(conflict(
                "This file was imported or discarded already. Upload it again to import it once more.",
            ));
        }
        let entry = self.connector_entry(actor, &connector, AuditAction::ConnectorImportStarted);
        let changes = [Change::noted("file", &*import.file_name), Change::noted("read as", &*reading.preset)];
        self.record(&mut tx, entry.with(changes)).await?;
        tx.commit_then(self.connector_changed(&connector.owner)).await?;
        self.context().import_started.notify_one();
        Ok(())
    }

    async fn cancel_import(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId) -> Result<()> {
        let connector = self.stored_connector(actor, con, Permission::ManageConnectors).await?.connector;
        let import = self.record_import(actor, con, imp).await?;
        let mut tx = self.db().begin().await?;
        if imports::abandon(&mut tx, imp).await? {
            return Ok(tx.commit_then(self.connector_changed(&connector.owner)).await?);
        }
        if !imports::end(&mut tx, imp, ImportState::Cancelled, None, self.now()).await? {
            return Err(conflict("This import has ended."));
        }
        if import.state == ImportState::Running {
            let entry = self.connector_entry(actor, &connector, AuditAction::ConnectorImportCancelled);
            self.record(&mut tx, entry.with([Change::noted("file", &*import.file_name)])).await?;
        }
        Ok(tx.commit_then(self.connector_changed(&connector.owner)).await?)
    }

    async fn bad_records(&self, actor: &Actor, con: &ConnectorId, imp: &ImportId) -> Result<Vec<BadRecord>> {
        self.record_import(actor, con, imp).await?;
        if actor.sees_masked_numbers() {
            return Err(Error::Forbidden(
                "Support staff don't see the rows of a file: they have phone numbers.".into(),
            ));
        }
        let open = |(number, sealed): (i64, String)| {
            let opened = self.vault().open(&sealed, &rows_context(imp, number.unsigned_abs()));
            let json = opened.inspect_err(|error| tracing::error!(%error, import = %imp)).ok()?;
            serde_json::from_str::<Vec<BadRecord>>(&json).ok()
        };
        let rows = imports::rows(self.db(), imp).await?;
        Ok(rows.into_iter().filter_map(open).flatten().collect())
    }
}

impl Engine {
    /// A piece of a file; none after the last one.
    pub(super) async fn opened_piece(&self, id: &ImportId, number: u32) -> Result<Option<Vec<u8>>> {
        let Some(sealed) = imports::piece(self.db(), id, number).await? else { return Ok(None) };
        let opened = self.vault().open(&sealed, &piece_context(id, number));
        let packed = opened.inspect_err(|error| tracing::error!(%error, import = %id)).map_err(|_| Error::Internal)?;
        unpacked(&packed).map(Some)
    }
}

fn refuse_paused(connector: &Connector) -> Result<()> {
    if connector.paused_at.is_none() {
        return Ok(());
    }
    Err(conflict("This connector is paused. Resume it, then import the file."))
}

fn conflict(detail: &str) -> Error {
    Error::Conflict { detail: detail.to_owned(), existing: None }
}

fn not_found() -> Error {
    Error::NotFound("Import".into())
}

/// Another file may have the place of one that did not arrive in time.
fn lost_place() -> Error {
    conflict("Nothing arrived for a minute, or someone discarded the file. Upload it again.")
}

/// Tables shrink to a fraction. The vault seals texts.
fn packed(bytes: &[u8]) -> Result<String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).map_err(|_| Error::Internal)?;
    Ok(STANDARD_NO_PAD.encode(encoder.finish().map_err(|_| Error::Internal)?))
}

fn unpacked(text: &str) -> Result<Vec<u8>> {
    let packed = STANDARD_NO_PAD.decode(text).map_err(|_| Error::Internal)?;
    let mut bytes = Vec::new();
    DeflateDecoder::new(packed.as_slice())
        .take(PIECE_BYTES as u64)
        .read_to_end(&mut bytes)
        .map_err(|_| Error::Internal)?;
    Ok(bytes)
}

/// The associated data of a sealed piece.
fn piece_context(id: &ImportId, number: u32) -> String {
    format!("{id}/{number}/piece")
}

/// The associated data of sealed rows.
pub(super) fn rows_context(id: &ImportId, number: u64) -> String {
    format!("{id}/{number}/rows")
}
