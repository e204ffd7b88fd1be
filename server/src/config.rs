//! Settings: flags, environment, defaults. `offhook serve --help` prints them all.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use clap::{Args, ValueEnum};
use domain::account::{RETENTION_MAX_DAYS, SignUpPolicy};
use engine::{
    key_ring::{KeyId, KeyRing, Keys},
    store::config::{CONNECTIONS_DEFAULT, CONNECTIONS_MIN},
};
use ipnet::IpNet;
use url::Url;

use crate::{
    local,
    mail::{self, MailError},
    phone_numbers::PhoneNumbers,
    secret_key::{self, KeyError},
};

/// Where data is stored: the same for the server and for the other commands.
#[derive(Debug, Clone, Args)]
pub struct Store {
    /// Folder: database, instance keys (0600).
    #[arg(long, env = "OFFHOOK_DATA", default_value = "./data", value_name = "FOLDER")]
    pub data: PathBuf,
    /// `sqlite://…` or `postgres://…` [default: sqlite://$OFFHOOK_DATA/offhook.db].
    #[arg(long, env = "OFFHOOK_DATABASE_URL", hide_env_values = true, value_name = "URL", value_parser = database_url)]
    pub database_url: Option<String>,
    /// Connections to PostgreSQL, besides the one that listens to other nodes; a quarter of them write.
    #[arg(long, env = "OFFHOOK_DATABASE_CONNECTIONS", value_name = "NUMBER", default_value_t = CONNECTIONS_DEFAULT,
        value_parser = clap::value_parser!(u32).range(i64::from(CONNECTIONS_MIN)..=1_000))]
    pub database_connections: u32,
    /// 32 bytes in base64 that encrypt endpoint credentials [default: generated in the data folder on first start].
    /// Write several as `k2:BASE64 k1:BASE64`; the first one encrypts.
    #[arg(
        long,
        env = "OFFHOOK_SECRET_KEY",
        hide_env_values = true,
        value_name = "BASE64",
        conflicts_with = "secret_key_file"
    )]
    pub secret_key: Option<GivenKeys>,
    /// A file with the keys. It is read again when it changes.
    #[arg(long, env = "OFFHOOK_SECRET_KEY_FILE", value_name = "FILE")]
    pub secret_key_file: Option<PathBuf>,
}

/// Keys that were given directly instead of in a file.
#[derive(Debug, Clone)]
pub struct GivenKeys(KeyRing);

impl std::str::FromStr for GivenKeys {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        secret_key::parse(text).map(Self)
    }
}

impl Store {
    /// The URL of the database.
    #[must_use]
    pub fn database_url(&self) -> String {
        let embedded = || format!("sqlite://{}", self.data.join("offhook.db").display());
        self.database_url.clone().unwrap_or_else(embedded)
    }

    /// The database with its connections.
    #[must_use]
    pub fn database(&self) -> engine::DatabaseConfig {
        let connections = self.database_connections;
        engine::DatabaseConfig { connections, ..self.database_url().into() }
    }

    /// The file of the database; none for PostgreSQL.
    #[must_use]
    pub fn database_file(&self) -> Option<PathBuf> {
        engine::store::sqlite::file(&self.database_url())
    }

    /// The instance keys: given directly, in a file, or in the data folder. None when they are not configured and there
    /// are none in the data folder.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn keys(&self) -> Result<Option<Keys>, KeyError> {
        match (&self.secret_key, self.key_file()) {
            (Some(given), _) => Ok(Some(given.0.clone().into())),
            (None, Some(file)) if self.secret_key_file.is_some() || file.exists() => {
                secret_key::watched(file).map(Some)
            }
            (None, _) => Ok(None),
        }
    }

    /// The key file, which may not exist; none when the keys were given directly.
    #[must_use]
    pub fn key_file(&self) -> Option<PathBuf> {
        match (&self.secret_key, &self.secret_key_file) {
            (Some(_), _) => None,
            (None, Some(file)) => Some(file.clone()),
            (None, None) => Some(self.data.join(secret_key::KEY_FILE)),
        }
    }

    /// Where the keys are, for messages.
    #[must_use]
    pub fn key_place(&self) -> String {
        self.key_file().map_or_else(|| "OFFHOOK_SECRET_KEY".to_owned(), |file| file.display().to_string())
    }
}

fn database_url(text: &str) -> Result<String, String> {
    let known = ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| text.starts_with(scheme));
    if known { Ok(text.to_owned()) } else { Err("must begin with sqlite:// or postgres://".to_owned()) }
}

fn key_id(text: &str) -> Result<KeyId, String> {
    KeyId::parse(text.trim()).ok_or_else(|| "must be the name of a key, such as k1".to_owned())
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Human-readable.
    Text,
    /// One JSON object per line.
    Json,
}

/// The log.
#[derive(Debug, Clone, Args)]
pub struct Log {
    /// What to log: error, warn, info, debug, trace, or directives such as `info,engine=debug`.
    #[arg(long = "log", env = "OFFHOOK_LOG", default_value = "info", value_name = "LEVEL", global = true)]
    pub level: String,
    /// Format of log lines.
    #[arg(long = "log-format", env = "OFFHOOK_LOG_FORMAT", default_value = "text", value_enum, global = true)]
    pub format: LogFormat,
}

/// The server's settings.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Address to listen on.
    #[arg(long, env = "OFFHOOK_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    pub listen: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "would appear in the help text")]
    pub store: Store,
    /// Where browsers reach this server: links, cookies (`Secure` when https), origin check
    /// [default: http://$OFFHOOK_LISTEN].
    #[arg(long, env = "OFFHOOK_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<Url>,
    /// Names of instance keys that are lost: start although what they encrypted cannot be read.
    #[arg(long, env = "OFFHOOK_LOST_KEYS", value_name = "KEY[,KEY]", value_delimiter = ',', value_parser = key_id)]
    pub lost_keys: Vec<KeyId>,
    /// Address of a second listener for supervisors, with /metrics, /readyz and /healthz [default: none; the first
    /// listener has them for requests from this machine].
    #[arg(long, env = "OFFHOOK_ADMIN_LISTEN", value_name = "ADDRESS")]
    pub admin_listen: Option<String>,
    /// Who may create an account: `open`, `invite`, or `local` for browsers on this machine [default: local if
    /// OFFHOOK_PUBLIC_URL is on loopback, else invite].
    #[arg(long, env = "OFFHOOK_SIGN_UP", value_name = "WHO", value_parser = sign_up)]
    pub sign_up: Option<SignUpPolicy>,
    /// Maximum retention of payloads, deliveries and events that an account may choose, in days.
    #[arg(long, env = "OFFHOOK_RETENTION_MAX_DAYS", value_name = "DAYS", default_value_t = RETENTION_MAX_DAYS,
        value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub retention_max_days: u32,
    /// Addresses that endpoints may resolve to besides public ones: CIDRs, comma-separated.
    #[arg(long, env = "OFFHOOK_EGRESS_ALLOW", default_value = "", hide_default_value = true, value_parser = networks, value_name = "CIDRS")]
    pub egress_allow: Networks,
    /// Proxies whose `X-Forwarded-For` is trusted: CIDRs, comma-separated.
    #[arg(long, env = "OFFHOOK_TRUSTED_PROXIES", default_value = "127.0.0.0/8,::1/128", value_parser = networks, value_name = "CIDRS")]
    pub trusted_proxies: Networks,
    /// Mail server: `smtp://…` (TLS where offered; add `?tls=required` to require it) or `smtps://…`, with user and
    /// password where needed [default: none; emails are shown in the log].
    #[arg(long, env = "OFFHOOK_SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<Url>,
    /// Sender of emails; required with a mail server.
    #[arg(long, env = "OFFHOOK_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// Export spans by OTLP over HTTP to this collector, such as http://127.0.0.1:4318 [default: none].
    #[arg(long, env = "OFFHOOK_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<Url>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The address to listen on does not form a URL.
    #[error("set OFFHOOK_PUBLIC_URL: {0}")]
    PublicUrl(#[from] url::ParseError),
    /// Mail.
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// A list of networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<IpNet>);

fn networks(text: &str) -> Result<Networks, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let network = |part: &str| part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
    let each = parts.map(|part| network(part).map_err(|_| format!("{part} is not a network such as 10.0.0.0/8")));
    each.collect::<Result<_, _>>().map(Networks)
}

fn sign_up(text: &str) -> Result<SignUpPolicy, String> {
    SignUpPolicy::parse(text).ok_or_else(|| "must be open, local or invite".to_owned())
}

fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_origin = matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
    if is_origin { Ok(url) } else { Err("must be http:// or https:// and a host, without a path".to_owned()) }
}

impl Serve {
    /// The settings of the engine for the address that the server listens on.
    ///
    /// # Errors
    /// As [`Self::public_url`] and [`mail::open`].
    pub fn engine(&self, listening: SocketAddr, keys: Keys) -> Result<engine::Config, SettingsError> {
        let public_url = self.public_url(listening)?;
        let default = if local::is_loopback(public_url.as_str()) { SignUpPolicy::Local } else { SignUpPolicy::Invite };
        Ok(engine::Config {
            trust: engine::outbound::Trust::default(),
            database: self.store.database(),
            keys,
            egress_allow: self.egress_allow.0.clone(),
            sign_up: self.sign_up.unwrap_or(default),
            retention_max_days: self.retention_max_days,
            public_url,
            own_address: reachable(listening),
            mail: mail::open(self.smtp_url.as_ref(), self.mail_from.as_deref())?,
            password_cost: engine::password::HashCost::default(),
            numbers: Arc::new(PhoneNumbers),
        })
    }

    /// Where browsers reach us.
    ///
    /// # Errors
    /// When the address to listen on does not form a URL.
    pub fn public_url(&self, listening: SocketAddr) -> Result<Url, SettingsError> {
        match &self.public_url {
            Some(url) => Ok(url.clone()),
            // Port 0 means any free port, which is known only now.
            None if self.listen.ends_with(":0") => Ok(local_url(listening)?),
            None => Ok(Url::parse(&format!("http://{}", self.listen))?),
        }
    }
}

/// The URL of one of our own addresses.
///
/// # Errors
/// None in practice: an address and a port always form a URL.
pub fn local_url(address: SocketAddr) -> Result<Url, url::ParseError> {
    Url::parse(&format!("http://{address}"))
}

/// An address that reaches us from this machine: listening on all addresses includes loopback.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_comma_separated_and_a_single_address_is_a_network() {
        assert_eq!(networks("10.0.0.0/8, ::1").unwrap().0.len(), 2);
        assert_eq!(networks("").unwrap(), Networks::default());
        assert!(networks("10.0.0.0/8,nonsense").unwrap_err().contains("nonsense"));
    }

    #[test]
    fn a_database_is_sqlite_or_postgresql() {
        for known in ["sqlite://data/offhook.db", "postgres://offhook@db/offhook", "postgresql://offhook@db/offhook"] {
            assert!(database_url(known).is_ok(), "{known}");
        }
        assert!(database_url("mysql://x").unwrap_err().contains("sqlite:// or postgres://"));
    }

    #[test]
    fn a_public_url_is_an_origin() {
        assert!(public_url("https://hooks.acme.example").is_ok());
        for wrong in ["hooks.acme.example", "ftp://acme.example", "https://acme.example/hooks"] {
            assert!(public_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_server_on_all_addresses_is_reachable_on_loopback() {
        assert_eq!(reachable("0.0.0.0:3000".parse().unwrap()).to_string(), "127.0.0.1:3000");
        assert_eq!(reachable("[::]:3000".parse().unwrap()).to_string(), "[::1]:3000");
        assert_eq!(local_url("[::1]:8080".parse().unwrap()).unwrap().as_str(), "http://[::1]:8080/");
    }
}
