//! `offhook backup FILE`

use std::{io::ErrorKind, path::PathBuf};

use anyhow::anyhow;
use clap::Args;
use engine::BackupError;
use serde_json::json;

use crate::{
    command::{CommandError, engine, print_json},
    config::Store,
};

/// A consistent copy of the database.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write; it must not exist.
    file: PathBuf,
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(backup: Backup) -> Result<(), CommandError> {
    let file = backup.file;
    let path = file.to_str().ok_or_else(|| CommandError::Usage("FILE must be a UTF-8 path".to_owned()))?;
    if backup.store.database_url().starts_with("postgres") {
        return Err(CommandError::Usage("backup works with SQLite only; use pg_dump for PostgreSQL".to_owned()));
    }
    let engine = engine(&backup.store).await?;
    let bytes = engine.backup(path).await.map_err(|error| match error {
        BackupError::File(_, error) if error.kind() == ErrorKind::AlreadyExists => {
            anyhow!("{path} already exists; nothing was written")
        }
        error => error.into(),
    })?;
    print_json(&json!({ "file": path, "bytes": bytes }))
}
