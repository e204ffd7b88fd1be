//! Why there is no connection, as a sentence that says what to do.

use domain::connector::ConnectorProblem;

use crate::session::Interruption;

/// Why there is no connection, or a useless one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// What answers is no event socket.
    #[error("What answers at this address isn't FreeSWITCH's event socket. Check host and port (usually 8021).")]
    NotEventSocket,
    /// The password is wrong.
    #[error(
        "FreeSWITCH refused the password. Compare `password` in event_socket.conf.xml with --password-file, then run: fs_cli -x 'reload mod_event_socket'"
    )]
    WrongPassword,
    /// The password cannot be sent.
    #[error("The password has a line break or another control character, so it can't be sent to FreeSWITCH.")]
    UnsafePassword,
    /// The address of the connector is not allowed.
    #[error("FreeSWITCH lets no one connect from this address. Check `apply-inbound-acl` in event_socket.conf.xml.")]
    Rejected,
    /// A command is not allowed, or does not exist.
    #[error(
        "FreeSWITCH denies a command that is needed, such as `show channels as json`: {0}. Check that mod_commands is loaded."
    )]
    Denied(String),
    /// The list of channels has more than [`crate::freeswitch::RESPONSE_MAX_BYTES`].
    #[error("FreeSWITCH has too many channels: the list of them is larger than 32 MiB.")]
    TooManyChannels,
    /// The connection ended, or never began.
    #[error("{}", .0.sentence("FreeSWITCH", "event socket", "that mod_event_socket is loaded"))]
    Interrupted(Interruption),
}

impl From<Interruption> for Failure {
    fn from(interruption: Interruption) -> Self {
        Self::Interrupted(interruption)
    }
}

impl crate::session::Failure for Failure {
    fn problem(&self) -> ConnectorProblem {
        match self {
            Self::WrongPassword | Self::UnsafePassword => ConnectorProblem::WrongSecret,
            Self::Rejected | Self::Denied(_) => ConnectorProblem::MissingPermission,
            Self::NotEventSocket | Self::TooManyChannels => ConnectorProblem::Malformed,
            Self::Interrupted(interruption) => interruption.problem(),
        }
    }
}
