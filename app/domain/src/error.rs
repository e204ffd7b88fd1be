//! Errors, phrased for the caller. Pages, REST and the command line map them to their own form.

use serde::{Deserialize, Serialize};

/// The result of an operation.
pub type Result<T> = std::result::Result<T, Error>;

/// One invalid field of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Name of the field as the caller sent it, with dots inside objects: `payload.call_id`.
    pub field: String,
    /// What is wrong, why, and what to do: one or two plain sentences.
    pub message: String,
}

impl FieldError {
    /// An error for `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why an operation failed. Nothing has been changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Error {
    /// There is no such object in this account. Another account's object gives the same error.
    #[error("{0} not found")]
    NotFound(String),
    /// The caller is not signed in, or the token is unknown, expired or revoked. The text says which.
    #[error("{0}")]
    Unauthenticated(String),
    /// The caller lacks a permission. The text names what is needed.
    #[error("{0}")]
    Forbidden(String),
    /// The account is suspended. The text says why.
    #[error("{0}")]
    Suspended(String),
    /// The input is invalid; at least one entry.
    #[error("{}", .0.iter().map(|e| e.message.as_str()).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<FieldError>),
    /// The current state conflicts: same id with another body, a URL used twice, already deleted.
    #[error("{detail}")]
    Conflict {
        /// What conflicts, and what to do.
        detail: String,
        /// The id of the conflicting object, if there is one.
        existing: Option<String>,
    },
    /// Larger than a limit, which the text names.
    #[error("{0}")]
    TooLarge(String),
    /// Too many requests.
    #[error("Too many attempts. Try again in {retry_after_s} s.")]
    TooMany {
        /// Seconds to wait before trying again.
        retry_after_s: u32,
    },
    /// A queue is full, or something was done too often. The text names the limit.
    #[error("{detail}")]
    LimitReached {
        /// Which limit was reached, and what to do.
        detail: String,
        /// Seconds to wait before trying again.
        retry_after_s: u32,
    },
    /// Nothing can be stored at the moment: the queue or the disk is full, or the database is unavailable.
    #[error("{detail}")]
    Unavailable {
        /// The reason, without internal detail.
        detail: String,
        /// Seconds to wait before trying again.
        retry_after_s: u32,
    },
    /// An internal error. It has been logged where it happened.
    #[error("Something went wrong on our side. Nothing was changed. Please try again.")]
    Internal,
}

impl Error {
    /// What is wrong with a form: the fields that could not be read, and the others that break a rule. `order` has the
    /// fields as the form shows them.
    pub(crate) fn unread(mut wrong: Vec<FieldError>, others: Option<Self>, order: &[&str]) -> Self {
        let others = others.map(|error| error.fields().to_vec()).unwrap_or_default();
        let unread: Vec<_> = wrong.iter().map(|error| error.field.clone()).collect();
        wrong.extend(others.into_iter().filter(|error| !unread.contains(&error.field)));
        wrong.sort_by_key(|error| order.iter().position(|field| *field == error.field));
        Self::Invalid(wrong)
    }
}

/// Collects the error, if there is one.
pub(crate) fn noted<T>(errors: &mut Vec<FieldError>, result: std::result::Result<T, FieldError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

/// A whole number in a text field of a form; `None` if it is blank. Thousands may be grouped.
///
/// # Errors
/// An error of this field, with this message.
pub fn whole(text: &str, field: &str, message: &str) -> std::result::Result<Option<u32>, FieldError> {
    let text = text.trim().replace([',', ' '], "");
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| FieldError::new(field, message)) }
}

impl From<FieldError> for Error {
    fn from(complaint: FieldError) -> Self {
        Self::Invalid(vec![complaint])
    }
}

impl Error {
    /// An error for a single field.
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
            Self::TooMany { .. } | Self::LimitReached { .. } => 429,
            Self::Internal => 500,
            Self::Unavailable { .. } => 503,
        }
    }

    /// Seconds after which the same request may succeed; none if waiting does not help.
    #[must_use]
    pub const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::TooMany { retry_after_s }
            | Self::LimitReached { retry_after_s, .. }
            | Self::Unavailable { retry_after_s, .. } => Some(*retry_after_s),
            _ => None,
        }
    }

    /// The errors per field; empty for other errors.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        if let Self::Invalid(fields) = self { fields } else { &[] }
    }
}
