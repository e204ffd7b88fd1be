//! `offhook connect asterisk`

use std::path::PathBuf;

use clap::Args;
use connect::{
    asterisk::session::{Account, Session},
    call::PhoneSystem,
    link::Place,
};

use super::{
    options::{Options, PlainText},
    secret,
};
use crate::command::CommandError;

/// Where Asterisk is.
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
    /// Asterisk's call records, from which gaps are filled, such as /var/log/asterisk/cdr-csv/Master.csv.
    #[arg(long, value_name = "FILE")]
    cdr_csv: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

pub(super) async fn run(wanted: Asterisk) -> Result<(), CommandError> {
    let secret = secret("--secret-file", &wanted.secret_file)?;
    if !wanted.ami_over_network {
        let ami = PlainText { interface: "AMI", option: "ami", address: &wanted.ami, system: "Asterisk" };
        ami.require_loopback().await?;
    }
    let account = Account { user: wanted.user, secret };
    let place = Place { address: wanted.ami, records: wanted.cdr_csv };
    let session = |settings, saved| Session::new(account.clone(), settings, saved);
    wanted.options.run(PhoneSystem::Asterisk, place, session).await
}
