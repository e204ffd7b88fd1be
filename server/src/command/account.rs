//! `offhook account …`

use clap::{Args, Subcommand};
use domain::actor::Actor;
use serde_json::json;

use crate::{
    command::{Failed, engine, say},
    config::Store,
};

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Create an account.
    Create(Create),
}

/// A new account.
#[derive(Debug, Args)]
pub struct Create {
    /// Name for people.
    #[arg(long)]
    name: String,
    /// The platform's own reference, which a platform token may name instead of the id.
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(account: Account) -> Result<(), Failed> {
    let Account::Create(new) = account;
    let account =
        engine(&new.store).await?.create_account(&Actor::COMMAND_LINE, &new.name, new.reference.as_deref()).await?;
    say(&json!({ "id": account.id, "name": account.name, "ref": account.reference }))
}
