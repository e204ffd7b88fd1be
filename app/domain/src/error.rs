//! What can go wrong, in the words of the caller. Doors (pages, REST, command line) turn these into theirs.

use serde::{Deserialize, Serialize};

/// Result of everything that Offhook does for a caller.
pub type Result<T> = std::result::Result<T, Error>;

/// One field of the input that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Name of the field as the caller sent it, dotted inside objects: `payload.call_id`.
    pub field: String,
    /// What is wrong, why, and what to do: one or two plain sentences.
    pub message: String,
}

impl FieldError {
    /// A complaint about `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why an operation was not done. Nothing has been changed when one of these comes back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Error {
    /// No such thing in this account; another account's thing looks the same.
    #[error("{0} not found")]
    NotFound(String),
    /// Nobody is signed in, or the token is unknown, expired or revoked. The text says which.
    #[error("{0}")]
    Unauthenticated(String),
    /// The caller is known and may not do this. The text names what is needed.
    #[error("{0}")]
    Forbidden(String),
    /// The account is suspended. The text says why.
    #[error("{0}")]
    Suspended(String),
    /// The input breaks a rule; at least one entry.
    #[error("{}", .0.iter().map(|e| e.message.as_str()).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<FieldError>),
    /// The present state stands against it: same id with another body, same URL twice, already deleted.
    #[error("{detail}")]
    Conflict {
        /// What stands against it and what to do.
        detail: String,
        /// The id of the thing that is in the way, where there is one.
        existing: Option<String>,
    },
    /// Larger than the limit that the text names.
    #[error("{0}")]
    TooLarge(String),
    /// Too often; wait so many seconds.
    #[error("Too many attempts. Try again in {retry_after_s} s.")]
    TooMany {
        /// Seconds to wait before the next try.
        retry_after_s: u32,
    },
    /// We cannot store anything just now (queue full, disk full, database away). Try again later.
    #[error("{detail}")]
    Unavailable {
        /// What is the matter, without inner detail.
        detail: String,
        /// Seconds to wait before the next try.
        retry_after_s: u32,
    },
    /// Our fault. It has been logged where it happened.
    #[error("Our side failed. Nothing was changed; please try again.")]
    Internal,
}

impl From<FieldError> for Error {
    fn from(complaint: FieldError) -> Self {
        Self::Invalid(vec![complaint])
    }
}

impl Error {
    /// A single field's complaint.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    /// The HTTP status with the same meaning (RFC 9110, section 15), for pages and REST alike.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated(_) => 401,
            Self::Forbidden(_) | Self::Suspended(_) => 403,
            Self::NotFound(_) => 404,
            Self::Conflict { .. } => 409,
            Self::TooLarge(_) => 413,
            Self::Invalid(_) => 422,
            Self::TooMany { .. } => 429,
            Self::Internal => 500,
            Self::Unavailable { .. } => 503,
        }
    }

    /// The complaints about fields; empty for other errors.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        if let Self::Invalid(fields) = self { fields } else { &[] }
    }
}
