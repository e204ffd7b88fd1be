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
    command::{Failed, engine, say},
    config::Store,
};

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Create a person; the password is read from stdin, one line.
    Create(Create),
    /// Take away the second factor of somebody who has lost it; the password stays.
    ResetFactor(ResetFactor),
}

/// Whose second factor.
#[derive(Debug, Args)]
pub struct ResetFactor {
    /// Address they sign in with.
    #[arg(long)]
    email: String,
    #[command(flatten)]
    store: Store,
}

/// A new person.
#[derive(Debug, Args)]
pub struct Create {
    /// Address to sign in with.
    #[arg(long)]
    email: String,
    /// The account that they belong to; not for support and operator.
    #[arg(long, value_name = "acct_…")]
    account: Option<String>,
    /// What they may do.
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

pub(super) async fn run(user: User) -> Result<(), Failed> {
    match user {
        User::Create(new) => create(new).await,
        User::ResetFactor(ResetFactor { email, store }) => {
            let id = engine(&store).await?.reset_second_factor(&Actor::COMMAND_LINE, &email).await?;
            say(&json!({ "id": id }))
        }
    }
}

async fn create(new: Create) -> Result<(), Failed> {
    let place = place(new.role, new.account.as_deref())?;
    let password = password()?;
    let id = engine(&new.store).await?.create_user(&Actor::COMMAND_LINE, &new.email, &password, place).await?;
    say(&json!({ "id": id }))
}

fn place(role: AnyRole, account: Option<&str>) -> Result<Affiliation, Failed> {
    let member = |role| match account.map(AccountId::parse) {
        Some(Ok(account)) => Ok(Affiliation::Member(account, role)),
        Some(Err(_)) => Err(Failed::Usage("--account must be an account's id, acct_…".to_owned())),
        None => Err(Failed::Usage("--account is needed for this role".to_owned())),
    };
    let staff = |role| match account {
        None => Ok(Affiliation::Staff(role)),
        Some(_) => Err(Failed::Usage("support and operator belong to no account: leave --account out".to_owned())),
    };
    match role {
        AnyRole::Admin => member(Role::Admin),
        AnyRole::Developer => member(Role::Developer),
        AnyRole::Viewer => member(Role::Viewer),
        AnyRole::Support => staff(StaffRole::Support),
        AnyRole::Operator => staff(StaffRole::Operator),
    }
}

fn password() -> Result<String, Failed> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("password from stdin")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failed::Usage("give the password on stdin, one line".to_owned()));
    }
    Ok(password.to_owned())
}
