//! `offhook user …`

use std::io::BufRead as _;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use domain::actor::Actor;
use domain::{
    account::{Role, StaffRole},
    id::AccountId,
};
use engine::Affiliation;
use serde_json::json;

use crate::{
    command::{CommandError, engine, print_json},
    config::Store,
};

/// User commands.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Create a user; the password is read from stdin, one line.
    Create(Create),
    /// Remove the second factor of a user who has lost it; the password stays.
    ResetFactor(ResetFactor),
}

/// The user whose second factor is removed.
#[derive(Debug, Args)]
pub struct ResetFactor {
    /// Email address they sign in with.
    #[arg(long)]
    email: String,
    #[command(flatten)]
    store: Store,
}

/// A new user.
#[derive(Debug, Args)]
pub struct Create {
    /// Email address to sign in with.
    #[arg(long)]
    email: String,
    /// The account they belong to; not for support and operator.
    #[arg(long, value_name = "acct_…")]
    account: Option<String>,
    /// Role.
    #[arg(long, value_enum)]
    role: AnyRole,
    #[command(flatten)]
    store: Store,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AnyRole {
    Admin,
    Developer,
    Viewer,
    Support,
    Operator,
}

pub(super) async fn run(user: User) -> Result<(), CommandError> {
    match user {
        User::Create(new) => create(new).await,
        User::ResetFactor(ResetFactor { email, store }) => {
            let id = engine(&store).await?.reset_second_factor(&Actor::COMMAND_LINE, &email).await?;
            print_json(&json!({ "id": id }))
        }
    }
}

async fn create(new: Create) -> Result<(), CommandError> {
    let affiliation = affiliation(new.role, new.account.as_deref())?;
    let password = password()?;
    let id = engine(&new.store).await?.create_user(&Actor::COMMAND_LINE, &new.email, &password, affiliation).await?;
    print_json(&json!({ "id": id }))
}

fn affiliation(role: AnyRole, account: Option<&str>) -> Result<Affiliation, CommandError> {
    let member = |role| match account.map(AccountId::parse) {
        Some(Ok(account)) => Ok(Affiliation::Member(account, role)),
        Some(Err(_)) => Err(CommandError::Usage("--account must be an account id, acct_…".to_owned())),
        None => Err(CommandError::Usage("this role needs --account".to_owned())),
    };
    let staff = |role| match account {
        None => Ok(Affiliation::Staff(role)),
        Some(_) => Err(CommandError::Usage("support and operator belong to no account: omit --account".to_owned())),
    };
    match role {
        AnyRole::Admin => member(Role::Admin),
        AnyRole::Developer => member(Role::Developer),
        AnyRole::Viewer => member(Role::Viewer),
        AnyRole::Support => staff(StaffRole::Support),
        AnyRole::Operator => staff(StaffRole::Operator),
    }
}

fn password() -> Result<String, CommandError> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("password from stdin")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(CommandError::Usage("no password on stdin; pass it as one line".to_owned()));
    }
    Ok(password.to_owned())
}
