//! `offhook connect …`: follows a phone system beside which it runs, and posts its calls.

mod asterisk;
mod check;
mod freeswitch;
mod given;
mod options;
mod replay;
mod run;

use std::{fs, path::Path};

pub(super) use self::given::without_technology;
use clap::Subcommand;

use crate::command::CommandError;

/// A phone system.
#[derive(Debug, Subcommand)]
pub enum Connect {
    /// Follow an Asterisk (or FreePBX) over its manager interface.
    Asterisk(Box<asterisk::Asterisk>),
    /// Follow a FreeSWITCH (or FusionPBX) over its event socket. Written from FreeSWITCH's sources and documentation: not yet
    /// tried against a running FreeSWITCH, so make a test call before you rely on it.
    #[command(name = "freeswitch")]
    FreeSwitch(Box<freeswitch::FreeSwitch>),
    /// Print the events of a recording; nothing is posted.
    Replay(replay::Replay),
}

pub(super) async fn run(connect: Connect) -> Result<(), CommandError> {
    match connect {
        Connect::Asterisk(settings) => asterisk::run(*settings).await,
        Connect::FreeSwitch(settings) => freeswitch::run(*settings).await,
        Connect::Replay(replay) => replay::run(&replay),
    }
}

/// The secret in a file, without the line break at its end.
fn secret(option: &str, file: &Path) -> Result<String, CommandError> {
    let text = fs::read_to_string(file)
        .map_err(|error| CommandError::Usage(format!("{option}: {} can't be read: {error}", file.display())))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(CommandError::Usage(format!("{option}: {} must have one line with the secret", file.display())));
    }
    Ok(text.to_owned())
}
