//! How a connection ends, or never begins, without the phone system's doing.

use domain::connector::ConnectorProblem;

/// What happened to the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interruption {
    /// Nothing accepts connections.
    Unreachable {
        /// Where.
        address: String,
        /// The error of the network.
        reason: String,
    },
    /// The phone system is shutting down, or restarted its manager.
    Closed,
    /// The connection broke.
    Broken(String),
    /// Nothing has been heard for [`super::DEAD_MS`], not even a response to a ping.
    Silent,
    /// Too many events wait to be saved: what happens next is a gap. The sentence says why they may.
    CannotSave(&'static str),
    /// Requests were sent faster than the phone system reads them.
    DoesNotRead,
}

impl Interruption {
    /// How it is reported.
    #[must_use]
    pub const fn problem(&self) -> ConnectorProblem {
        match self {
            Self::CannotSave(_) => ConnectorProblem::SpoolFull,
            _ => ConnectorProblem::Unreachable,
        }
    }

    /// As a sentence about this phone system, which is reached by this interface, with what to check if it can't be.
    pub(crate) fn sentence(&self, system: &str, interface: &str, check: &str) -> String {
        match self {
            Self::Unreachable { address, reason } => {
                format!(
                    "{system}'s {interface} can't be reached at {address}: {reason}. Check that {system} runs, and {check}."
                )
            }
            Self::Closed => format!("{system} closed the connection."),
            Self::Broken(reason) => format!("The connection to {system} broke: {reason}."),
            Self::Silent => format!("{system} has not responded for 6 seconds."),
            Self::CannotSave(why) => (*why).to_owned(),
            Self::DoesNotRead => format!("{system} does not read what it is sent."),
        }
    }
}
