//! `offhook restore FILE`

use std::path::PathBuf;

use clap::Args;
use domain::time::Clock as _;
use engine::SystemClock;
use serde_json::json;

use crate::{
    command::{CommandError, print_json},
    config::Store,
    secret_key,
};

/// Restores a backup.
#[derive(Debug, Args)]
pub struct Restore {
    /// A file written by `offhook backup`; it is not changed.
    file: PathBuf,
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(restore: Restore) -> Result<(), CommandError> {
    let Restore { file, store } = restore;
    if store.database_file().is_none() {
        return Err(CommandError::Usage(
            "restore works with SQLite only; use pg_restore or psql for PostgreSQL".to_owned(),
        ));
    }
    if store.database_url.is_none() {
        secret_key::create_data_folder(&store.data).map_err(anyhow::Error::from)?;
    }
    let now = SystemClock.now();
    let done = engine::restore(&store.database_url(), &file, now).await.map_err(anyhow::Error::from)?;
    print_json(&json!({ "file": done.file, "bytes": done.bytes, "before": done.before }))
}
