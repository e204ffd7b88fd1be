//! `offhook token …`

use clap::{Args, Subcommand};
use domain::actor::Actor;
use domain::{id::AccountId, token::Scope};
use serde_json::json;

use crate::{
    command::{CommandError, engine, print_json},
    config::Store,
};

/// API token commands.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Create an API token. It is shown only once.
    Create(Create),
}

/// A new API token.
#[derive(Debug, Args)]
#[group(id = "whose", required = true, multiple = false, args = ["account", "platform"])]
pub struct Create {
    /// The account it belongs to.
    #[arg(long, value_name = "acct_…")]
    account: Option<String>,
    /// A token of the phone platform: it posts events for any account.
    #[arg(long)]
    platform: bool,
    /// Name.
    #[arg(long)]
    name: String,
    /// Scopes: events:write, events:read, endpoints:write, endpoints:read, deliveries:write, deliveries:read,
    /// credentials:write, tokens:write, audit:read, connectors:read, connectors:write.
    #[arg(long = "scope", required = true, value_delimiter = ',', value_name = "SCOPE[,SCOPE]", value_parser = scope)]
    scopes: Vec<Scope>,
    #[command(flatten)]
    store: Store,
}

fn scope(name: &str) -> Result<Scope, String> {
    let all = || Scope::ALL.map(Scope::as_str).join(", ");
    Scope::parse(name.trim()).ok_or_else(|| format!("the scopes are: {}", all()))
}

pub(super) async fn run(token: Token) -> Result<(), CommandError> {
    let Token::Create(new) = token;
    let account = new.account.as_deref().map(AccountId::parse).transpose();
    let account = account.map_err(|_| CommandError::Usage("--account must be an account id, acct_…".to_owned()))?;
    let (id, token) =
        engine(&new.store).await?.create_token(&Actor::COMMAND_LINE, account.as_ref(), &new.name, &new.scopes).await?;
    print_json(&json!({ "id": id, "token": token }))
}
