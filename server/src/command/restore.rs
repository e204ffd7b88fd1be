//! `offhook restore FILE`

use std::path::PathBuf;

use clap::Args;
use domain::time::Clock as _;
use engine::SystemClock;
use serde_json::json;

use crate::{
    command::{Failed, say},
    config::Store,
    secret_key,
};

/// A copy that becomes the database.
#[derive(Debug, Args)]
pub struct Restore {
    /// What `offhook backup` wrote; it stays as it is.
    file: PathBuf,
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(restore: Restore) -> Result<(), Failed> {
    let Restore { file, store } = restore;
    if store.database_file().is_none() {
        return Err(Failed::Usage("restore is for SQLite; use pg_restore or psql for PostgreSQL".to_owned()));
    }
    if store.database_url.is_none() {
        secret_key::make_data_folder(&store.data).map_err(anyhow::Error::from)?;
    }
    let now = SystemClock.now();
    let done = engine::restore(&store.database_url(), &file, now).await.map_err(anyhow::Error::from)?;
    say(&json!({ "file": done.file, "bytes": done.bytes, "before": done.before }))
}
