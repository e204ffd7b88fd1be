//! Why there is no connection, as a sentence that says what to do.

use domain::connector::{ASTERISK_MIN, ConnectorProblem};

use crate::{asterisk::ami::UnsafeValue, session::Interruption};

/// A permission of the AMI user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// To see the events of calls.
    ReadCall,
    /// To list channels, and to ask whether a number may be shown.
    WriteReporting,
}

/// Why there is no connection, or a useless one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// What answers is not AMI.
    #[error("What answers at this address isn't Asterisk's AMI. Check host and port (usually 5038).")]
    NotAmi,
    /// A message has no end.
    #[error(
        "What Asterisk sends isn't AMI any more: a message has no end after 16 MiB. Check host and port (usually 5038), and what is between Asterisk and here."
    )]
    Endless,
    /// It is older than [`ASTERISK_MIN`].
    #[error(
        "This Asterisk is too old ({0}): its events don't tell enough. Update it to Asterisk {ASTERISK_MIN} or newer."
    )]
    TooOld(String),
    /// The login failed.
    #[error(
        "Asterisk refused user or secret. Compare [offhook] in manager.conf with --user and --secret-file, check `permit`, then run: asterisk -rx 'manager reload'"
    )]
    WrongSecret,
    /// The secret cannot be sent.
    #[error("{0}")]
    Unsafe(#[from] UnsafeValue),
    /// The AMI user may not do what is needed.
    #[error("{}", .0.sentence())]
    MissingPermission(Permission),
    /// The connection ended, or never began.
    #[error("{}", .0.sentence("Asterisk", "AMI", "that manager.conf has enabled = yes"))]
    Interrupted(Interruption),
}

impl From<Interruption> for Failure {
    fn from(interruption: Interruption) -> Self {
        Self::Interrupted(interruption)
    }
}

impl Permission {
    const fn sentence(self) -> &'static str {
        match self {
            Self::ReadCall => {
                "Asterisk sends no events of calls: add `read = call` to [offhook] in manager.conf, then run: asterisk -rx 'manager reload'"
            }
            Self::WriteReporting => {
                "Asterisk denies the list of channels: add `write = reporting` to [offhook] in manager.conf, then run: asterisk -rx 'manager reload'"
            }
        }
    }
}

impl crate::session::Failure for Failure {
    fn problem(&self) -> ConnectorProblem {
        match self {
            Self::WrongSecret | Self::Unsafe(_) => ConnectorProblem::WrongSecret,
            Self::MissingPermission(_) => ConnectorProblem::MissingPermission,
            Self::TooOld(_) => ConnectorProblem::TooOld,
            Self::NotAmi | Self::Endless => ConnectorProblem::Malformed,
            Self::Interrupted(interruption) => interruption.problem(),
        }
    }
}
