//! What a route matches.

use serde::{Deserialize, Serialize};

use super::PATTERN_MAX_CHARS;
use crate::{country::Country, phone::Numbers};

/// Begins the pattern of an extension.
pub(super) const EXTENSION: &str = "extension:";
/// Begins the pattern of a context.
pub(super) const CONTEXT: &str = "context:";
/// Matches everything.
pub(super) const DEFAULT: &str = "*";

/// What a route matches: `+441632960001`, `+44163296*`, `extension:7048`, `context:acme`, or `*` for everything else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

impl Pattern {
    /// Parses a pattern. Numbers lose their punctuation; `00` becomes `+`.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.chars().count() > PATTERN_MAX_CHARS || text.chars().any(char::is_control) {
            return Err(format!("A pattern has at most {PATTERN_MAX_CHARS} printable characters."));
        }
        if let Some((kind, name)) =
            [EXTENSION, CONTEXT].into_iter().find_map(|kind| Some((kind, text.strip_prefix(kind)?)))
        {
            let name = name.trim();
            return if name.is_empty() { Err(wrong(text)) } else { Ok(Self(format!("{kind}{name}"))) };
        }
        if text == DEFAULT {
            return Ok(Self(DEFAULT.to_owned()));
        }
        let (number, any) = text.strip_suffix('*').map_or((text, ""), |prefix| (prefix, "*"));
        plain_number(number).map(|number| Self(format!("{number}{any}"))).ok_or_else(|| wrong(text))
    }

    /// The pattern with its number in E.164, where that is known.
    #[must_use]
    pub fn normalised(self, numbers: &dyn Numbers, country: Option<Country>) -> Self {
        if self.0 == DEFAULT || self.0.starts_with(EXTENSION) || self.0.starts_with(CONTEXT) {
            return self;
        }
        let e164 = match self.0.strip_suffix('*') {
            Some(prefix) => numbers.e164_prefix(prefix, country).map(|prefix| format!("{prefix}*")),
            None => numbers.e164(&self.0, country),
        };
        e164.map_or(self, Self)
    }

    /// The pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn wrong(text: &str) -> String {
    format!(
        "{text:?} is no pattern. Enter a number (01632 960001), the beginning of numbers (01632*), extension:7048, \
         context:name, or * for everything else."
    )
}

/// A number without punctuation; none for other text.
pub(super) fn plain_number(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/')).collect();
    let plain = plain.strip_prefix("00").map_or(plain.clone(), |rest| format!("+{rest}"));
    let digits = plain.strip_prefix('+').unwrap_or(&plain);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(plain)
}

impl TryFrom<String> for Pattern {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_one_spelling() {
        let parsed = |text: &str| Pattern::parse(text).map(String::from).ok();
        assert_eq!(parsed(" 0044 (1632) 960-001 ").as_deref(), Some("+441632960001"));
        assert_eq!(parsed("+44 1632 96*").as_deref(), Some("+44163296*"));
        assert_eq!(parsed("extension: 7048").as_deref(), Some("extension:7048"));
        assert_eq!(parsed("context:from-acme").as_deref(), Some("context:from-acme"));
        assert_eq!(parsed("*").as_deref(), Some("*"));
        for wrong in ["", "acme", "+", "extension:", "12*3", "**", "+4\n4", &"1".repeat(65)] {
            assert_eq!(parsed(wrong), None, "{wrong:?}");
        }
    }
}
