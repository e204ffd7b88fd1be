//! `offhook audit …`

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    command::{CommandError, engine, print_json},
    config::Store,
};

/// Audit log commands.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check that no record of any account was changed or removed.
    Verify(Verify),
}

/// Verification of the whole log.
#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(audit: Audit) -> Result<(), CommandError> {
    let Audit::Verify(verify) = audit;
    let result = engine(&verify.store).await?.verify_audit().await?;
    print_json(&json!({ "chains": result.chains, "records": result.records, "broken": result.broken }))?;
    match result.broken.as_slice() {
        [] => Ok(()),
        broken => Err(anyhow!("{} of {} chains are broken", broken.len(), result.chains).into()),
    }
}
