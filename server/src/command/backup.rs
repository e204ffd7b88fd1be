//! `offhook backup FILE`

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
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
    if file.exists() {
        return Err(anyhow!("{path} exists already; nothing was written").into());
    }
    engine(&backup.store).await?.backup(path).await.map_err(anyhow::Error::from)?;
    let bytes = file.metadata().map_err(anyhow::Error::from)?.len();
    say(&json!({ "file": path, "bytes": bytes }))
}
