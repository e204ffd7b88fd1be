//! `offhook account …`

use clap::{Args, Subcommand};
use domain::actor::Actor;
use serde_json::json;

use crate::{
    command::{CommandError, engine, print_json},
    config::Store,
};

/// Account commands.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Create an account.
    Create(Create),
}

/// A new account.
#[derive(Debug, Args)]
pub struct Create {
    /// Name.
    #[arg(long)]
    name: String,
    /// The phone platform's own reference. Platform tokens can use it instead of the id.
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(account: Account) -> Result<(), CommandError> {
    let Account::Create(new) = account;
    let account =
        engine(&new.store).await?.create_account(&Actor::COMMAND_LINE, &new.name, new.reference.as_deref()).await?;
    print_json(&json!({ "id": account.id, "name": account.name, "ref": account.reference }))
}
