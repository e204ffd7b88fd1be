//! Parsing and writing query strings.

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::error::{Error, Result};

/// Default number of rows per page.
pub const PAGE_ROWS: u32 = 50;
/// Maximum number of rows per page.
pub const PAGE_MAX_ROWS: u32 = 250;

/// Longest text that accounts are searched for, in characters: a database refuses longer patterns.
pub const SEARCH_MAX_CHARS: usize = 200;

/// Checks a text that accounts are searched for.
///
/// # Errors
/// `Invalid` for the parameter `q` when it is too long.
pub fn check_search(text: &str) -> Result<()> {
    let message = || format!("Enter at most {SEARCH_MAX_CHARS} characters.");
    if text.chars().count() > SEARCH_MAX_CHARS { Err(Error::invalid("q", message())) } else { Ok(()) }
}

/// A page size between 1 and [`PAGE_MAX_ROWS`]; [`PAGE_ROWS`] for 0.
#[must_use]
pub const fn page_size(asked: u32) -> u32 {
    match asked {
        0 => PAGE_ROWS,
        1..=PAGE_MAX_ROWS => asked,
        _ => PAGE_MAX_ROWS,
    }
}

/// The decoded pairs of a query string, without empty values. Control characters are removed: no searchable value
/// contains one, and PostgreSQL does not accept NUL.
pub fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let seen = pairs_as_sent(query).map(|(k, v)| (k, v.replace(char::is_control, "").trim().to_owned()));
    seen.filter(|(_, v)| !v.is_empty())
}

/// The decoded pairs including what [`pairs`] drops, for callers that refuse it.
pub fn pairs_as_sent(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let query = query.strip_prefix('?').unwrap_or(query);
    let decoded = form_urlencoded::parse(query.as_bytes());
    decoded.map(|(k, v)| (k.into_owned(), v.trim().to_owned())).filter(|(_, v)| !v.is_empty())
}

/// A writer of query strings. Empty values are omitted, to keep URLs short.
pub struct Writer(form_urlencoded::Serializer<'static, String>);

impl Default for Writer {
    fn default() -> Self {
        Self(form_urlencoded::Serializer::new(String::new()))
    }
}

impl Writer {
    /// Adds a pair unless its value is empty.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl AsRef<str>) -> Self {
        if !value.as_ref().is_empty() {
            self.0.append_pair(key, value.as_ref());
        }
        self
    }

    /// Adds the parameters of paging: the cursor and the number of rows.
    #[must_use]
    pub fn page(self, cursor: Option<&str>, limit: u32) -> Self {
        let limit = if limit == 0 { String::new() } else { limit.to_string() };
        self.with("cursor", cursor.unwrap_or_default()).with("limit", limit)
    }

    /// The query string including the question mark, or an empty string.
    #[must_use]
    pub fn finish(mut self) -> String {
        let query = self.0.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

/// Percent-encodes a path segment or query value for a URL.
#[must_use]
pub fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page starts; `None` on the last page.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_removed() {
        let of = |query: &str| pairs(query).collect::<Vec<_>>();
        assert_eq!(of("?q=a%00b&call=%00&who=%1b%0ax"), [("q".into(), "ab".into()), ("who".into(), "x".into())]);
        assert_eq!(pairs_as_sent("q=a%00b").collect::<Vec<_>>(), [("q".to_owned(), "a\0b".to_owned())]);
    }
}
