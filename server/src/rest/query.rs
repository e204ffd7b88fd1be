//! Query strings of the REST API: unlike a page's link, a parameter that is not understood is an error.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use domain::{Error, FieldError, query};

use crate::rest::problem::Problem;

/// The parameters that no handler has taken yet, and what was wrong with those taken.
pub struct Query {
    left: Vec<(String, String)>,
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
        // Nothing that can be looked for has a control character, and PostgreSQL takes no NUL.
        let (unseen, left) =
            query::pairs_as_sent(query).partition::<Vec<_>, _>(|(_, value)| value.contains(char::is_control));
        let refused = |(name, _)| FieldError::new(name, "A parameter has no control characters.");
        Self { left, errors: unseen.into_iter().map(refused).collect() }
    }

    /// All values of a parameter; commas separate values too.
    pub fn each<T: PartialEq>(&mut self, name: &str, says: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let mut found = Vec::new();
        for value in self.take(name) {
            for item in value.split(',').map(str::trim).filter(|item| !item.is_empty()) {
                match parse(item) {
                    Some(item) if found.contains(&item) => {}
                    Some(item) => found.push(item),
                    None => self.errors.push(FieldError::new(name, says)),
                }
            }
        }
        found
    }

    /// The one value of a parameter.
    pub fn one<T>(&mut self, name: &str, says: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let values = self.take(name);
        if values.len() > 1 {
            self.errors.push(FieldError::new(name, "This parameter may be given once."));
        }
        let parsed = parse(values.first()?);
        if parsed.is_none() {
            self.errors.push(FieldError::new(name, says));
        }
        parsed
    }

    /// A text as it is.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.one(name, "", |text| Some(text.to_owned()))
    }

    /// `cursor`: where the page begins. What no page of this list has named as `next` is an error: a program that pages
    /// with it would never come to an end.
    pub fn cursor(&mut self, is_one: impl Fn(&str) -> bool) -> Option<String> {
        let says = "This is no cursor of this list. Give next of the page before, or nothing for the first page.";
        self.one("cursor", says, |text| is_one(text).then(|| text.to_owned()))
    }

    /// `limit`: how many rows, 1 to 250.
    pub fn limit(&mut self) -> u32 {
        let in_bounds = |text: &str| text.parse().ok().filter(|rows| (1..=query::PAGE_MAX_ROWS).contains(rows));
        self.one("limit", "A limit is a number from 1 to 250.", in_bounds).unwrap_or(query::PAGE_ROWS)
    }

    fn take(&mut self, name: &str) -> Vec<String> {
        let (taken, left) = std::mem::take(&mut self.left).into_iter().partition(|(key, _)| key == name);
        self.left = left;
        Vec::into_iter(taken).map(|(_, value): (String, String)| value).collect()
    }

    /// Goes on only if all parameters were known and right.
    ///
    /// # Errors
    /// 422 naming each that was not.
    pub fn done(mut self) -> Result<(), Problem> {
        let unknown = self.left.into_iter().map(|(name, _)| FieldError::new(name, "There is no such parameter here."));
        self.errors.extend(unknown);
        if self.errors.is_empty() { Ok(()) } else { Err(Error::Invalid(self.errors).into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_may_be_repeated_or_separated_by_commas() {
        let mut query = Query::of("n=1,2&n=2&n=3");
        assert_eq!(query.each("n", "a number", |n| n.parse::<u32>().ok()), [1, 2, 3]);
        assert!(query.done().is_ok());
    }

    #[test]
    fn control_characters_are_refused_whatever_the_parameter() {
        let mut query = Query::of("q=a%00b");
        assert_eq!(query.text("q"), None);
        let document = serde_json::to_value(query.done().unwrap_err().document()).unwrap();
        assert!(document["errors"]["q"].is_array(), "{document}");
    }

    #[test]
    fn unknown_wrong_and_repeated_parameters_are_errors() {
        for wrong in ["limit=0", "limit=251", "limit=x", "limit=1&limit=2", "limti=1"] {
            let mut query = Query::of(wrong);
            query.limit();
            assert!(query.done().is_err(), "{wrong}");
        }
    }
}
