//! `offhook connect …`

mod replay;

use clap::Subcommand;

use crate::command::CommandError;

/// Connectors of phone systems.
#[derive(Debug, Subcommand)]
pub enum Connect {
    /// Print the events of a recording; nothing is posted.
    Replay(replay::Replay),
}

pub(super) fn run(connect: &Connect) -> Result<(), CommandError> {
    match connect {
        Connect::Replay(replay) => replay::run(replay),
    }
}
