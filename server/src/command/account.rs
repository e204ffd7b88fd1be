//! `offhook account …`

use clap::{Args, Subcommand};
use domain::{
    actor::Actor,
    ops::{OpsAccounts as _, accounts::NewAccount},
};
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
    /// The country in which it dials, such as GB (ISO 3166-1 alpha-2).
    #[arg(long, value_name = "CODE")]
    country: Option<String>,
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(account: Account) -> Result<(), CommandError> {
    let Account::Create(new) = account;
    let form = NewAccount {
        name: new.name,
        reference: new.reference.unwrap_or_default(),
        country: new.country.unwrap_or_default(),
        admin: String::new(),
    };
    let (account, _) = engine(&new.store).await?.create_customer_account(&Actor::COMMAND_LINE, &form).await?;
    let country = account.settings.country;
    print_json(&json!({ "id": account.id, "name": account.name, "ref": account.reference, "country": country }))
}
