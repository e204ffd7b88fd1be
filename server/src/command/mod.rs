//! The command line. Results are one JSON object per line on stdout, messages go to stderr; the exit code is 0 for
//! success, 1 for failure, 2 for wrong usage.

pub mod account;
pub mod audit;
pub mod backup;
pub mod connect;
pub mod connector;
mod descriptors;
pub mod import;
mod instance_keys;
pub mod key;
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
    mail::InMemoryMailer,
};
use serde::Serialize;

use crate::{
    config::{self, Log, Store},
    phone_numbers::PhoneNumbers,
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
    /// Connectors: phone systems that report calls.
    #[command(subcommand)]
    Connector(Box<connector::Connector>),
    /// Users who sign in.
    #[command(subcommand)]
    User(user::User),
    /// API tokens.
    #[command(subcommand)]
    Token(token::Token),
    /// The audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// The instance keys, which encrypt credentials in the database.
    #[command(subcommand)]
    Key(key::Key),
    /// Copy the database while the server runs (SQLite).
    Backup(backup::Backup),
    /// Replace the database with a backup while no server runs (SQLite).
    Restore(restore::Restore),
    /// Follow a phone system on this machine, and post its calls to a server.
    #[command(subcommand)]
    Connect(connect::Connect),
    /// Import what a phone system has recorded.
    #[command(subcommand)]
    Import(import::Import),
    /// Play whole calls through the public API of a running server.
    Simulate(simulate::Simulate),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Wrong usage.
    #[error("{0}")]
    Usage(String),
    /// Anything else, with its causes.
    #[ error ( "{}" , with_causes ( . 0 ) ) ]
    Other(#[from] anyhow::Error),
}

/// The error and its causes, without causes that an error already includes.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text {
        text if text.is_empty() => cause,
        text if text.contains(&cause) => text,
        text => format!("{text}: {cause}"),
    })
}

impl From<domain::Error> for CommandError {
    fn from(error: domain::Error) -> Self {
        Self::Other(error.into())
    }
}

/// Parses the command line and runs the command.
pub async fn run() -> ExitCode {
    // clap prints help and usage errors itself, and exits with 0 or 2.
    let CommandLine { log, verb } = CommandLine::try_parse().unwrap_or_else(|error| usage::explain(error).exit());
    let otlp_endpoint = if let Verb::Serve(serve) = &verb { serve.otlp_endpoint.as_ref() } else { None };
    let exporter = match telemetry::start(&log, otlp_endpoint) {
        Ok(exporter) => exporter,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    let result = match verb {
        Verb::Serve(serve) => serve::run(*serve).await,
        Verb::Account(account) => account::run(account).await,
        Verb::Connector(connector) => connector::run(*connector).await,
        Verb::User(user) => user::run(user).await,
        Verb::Token(token) => token::run(token).await,
        Verb::Audit(audit) => audit::run(audit).await,
        Verb::Key(key) => key::run(key).await,
        Verb::Backup(backup) => backup::run(backup).await,
        Verb::Restore(restore) => restore::run(restore).await,
        Verb::Connect(connect) => connect::run(connect).await,
        Verb::Import(import) => import::run(import).await,
        Verb::Simulate(simulate) => simulate::run(simulate).await,
    };
    exporter.flush().await;
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError::Usage(message)) => fail(USAGE, &message),
        Err(error) => fail(1, &error.to_string()),
    }
}

fn fail(code: u8, message: &str) -> ExitCode {
    // If stderr is closed, the message is lost.
    let _ = writeln!(io::stderr(), "offhook: {message}");
    code.into()
}

/// Prints a result: one JSON object on one line.
fn print_json(result: &impl Serialize) -> Result<(), CommandError> {
    let line = serde_json::to_string(result).map_err(anyhow::Error::from)?;
    writeln!(io::stdout(), "{line}").map_err(|error| anyhow::Error::from(error).into())
}

/// The engine for a command: it uses the same database as a server that may be running, and sends nothing.
async fn engine(store: &Store) -> Result<Arc<Engine>, CommandError> {
    require_database(store)?;
    let keys = store.keys().map_err(anyhow::Error::from)?;
    open(store, keys.map_or_else(placeholder_keys, Ok)?).await
}

/// The engine for a command that encrypts: with the instance keys.
async fn engine_with_keys(store: &Store) -> Result<Arc<Engine>, CommandError> {
    require_database(store)?;
    let keys = store.keys().map_err(anyhow::Error::from)?;
    let missing = || anyhow!("the instance keys are not at {}; this command encrypts with them", store.key_place());
    open(store, keys.ok_or_else(missing)?).await
}

/// Only a server creates a database: in the wrong folder, a command would succeed on an empty one.
fn require_database(store: &Store) -> Result<(), CommandError> {
    match store.database_file() {
        Some(file) if !file.exists() => Err(anyhow!(
            "there is no Offhook database at {}; set its folder with --data or OFFHOOK_DATA",
            file.display()
        )
        .into()),
        _ => Ok(()),
    }
}

/// A random key for commands that encrypt and decrypt nothing, so that a database can be copied and checked without its
/// keys.
fn placeholder_keys() -> Result<Keys, CommandError> {
    Ok(KeyRing::one(secret_key::random().map_err(anyhow::Error::from)?).into())
}

async fn open(store: &Store, keys: Keys) -> Result<Arc<Engine>, CommandError> {
    let unused = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = engine::Config {
        trust: engine::outbound::Trust::default(),
        database: store.database(),
        keys,
        egress_allow: Vec::new(),
        sign_up: domain::account::SignUpPolicy::Invite,
        retention_max_days: domain::account::RETENTION_MAX_DAYS,
        public_url: config::local_url(unused).map_err(anyhow::Error::from)?,
        own_address: unused,
        mail: Arc::new(InMemoryMailer::default()),
        password_cost: engine::password::HashCost::default(),
        numbers: Arc::new(PhoneNumbers),
    };
    Ok(Engine::open(config, Arc::new(SystemClock)).await.map_err(anyhow::Error::from)?)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_cause_that_the_error_includes_is_not_repeated() {
        let deepest = anyhow!("(code: 14) unable to open database file");
        let repeating = deepest.context("database: (code: 14) unable to open database file");
        let failed = CommandError::from(repeating.context("open the database"));
        assert_eq!(failed.to_string(), "open the database: database: (code: 14) unable to open database file");
        let plain = Err::<(), _>(anyhow!("no such host")).context("connect").unwrap_err();
        assert_eq!(CommandError::from(plain).to_string(), "connect: no such host");
    }
}
