//! Errors of pages and forms.

use domain::FieldError;
use http::StatusCode;
use leptos::prelude::{FromServerFnError, ServerFnErrorErr, use_context};
use leptos::server_fn::codec::JsonEncoding;
use leptos_axum::ResponseOptions;
use serde::{Deserialize, Serialize};

/// Why a page cannot be shown or a form was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum UiError {
    /// The backend refused.
    #[error(transparent)]
    Domain(domain::Error),
    /// The submitted form could not be parsed. Our own pages never cause this.
    #[error("This form could not be read. Reload the page and submit it again.")]
    Unreadable,
}

impl UiError {
    /// An internal error, already logged.
    pub const INTERNAL: Self = Self::Domain(domain::Error::Internal);

    /// There is no such record in this account.
    pub fn not_found(noun: &str) -> Self {
        Self::Domain(domain::Error::NotFound(noun.to_owned()))
    }

    /// The matching HTTP status (RFC 9110 section 15).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unreadable => 400,
            Self::Domain(error) => error.status(),
        }
    }

    /// The errors of form fields; for any other error, one without a field.
    #[must_use]
    pub fn field_errors(&self) -> Vec<FieldError> {
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
                // Without it, the status would say that we failed.
                if let Some(response) = use_context::<ResponseOptions>() {
                    response.set_status(StatusCode::BAD_REQUEST);
                }
                Self::Unreadable
            }
            _ => Self::INTERNAL,
        }
    }
}
