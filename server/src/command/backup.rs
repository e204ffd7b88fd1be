//! `offhook backup FILE`

use std::{io::ErrorKind, path::PathBuf};

use anyhow::anyhow;
use clap::Args;
use engine::BackupError;
use serde_json::json;

use crate::{
    command::{Failed, engine, say},
    config::Store,
};

/// A consistent copy of the database.
#[derive(Debug, Args)]
pub struct Backup {
    /// Where to; the file must not exist yet.
    file: PathBuf,
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(backup: Backup) -> Result<(), Failed> {
    let file = backup.file;
    let path = file.to_str().ok_or_else(|| Failed::Usage("FILE must be a path in UTF-8".to_owned()))?;
    if backup.store.database_url().starts_with("postgres") {
        return Err(Failed::Usage("backup copies SQLite; use pg_dump for PostgreSQL".to_owned()));
    }
    let engine = engine(&backup.store).await?;
    let bytes = engine.backup(path).await.map_err(|error| match error {
        BackupError::File(_, error) if error.kind() == ErrorKind::AlreadyExists => {
            anyhow!("{path} exists already; nothing was written")
        }
        error => error.into(),
    })?;
    say(&json!({ "file": path, "bytes": bytes }))
}
