//! The outcome of a form, carried from the post to the page that follows it.

use domain::{Error, FieldError};
use serde::{Deserialize, Serialize};

/// What one page is told about the form before it.
///
/// It waits in the session, not in a cookie: typed values may be longer than a cookie holds, and may be credentials.
/// Passwords are in neither.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The page that it is for, without its query.
    pub path: String,
    /// What was done and what comes next.
    #[serde(default)]
    pub ok: Option<String>,
    /// What stands against it. An empty field name means the form as a whole.
    #[serde(default)]
    pub errors: Vec<FieldError>,
    /// What was typed, so that it is not lost; a list repeats its name.
    #[serde(default)]
    pub typed: Vec<(String, String)>,
}

impl Flash {
    /// What a page says that was asked for something it cannot do, as if a form had been refused.
    #[must_use]
    pub fn refusing(error: &Error) -> Self {
        let errors = match error {
            Error::Invalid(fields) => fields.clone(),
            other => vec![FieldError::new("", other.to_string())],
        };
        Self { errors, ..Self::default() }
    }

    /// The value typed into a field.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<&str> {
        self.typed.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }

    /// All values of a list.
    #[must_use]
    pub fn values(&self, field: &str) -> Vec<String> {
        self.typed.iter().filter(|(name, _)| name == field).map(|(_, value)| value.clone()).collect()
    }

    /// The complaint about a field.
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    /// Whether the form was refused; what was typed goes before what is stored then.
    #[must_use]
    pub const fn refused(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Whether this is for the page at this path (a query is passed over).
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
    fn a_flash_is_for_its_page_whatever_the_query() {
        let flash = Flash { path: "/a/x/endpoints?new=1".into(), ..Flash::default() };
        assert!(flash.is_for("/a/x/endpoints"));
        assert!(flash.is_for("/a/x/endpoints?sel=ep_1"));
        assert!(!flash.is_for("/a/x/endpoints/new"));
        assert!(!Flash::default().is_for(""));
    }

    #[test]
    fn what_was_typed_is_found_by_its_field() {
        let typed = [("url", "https://a.example"), ("events", "IncomingCall"), ("events", "CallProcessed")];
        let typed = typed.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let flash = Flash { errors: vec![FieldError::new("url", "No.")], typed, ..Flash::default() };
        assert_eq!(flash.value("url"), Some("https://a.example"));
        assert_eq!(flash.values("events"), ["IncomingCall", "CallProcessed"]);
        assert_eq!((flash.error("url"), flash.error("name"), flash.refused()), (Some("No."), None, true));
    }
}
