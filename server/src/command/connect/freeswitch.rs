//! `offhook connect freeswitch`

use std::path::PathBuf;

use clap::Args;
use connect::{
    call::PhoneSystem,
    freeswitch::session::{Password, Session},
    link::Place,
};

use super::{
    options::{Options, PlainText},
    secret,
};
use crate::command::CommandError;

/// Where FreeSWITCH is.
#[derive(Debug, Args)]
pub struct FreeSwitch {
    /// FreeSWITCH's event socket.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8021")]
    esl: String,
    /// Allow --esl on another machine. The event socket is plain text: everyone on the way can read the password and all
    /// numbers, and with the password control FreeSWITCH.
    #[arg(long)]
    esl_over_network: bool,
    /// A file with the password in event_socket.conf.xml.
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    #[command(flatten)]
    options: Options,
}

pub(super) async fn run(wanted: FreeSwitch) -> Result<(), CommandError> {
    let password = Password(secret("--password-file", &wanted.password_file)?);
    if !wanted.esl_over_network {
        let esl =
            PlainText { interface: "the event socket", option: "esl", address: &wanted.esl, system: "FreeSWITCH" };
        esl.require_loopback().await?;
    }
    let place = Place { address: wanted.esl, records: None };
    let session = |settings, saved| Session::new(password.clone(), settings, saved);
    wanted.options.run(PhoneSystem::FreeSwitch, place, session).await
}
