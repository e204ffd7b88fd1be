//! The command line. One JSON object a line on stdout where a result is asked for; messages on stderr; exit code
//! 0, 1 when it failed, 2 for wrong usage.

pub mod account;
pub mod audit;
pub mod backup;
pub mod key;
mod own_keys;
pub mod restore;
pub mod serve;
pub mod simulate;
pub mod token;
mod usage;
pub mod user;

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
};

use anyhow::anyhow;
use clap::{Parser, Subcommand};
use engine::{
    Engine, SystemClock,
    key_ring::{KeyRing, Keys},
    mail::Drawer,
};
use serde::Serialize;

use crate::{
    config::{self, Log, Store},
    secret_key, telemetry,
};

/// Exit code for wrong usage.
const USAGE: u8 = 2;

#[derive(Parser)]
#[command(name = "offhook", version, about = "Webhooks for phone platforms", arg_required_else_help = true)]
struct CommandLine {
    #[command(flatten)]
    log: Log,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the server.
    Serve(Box<config::Serve>),
    /// Accounts: customers of the phone platform.
    #[command(subcommand)]
    Account(account::Account),
    /// People who sign in.
    #[command(subcommand)]
    User(user::User),
    /// API tokens.
    #[command(subcommand)]
    Token(token::Token),
    /// The record of who did what.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// The instance keys, which encrypt what must not be read from the database.
    #[command(subcommand)]
    Key(key::Key),
    /// Copy the database while the server runs (SQLite).
    Backup(backup::Backup),
    /// Put a backup in the place of the database while no server runs (SQLite).
    Restore(restore::Restore),
    /// Play whole calls through the public API of a running server.
    Simulate(simulate::Simulate),
}

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It was asked for in a wrong way.
    #[error("{0}")]
    Usage(String),
    /// Anything else, down to its cause.
    #[error("{}", down_to_its_cause(.0))]
    Other(#[from] anyhow::Error),
}

/// The error and its causes. Many already say what their cause says, and nobody needs to read that twice.
fn down_to_its_cause(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told {
        told if told.is_empty() => cause,
        told if told.contains(&cause) => told,
        told => format!("{told}: {cause}"),
    })
}

impl From<domain::Error> for Failed {
    fn from(error: domain::Error) -> Self {
        Self::Other(error.into())
    }
}

/// Reads the command line, does what it says, and answers with the exit code.
pub async fn run() -> ExitCode {
    // clap prints help and usage errors itself, and leaves with 0 or 2.
    let CommandLine { log, verb } = CommandLine::try_parse().unwrap_or_else(|error| usage::explained(error).exit());
    if let Err(error) = telemetry::start(&log) {
        return complain(USAGE, &format!("--log: {error}"));
    }
    let done = match verb {
        Verb::Serve(serve) => serve::run(*serve).await,
        Verb::Account(account) => account::run(account).await,
        Verb::User(user) => user::run(user).await,
        Verb::Token(token) => token::run(token).await,
        Verb::Audit(audit) => audit::run(audit).await,
        Verb::Key(key) => key::run(key).await,
        Verb::Backup(backup) => backup::run(backup).await,
        Verb::Restore(restore) => restore::run(restore).await,
        Verb::Simulate(simulate) => simulate::run(simulate).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Usage(message)) => complain(USAGE, &message),
        Err(error) => complain(1, &error.to_string()),
    }
}

fn complain(code: u8, message: &str) -> ExitCode {
    // Without stderr there is nobody to tell.
    let _ = writeln!(io::stderr(), "offhook: {message}");
    code.into()
}

/// Writes a result: one JSON object on a line of its own.
fn say(result: &impl Serialize) -> Result<(), Failed> {
    let line = serde_json::to_string(result).map_err(anyhow::Error::from)?;
    writeln!(io::stdout(), "{line}").map_err(|error| anyhow::Error::from(error).into())
}

/// The engine for a command: on the same database, beside a server that may be running. It sends nothing.
async fn engine(store: &Store) -> Result<Arc<Engine>, Failed> {
    database_is_there(store)?;
    let keys = store.keys().map_err(anyhow::Error::from)?;
    open(store, keys.map_or_else(stand_in, Ok)?).await
}

/// Only a server begins an installation. A command in the wrong folder would succeed on an empty one that it has just made.
fn database_is_there(store: &Store) -> Result<(), Failed> {
    match store.database_file() {
        Some(file) if !file.exists() => Err(anyhow!(
            "There is no Offhook database at {}; name its folder with --data or OFFHOOK_DATA",
            file.display()
        )
        .into()),
        _ => Ok(()),
    }
}

/// A key for what neither seals nor opens anything, where there is none: so a database can be copied and checked without.
fn stand_in() -> Result<Keys, Failed> {
    Ok(KeyRing::one(secret_key::random().map_err(anyhow::Error::from)?).into())
}

async fn open(store: &Store, keys: Keys) -> Result<Arc<Engine>, Failed> {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = engine::Config {
        database_url: store.database_url(),
        keys,
        egress_allow: Vec::new(),
        sign_up_open: false,
        retention_max_days: domain::account::RETENTION_MAX_DAYS,
        public_url: config::local_url(nowhere).map_err(anyhow::Error::from)?,
        own_address: nowhere,
        mail: Arc::new(Drawer::default()),
    };
    Ok(Engine::open(config, Arc::new(SystemClock)).await.map_err(anyhow::Error::from)?)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_cause_that_was_told_already_is_not_told_again() {
        let deepest = anyhow!("(code: 14) unable to open database file");
        let repeating = deepest.context("database: (code: 14) unable to open database file");
        let failed = Failed::from(repeating.context("open the database"));
        assert_eq!(failed.to_string(), "open the database: database: (code: 14) unable to open database file");
        let plain = Err::<(), _>(anyhow!("no such host")).context("connect").unwrap_err();
        assert_eq!(Failed::from(plain).to_string(), "connect: no such host");
    }
}
