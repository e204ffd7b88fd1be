//! Where a request is sent: a URL, parsed and checked once, however often it is called.

use domain::{cause::CauseFacts, target::TargetUrl};
use url::Url;

/// An endpoint's URL, ready to be called.
#[derive(Debug, Clone)]
pub struct Destination {
    text: String,
    parsed: Option<Url>,
    is_valid: bool,
    facts: CauseFacts,
}

impl Destination {
    /// Parses a URL. One that cannot be called is refused by each attempt, not here.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let target = TargetUrl::stored(text.to_owned());
        Self {
            parsed: Url::parse(text).ok(),
            is_valid: TargetUrl::parse(text).is_ok(),
            facts: CauseFacts { host: target.host(), port: Some(target.port()), ..CauseFacts::default() },
            text: text.to_owned(),
        }
    }

    /// The original text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed URL; none when it is invalid.
    pub(super) const fn url(&self) -> Option<&Url> {
        self.parsed.as_ref()
    }

    /// Whether it follows the rules for endpoints ([`TargetUrl::parse`]).
    pub(super) const fn is_valid(&self) -> bool {
        self.is_valid
    }

    /// Host and port, to describe a failure.
    pub(super) fn facts(&self) -> CauseFacts {
        self.facts.clone()
    }
}
