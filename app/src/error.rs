//! What a page or form can fail with.

use domain::FieldError;
use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
use leptos::server_fn::codec::JsonEncoding;
use serde::{Deserialize, Serialize};

/// Why a page cannot be shown or a form was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum UiError {
    /// The engine refused, in its own words.
    #[error(transparent)]
    Domain(domain::Error),
    /// The posted form could not be read; nobody who used our own pages sees this.
    #[error("This form could not be read. Open the page again and send it from there.")]
    Unreadable,
}

impl UiError {
    /// Our own fault, already logged.
    pub const INTERNAL: Self = Self::Domain(domain::Error::Internal);

    /// There is no such thing in this account.
    pub fn not_found(noun: &str) -> Self {
        Self::Domain(domain::Error::NotFound(noun.to_owned()))
    }

    /// The HTTP status that says the same (RFC 9110 section 15).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unreadable => 400,
            Self::Domain(error) => error.status(),
        }
    }

    /// The complaints about fields; one without a field for any other error.
    #[must_use]
    pub fn complaints(&self) -> Vec<FieldError> {
        match self {
            Self::Domain(domain::Error::Invalid(fields)) => fields.clone(),
            other => vec![FieldError::new("", other.to_string())],
        }
    }
}

impl From<domain::Error> for UiError {
    fn from(error: domain::Error) -> Self {
        Self::Domain(error)
    }
}

impl FromServerFnError for UiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::Unreadable
            }
            _ => Self::INTERNAL,
        }
    }
}
