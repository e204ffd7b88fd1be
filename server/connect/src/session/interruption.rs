//! How a connection ends, or never begins, without the phone system's doing.

use domain::connector::ConnectorProblem;

/// What happened to the connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Interruption {
    /// Nothing accepts connections.
    #[error("at {address}: {reason}")]
    Unreachable {
        /// Where.
        address: String,
        /// The error of the network.
        reason: String,
    },
    /// The phone system is shutting down, or restarted its manager.
    #[error("The phone system closed the connection.")]
    Closed,
    /// The connection broke.
    #[error("The connection to the phone system broke: {0}.")]
    Broken(String),
    /// Nothing has been heard for [`super::DEAD_MS`], not even a response to a ping.
    #[error("The phone system has not responded for 6 seconds.")]
    Silent,
    /// Too many events wait to be saved: what happens next is a gap.
    #[error("Events can't be saved. Check the disk of the connector.")]
    CannotSave,
    /// Requests were sent faster than the phone system reads them.
    #[error("The phone system does not read what it is sent.")]
    DoesNotRead,
}

impl Interruption {
    /// How it is reported.
    #[must_use]
    pub const fn problem(&self) -> ConnectorProblem {
        match self {
            Self::CannotSave => ConnectorProblem::SpoolFull,
            _ => ConnectorProblem::Unreachable,
        }
    }
}
