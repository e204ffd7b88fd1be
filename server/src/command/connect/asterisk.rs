//! `offhook connect asterisk`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use connect::asterisk::{link::Place, session::Account};
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

/// Where the phone system and the server are.
#[derive(Debug, Args)]
pub struct Asterisk {
    /// Asterisk's manager interface.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5038")]
    ami: String,
    /// Allow --ami on another machine. AMI is plain text: everyone on the way can read the secret and all numbers.
    #[arg(long)]
    ami_over_network: bool,
    /// The user in manager.conf.
    #[arg(long, value_name = "NAME", default_value = "offhook")]
    user: String,
    /// A file with the user's secret.
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// The server.
    #[arg(long, value_name = "URL")]
    offhook: Url,
    /// A file with an API token that has the scope events:write; with --connector also connectors:write.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The connector in Offhook to which state and gaps are reported.
    #[arg(long, value_name = "ID", value_parser = connector)]
    connector: Option<ConnectorId>,
    /// An endpoint of Asterisk that leads outside. Repeat it for each [default: those chosen for the connector in Offhook].
    #[arg(long = "trunk", value_name = "NAME", required_unless_present = "connector")]
    trunks: Vec<String>,
    /// Distinguishes this phone system from others: the IDs of its calls derive from it. Two connectors for one phone system
    /// need the same name and the same trunks [default: the identity of the connector, else the name of this machine].
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// Asterisk's call records, from which gaps are filled, such as /var/log/asterisk/cdr-csv/Master.csv.
    #[arg(long, value_name = "FILE")]
    cdr_csv: Option<PathBuf>,
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
    /// Print what is missing, on the side of Asterisk and of the server, and exit.
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

pub(super) async fn run(wanted: Asterisk) -> Result<(), CommandError> {
    let secret = secret("--secret-file", &wanted.secret_file)?;
    let token = super::secret("--token-file", &wanted.token_file)?;
    require_loopback(&wanted).await?;
    warn_of_plain_text(&wanted.offhook);
    let offhook = Offhook::new(&wanted.offhook, &token, wanted.connector.clone()).context("--offhook")?;
    let account = Account { user: wanted.user.clone(), secret };
    let place = Place { ami: wanted.ami.clone(), records: wanted.cdr_csv.clone() };
    let given = wanted.given();
    if wanted.check {
        return check::run(place, account, &given, &offhook).await;
    }
    let connection = Connection {
        place,
        account,
        given,
        offhook,
        spool: wanted.data.join(format!("connect-{}.db", wanted.file_name())),
        limits: SpoolLimits { rows: wanted.spool_events, bytes: wanted.spool_mb.saturating_mul(1_000_000) },
        verbosity: if wanted.verbose { Verbosity::Verbose } else { Verbosity::Quiet },
    };
    connection.run().await
}

impl Asterisk {
    fn file_name(&self) -> String {
        let connector = self.connector.as_ref().map(ToString::to_string);
        self.name.clone().or(connector).unwrap_or_else(machine)
    }

    fn given(&self) -> Given {
        Given { name: self.name.clone(), machine: machine(), trunks: self.trunks.clone(), internal: self.internal }
    }
}

/// The name of this machine.
fn machine() -> String {
    let uname = rustix::system::uname();
    let named = uname.nodename().to_str().ok().and_then(|text| name(text).ok());
    named.unwrap_or_else(|| "asterisk".to_owned())
}

/// AMI is plain text, so it stays on this machine unless the administrator has decided otherwise.
async fn require_loopback(wanted: &Asterisk) -> Result<(), CommandError> {
    if wanted.ami_over_network {
        return Ok(());
    }
    let addresses = tokio::net::lookup_host(&wanted.ami).await;
    let mut addresses = addresses.map_err(|error| {
        CommandError::Usage(format!("--ami: {} is not a host and a port that can be found: {error}", wanted.ami))
    })?;
    if addresses.all(|address| address.ip().to_canonical().is_loopback()) {
        return Ok(());
    }
    Err(CommandError::Usage(format!(
        "--ami: {} is another machine, and AMI is plain text: everyone on the way can read the secret and all numbers. Run \
         `offhook connect` beside Asterisk, or allow it with --ami-over-network",
        wanted.ami
    )))
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
