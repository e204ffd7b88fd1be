//! Where a request goes: a URL, parsed and checked once however often it is called.

use domain::{cause::CauseFacts, target::TargetUrl};
use url::Url;

/// An endpoint's URL, ready to be called.
#[derive(Debug, Clone)]
pub struct Destination {
    text: String,
    parsed: Option<Url>,
    is_well_written: bool,
    facts: CauseFacts,
}

impl Destination {
    /// Reads a URL. One that cannot be called is refused by each attempt, not here.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let target = TargetUrl::stored(text.to_owned());
        Self {
            parsed: Url::parse(text).ok(),
            is_well_written: TargetUrl::parse(text).is_ok(),
            facts: CauseFacts { host: target.host(), port: Some(target.port()), ..CauseFacts::default() },
            text: text.to_owned(),
        }
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL, where it is one.
    pub(super) const fn url(&self) -> Option<&Url> {
        self.parsed.as_ref()
    }

    /// Whether its text keeps the rules for endpoints ([`TargetUrl::parse`]).
    pub(super) const fn is_well_written(&self) -> bool {
        self.is_well_written
    }

    /// Host and port, for the words of a failure.
    pub(super) fn facts(&self) -> CauseFacts {
        self.facts.clone()
    }
}
