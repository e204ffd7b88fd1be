//! The options of every phone system's connector.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use connect::{
    call::{PhoneSystem, Settings},
    link::Place,
    session::{Saved, Session},
};
use domain::id::ConnectorId;
use engine::store::spool::SpoolLimits;
use url::Url;

use super::{check, given::Given, run::Connection, secret};
use crate::{
    command::CommandError,
    connector::{offhook::Offhook, poster::Verbosity},
};

/// Most bytes of events that wait, by default.
const SPOOL_MAX_MB: u64 = 512;
/// Most events that wait, by default.
const SPOOL_MAX_EVENTS: u64 = 1_000_000;
/// Longest name of a phone system, in characters.
const NAME_MAX_CHARS: usize = 64;

/// Where the server is, and what is a call.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The server.
    #[arg(long, value_name = "URL")]
    offhook: Url,
    /// A file with an API token that has the scope events:write; with --connector also connectors:write.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The connector in Offhook to which state and gaps are reported.
    #[arg(long, value_name = "ID", value_parser = connector)]
    connector: Option<ConnectorId>,
    /// What leads outside: an endpoint of Asterisk; a gateway or a Sofia profile of FreeSWITCH. Repeat it for each [default:
    /// those chosen for the connector in Offhook].
    #[arg(long = "trunk", value_name = "NAME", required_unless_present = "connector")]
    trunks: Vec<String>,
    /// Distinguishes this phone system from others: the IDs of its calls derive from it. Two connectors for one phone system
    /// need the same name and the same trunks [default: the identity of the connector, else the name of this machine].
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// Report the end of calls between extensions, too.
    #[arg(long)]
    internal: bool,
    /// Folder of the spool: events that the server has not accepted yet, and open calls.
    #[arg(long, env = "OFFHOOK_DATA", default_value = "./data", value_name = "FOLDER")]
    data: PathBuf,
    /// Most events that wait in the spool. Beyond, the oldest starts of calls are dropped first.
    #[arg(long, value_name = "N", default_value_t = SPOOL_MAX_EVENTS, value_parser = clap::value_parser!(u64).range(100..))]
    spool_events: u64,
    /// Largest size of the events that wait in the spool, in MB.
    #[arg(long, value_name = "MB", default_value_t = SPOOL_MAX_MB, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    spool_mb: u64,
    /// Print what is missing, on the side of the phone system and of the server, and exit.
    #[arg(long)]
    check: bool,
    /// Print one JSON line for each posted event.
    #[arg(long)]
    verbose: bool,
}

fn connector(text: &str) -> Result<ConnectorId, String> {
    ConnectorId::parse(text).map_err(|_| "the ID of a connector begins with con_".to_owned())
}

fn name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = !text.is_empty() && text.len() <= NAME_MAX_CHARS && text.chars().all(is_plain) && !text.starts_with('.');
    let wrong = || format!("a name has at most {NAME_MAX_CHARS} characters: A to Z, 0 to 9, dot, dash and underscore");
    if fits { Ok(text.to_owned()) } else { Err(wrong()) }
}

impl Options {
    /// Checks, or runs until a signal stops it. `session` makes a session of these settings.
    pub(super) async fn run<P: Session + 'static>(
        &self,
        phone_system: PhoneSystem,
        place: Place,
        session: impl Fn(Settings, Saved) -> P,
    ) -> Result<(), CommandError> {
        let token = secret("--token-file", &self.token_file)?;
        warn_of_plain_text(&self.offhook);
        let offhook = Offhook::new(&self.offhook, &token, self.connector.clone()).context("--offhook")?;
        let given = self.given(phone_system);
        if self.check {
            return check::run(place, session, &given, &offhook).await;
        }
        let connection = Connection {
            place,
            session,
            given,
            offhook,
            spool: self.data.join(format!("connect-{}.db", self.file_name())),
            limits: SpoolLimits { rows: self.spool_events, bytes: self.spool_mb.saturating_mul(1_000_000) },
            verbosity: if self.verbose { Verbosity::Verbose } else { Verbosity::Quiet },
        };
        connection.run().await
    }

    fn file_name(&self) -> String {
        let connector = self.connector.as_ref().map(ToString::to_string);
        self.name.clone().or(connector).unwrap_or_else(machine)
    }

    fn given(&self, phone_system: PhoneSystem) -> Given {
        let (name, machine, trunks) = (self.name.clone(), machine(), self.trunks.clone());
        Given { phone_system, name, machine, trunks, internal: self.internal }
    }
}

/// The name of this machine.
fn machine() -> String {
    let uname = rustix::system::uname();
    let named = uname.nodename().to_str().ok().and_then(|text| name(text).ok());
    named.unwrap_or_else(|| "pbx".to_owned())
}

/// An interface of a phone system that is plain text.
pub(super) struct PlainText<'a> {
    /// What it is called.
    pub interface: &'static str,
    /// The option with its address, without dashes. The one that allows another machine ends with `-over-network`.
    pub option: &'static str,
    /// Its address.
    pub address: &'a str,
    /// What runs there.
    pub system: &'static str,
}

impl PlainText<'_> {
    /// It stays on this machine.
    pub(super) async fn require_loopback(&self) -> Result<(), CommandError> {
        let Self { interface, option, address, system } = self;
        let addresses = tokio::net::lookup_host(address).await;
        let mut addresses = addresses.map_err(|error| {
            CommandError::Usage(format!("--{option}: {address} is not a host and a port that can be found: {error}"))
        })?;
        if addresses.all(|address| address.ip().to_canonical().is_loopback()) {
            return Ok(());
        }
        Err(CommandError::Usage(format!(
            "--{option}: {address} is another machine, and {interface} is plain text: everyone on the way can read the \
             secret and all numbers. Run `offhook connect` beside {system}, or allow it with --{option}-over-network"
        )))
    }
}

fn warn_of_plain_text(offhook: &Url) {
    let is_local = match offhook.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if offhook.scheme() != "https" && !is_local {
        tracing::warn!("--offhook is not https: everyone on the way can read the token and all numbers");
    }
}
