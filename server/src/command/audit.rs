//! `offhook audit …`

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    command::{Failed, engine, say},
    config::Store,
};

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check that no record of any account was changed or taken out.
    Verify(Verify),
}

/// A check of the whole log.
#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(audit: Audit) -> Result<(), Failed> {
    let Audit::Verify(verify) = audit;
    let verdict = engine(&verify.store).await?.verify_audit().await?;
    say(&json!({ "chains": verdict.chains, "records": verdict.records, "broken": verdict.broken }))?;
    match verdict.broken.as_slice() {
        [] => Ok(()),
        broken => Err(anyhow!("{} of {} chains do not hold", broken.len(), verdict.chains).into()),
    }
}
