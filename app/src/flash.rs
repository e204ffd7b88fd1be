//! The outcome of a form, carried from the POST to the page that follows.

use domain::{Error, FieldError};
use serde::{Deserialize, Serialize};

/// The outcome of the previous form, shown on the next page.
///
/// It is stored in the session, not in a cookie: input may exceed the size of a cookie and may contain credentials.
/// Passwords are never stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Path of the page it is for, without the query.
    pub path: String,
    /// What was done and what to do next.
    #[serde(default)]
    pub ok: Option<String>,
    /// Validation errors. An empty field name means the form as a whole.
    #[serde(default)]
    pub errors: Vec<FieldError>,
    /// The rejected input, or values for the next page. Lists repeat their name.
    #[serde(default)]
    pub typed: Vec<(String, String)>,
}

impl Flash {
    /// A flash with the errors of a GET request, as if a form had been rejected.
    #[must_use]
    pub fn refusing(error: &Error) -> Self {
        let errors = match error {
            Error::Invalid(fields) => fields.clone(),
            other => vec![FieldError::new("", other.to_string())],
        };
        Self { errors, ..Self::default() }
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<&str> {
        self.typed.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }

    /// All values of a list field.
    #[must_use]
    pub fn values(&self, field: &str) -> Vec<String> {
        self.typed.iter().filter(|(name, _)| name == field).map(|(_, value)| value.clone()).collect()
    }

    /// The error of a field.
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    /// Whether the form was rejected. The rejected input then takes precedence over stored values.
    #[must_use]
    pub const fn refused(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Its size in the session, in bytes.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX, |text| text.len())
    }

    /// This flash without its values, if it would take more bytes than this in the session.
    #[must_use]
    pub fn within(self, max_bytes: usize) -> Self {
        if self.stored_bytes() <= max_bytes { self } else { Self { typed: Vec::new(), ..self } }
    }

    /// Whether this is for the page at this path, ignoring the query.
    #[must_use]
    pub fn is_for(&self, path: &str) -> bool {
        !self.path.is_empty() && without_query(&self.path) == without_query(path)
    }
}

/// A path without its query.
#[must_use]
pub fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flash_matches_its_page_regardless_of_the_query() {
        let flash = Flash { path: "/a/x/endpoints?new=1".into(), ..Flash::default() };
        assert!(flash.is_for("/a/x/endpoints"));
        assert!(flash.is_for("/a/x/endpoints?sel=ep_1"));
        assert!(!flash.is_for("/a/x/endpoints/new"));
        assert!(!Flash::default().is_for(""));
    }

    #[test]
    fn input_is_found_by_field() {
        let typed = [("url", "https://a.example"), ("events", "IncomingCall"), ("events", "CallProcessed")];
        let typed = typed.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let flash = Flash { errors: vec![FieldError::new("url", "No.")], typed, ..Flash::default() };
        assert_eq!(flash.value("url"), Some("https://a.example"));
        assert_eq!(flash.values("events"), ["IncomingCall", "CallProcessed"]);
        assert_eq!((flash.error("url"), flash.error("name"), flash.refused()), (Some("No."), None, true));
    }
}
