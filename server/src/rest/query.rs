//! Query strings of the REST API. Unlike in links to pages, an invalid or unknown parameter is an error.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use domain::{Error, FieldError, query};

use crate::rest::problem::Problem;

/// The parameters that no handler has read yet, and the errors found so far.
pub struct Query {
    unread: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    pub(super) fn of(query: &str) -> Self {
        // No searchable text has control characters, and PostgreSQL does not accept NUL.
        let (invalid, unread) =
            query::pairs_as_sent(query).partition::<Vec<_>, _>(|(_, value)| value.contains(char::is_control));
        let error = |(name, _)| FieldError::new(name, "A parameter must not contain control characters.");
        Self { unread, errors: invalid.into_iter().map(error).collect() }
    }

    /// All values of a parameter, repeated or comma-separated.
    pub fn list<T: PartialEq>(&mut self, name: &str, message: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let mut found = Vec::new();
        for value in self.take(name) {
            for item in value.split(',').map(str::trim).filter(|item| !item.is_empty()) {
                match parse(item) {
                    Some(item) if found.contains(&item) => {}
                    Some(item) => found.push(item),
                    None => self.errors.push(FieldError::new(name, message)),
                }
            }
        }
        found
    }

    /// The single value of a parameter.
    pub fn one<T>(&mut self, name: &str, message: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let values = self.take(name);
        if values.len() > 1 {
            self.errors.push(FieldError::new(name, "This parameter can be given only once."));
        }
        let parsed = parse(values.first()?);
        if parsed.is_none() {
            self.errors.push(FieldError::new(name, message));
        }
        parsed
    }

    /// The value unchanged.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.one(name, "", |text| Some(text.to_owned()))
    }

    /// `cursor`: where the page starts. A value that this list cannot have returned as `next` is an error: a program
    /// that used it would page forever.
    pub fn cursor(&mut self, is_valid: impl Fn(&str) -> bool) -> Option<String> {
        let message =
            "This is not a cursor of this list. Pass next of the previous page, or nothing for the first page.";
        self.one("cursor", message, |text| is_valid(text).then(|| text.to_owned()))
    }

    /// `limit`: how many rows, 1 to 250.
    pub fn limit(&mut self) -> u32 {
        let in_bounds = |text: &str| text.parse().ok().filter(|rows| (1..=query::PAGE_MAX_ROWS).contains(rows));
        self.one("limit", "A limit must be a number from 1 to 250.", in_bounds).unwrap_or(query::PAGE_ROWS)
    }

    fn take(&mut self, name: &str) -> Vec<String> {
        let (taken, unread) = std::mem::take(&mut self.unread).into_iter().partition(|(key, _)| key == name);
        self.unread = unread;
        Vec::into_iter(taken).map(|(_, value): (String, String)| value).collect()
    }

    /// Succeeds if all parameters were known and valid.
    ///
    /// # Errors
    /// 422 naming each one that was not.
    pub fn finish(mut self) -> Result<(), Problem> {
        let unknown =
            self.unread.into_iter().map(|(name, _)| FieldError::new(name, "This parameter does not exist here."));
        self.errors.extend(unknown);
        if self.errors.is_empty() { Ok(()) } else { Err(Error::Invalid(self.errors).into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_repeated_or_comma_separated() {
        let mut query = Query::of("n=1,2&n=2&n=3");
        assert_eq!(query.list("n", "a number", |n| n.parse::<u32>().ok()), [1, 2, 3]);
        assert!(query.finish().is_ok());
    }

    #[test]
    fn control_characters_are_rejected_in_every_parameter() {
        let mut query = Query::of("q=a%00b");
        assert_eq!(query.text("q"), None);
        let document = serde_json::to_value(query.finish().unwrap_err().document()).unwrap();
        assert!(document["errors"]["q"].is_array(), "{document}");
    }

    #[test]
    fn unknown_invalid_and_repeated_parameters_are_errors() {
        for wrong in ["limit=0", "limit=251", "limit=x", "limit=1&limit=2", "limti=1"] {
            let mut query = Query::of(wrong);
            query.limit();
            assert!(query.finish().is_err(), "{wrong}");
        }
    }
}
