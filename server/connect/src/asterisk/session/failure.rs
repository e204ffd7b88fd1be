//! Why there is no connection, as a sentence that says what to do.

use domain::connector::ConnectorProblem;

use crate::asterisk::ami::UnsafeValue;

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
    /// Nothing accepts connections.
    #[error(
        "Asterisk's AMI can't be reached at {address}: {reason}. Check that Asterisk runs, and that manager.conf has enabled = yes."
    )]
    Unreachable {
        /// Where.
        address: String,
        /// The error of the network.
        reason: String,
    },
    /// What answers is not AMI.
    #[error("What answers at this address isn't Asterisk's AMI. Check host and port (usually 5038).")]
    NotAmi,
    /// The protocol is older than [`super::AMI_VERSION_MIN`].
    #[error("This Asterisk is too old (AMI {0}): its events don't tell enough. Update it to Asterisk 13 or later.")]
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
    /// Asterisk is shutting down, or restarted its manager.
    #[error("Asterisk closed the connection.")]
    Closed,
    /// The connection broke.
    #[error("The connection to Asterisk broke: {0}.")]
    Broken(String),
    /// Nothing has been heard for [`super::DEAD_MS`], not even a response to a ping.
    #[error("Asterisk has not responded for 6 seconds.")]
    Silent,
    /// Too many events wait to be saved: what happens next is a gap.
    #[error("Events can't be saved. Check the disk of the connector.")]
    CannotSave,
    /// Requests were sent faster than Asterisk reads them.
    #[error("Asterisk does not read what it is sent.")]
    DoesNotRead,
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

impl Failure {
    /// How it is reported.
    #[must_use]
    pub const fn problem(&self) -> ConnectorProblem {
        match self {
            Self::WrongSecret | Self::Unsafe(_) => ConnectorProblem::WrongSecret,
            Self::MissingPermission(_) => ConnectorProblem::MissingPermission,
            Self::TooOld(_) => ConnectorProblem::TooOld,
            Self::NotAmi => ConnectorProblem::Malformed,
            Self::CannotSave => ConnectorProblem::SpoolFull,
            Self::Unreachable { .. } | Self::Closed | Self::Broken(_) | Self::Silent | Self::DoesNotRead => {
                ConnectorProblem::Unreachable
            }
        }
    }

    /// Whether trying again soon is no use: an administrator has to change something.
    #[must_use]
    pub const fn needs_administrator(&self) -> bool {
        !matches!(self.problem(), ConnectorProblem::Unreachable)
    }
}
