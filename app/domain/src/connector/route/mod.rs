//! Routing: which account a call of a platform connector belongs to.
//!
//! A route leads from a number, the beginning of one, an extension or a context of the phone system to an account. For an
//! incoming call, the dialled number decides; for an outgoing one, the number that it presents, then the extension, then the
//! context. The exact route takes precedence over prefixes, the longest prefix over shorter ones, and the default comes last.

mod pattern;
mod table;

use serde::{Deserialize, Serialize};

use self::pattern::{CONTEXT, DEFAULT, EXTENSION, plain_number};
pub use self::{pattern::Pattern, table::parse_csv};
use crate::{
    error::{Error, FieldError, Result},
    id::AccountId,
    time::UnixMs,
};

/// Most routes of a connector.
pub const ROUTES_MAX: usize = 100_000;
/// Longest pattern, and longest value of a call that it is compared with, in characters.
pub const PATTERN_MAX_CHARS: usize = 64;
/// Most numbers without a route that are kept for each connector; those that called longest ago are deleted.
pub const UNROUTED_MAX: u32 = 1_000;

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// What it matches.
    pub pattern: Pattern,
    /// Where it leads.
    pub account: AccountId,
    /// The account's name.
    pub account_name: String,
    /// The platform's reference of the account.
    pub reference: Option<String>,
}

/// A route to add: a pattern, and an account by id or reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRoute {
    /// What it matches.
    pub pattern: Pattern,
    /// The account's id or reference.
    pub account: String,
}

/// A number that calls had and no route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unrouted {
    /// The number, as a pattern that would match it; empty for calls without any number.
    pub number: String,
    /// When it was first seen.
    pub first_at: UnixMs,
    /// When it was last seen.
    pub last_at: UnixMs,
    /// Number of events that were not accepted because of it.
    pub events: u64,
}

/// How a table of routes changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutesChanged {
    /// Routes that are new.
    pub added: u32,
    /// Routes that lead to another account now.
    pub changed: u32,
    /// Routes that were deleted.
    pub removed: u32,
}

/// Where an event of a connector goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To this account.
    Account(AccountId),
    /// Nowhere: no route matches. It was noted under this number.
    Unrouted(String),
    /// Nowhere: the connector is paused.
    Paused,
}

/// What a connector knows about a call that decides its route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRoute {
    /// The number that was dialled, of an incoming call.
    #[serde(default)]
    pub dialled: Option<String>,
    /// The number that is presented, of an outgoing call.
    #[serde(default)]
    pub presented: Option<String>,
    /// The extension that calls.
    #[serde(default)]
    pub extension: Option<String>,
    /// The context of the phone system that the call began in.
    #[serde(default)]
    pub context: Option<String>,
}

impl CallRoute {
    /// Checks the limits of its texts.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(&self) -> Result<()> {
        let fields = [
            ("route.dialled", &self.dialled),
            ("route.presented", &self.presented),
            ("route.extension", &self.extension),
            ("route.context", &self.context),
        ];
        let is_long = |text: &String| text.chars().count() > PATTERN_MAX_CHARS || text.chars().any(char::is_control);
        let errors: Vec<FieldError> = fields
            .into_iter()
            .filter(|(_, text)| text.as_ref().is_some_and(is_long))
            .map(|(field, _)| FieldError::new(field, "At most 64 printable characters."))
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
    }

    /// What the call is looked up by, the most decisive first: numbers in E.164 and as they were sent, then names. The extension
    /// that an incoming call reaches does not say whose number was dialled.
    fn keys(&self, e164: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let mut keys = Vec::new();
        if let Some(number) = self.dialled.as_ref().or(self.presented.as_ref()).and_then(|text| plain_number(text)) {
            keys.extend(e164(&number).filter(|e164| *e164 != number));
            keys.push(number);
        }
        if self.dialled.is_none() {
            for (kind, name) in [(EXTENSION, &self.extension), (CONTEXT, &self.context)] {
                let name = name.as_deref().map(str::trim).filter(|name| !name.is_empty());
                keys.extend(name.map(|name| format!("{kind}{name}")));
            }
        }
        keys
    }

    /// The patterns that match the call, the best first. Whoever has one of them decides; a table is asked for all at once.
    #[must_use]
    pub fn candidates(&self, e164: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let mut candidates = Vec::new();
        for key in self.keys(e164) {
            // Names have no prefixes; a number is ASCII.
            let ends = if key.contains(':') { 1..1 } else { 1..key.len() + 1 };
            let prefixes: Vec<String> = ends.rev().map(|end| format!("{}*", &key[..end])).collect();
            candidates.push(key);
            candidates.extend(prefixes.into_iter().filter(|prefix| prefix != "+*"));
        }
        candidates.push(DEFAULT.to_owned());
        candidates
    }

    /// The pattern for a new route of this call: what it is looked up by first.
    #[must_use]
    pub fn label(&self, e164: impl Fn(&str) -> Option<String>) -> String {
        self.keys(e164).into_iter().next().unwrap_or_default()
    }
}

/// The account of the best candidate that has a route.
#[must_use]
pub fn best<'a, A>(candidates: &[String], found: &'a [(String, A)]) -> Option<&'a A> {
    candidates.iter().find_map(|wanted| found.iter().find(|(pattern, _)| pattern == wanted).map(|(_, account)| account))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Britain's numbers only.
    fn british(number: &str) -> Option<String> {
        number.strip_prefix('0').map(|national| format!("+44{national}"))
    }

    fn account_of(call: &CallRoute, table: &[(&str, u8)]) -> Option<u8> {
        let candidates = call.candidates(british);
        let found: Vec<(String, u8)> = table
            .iter()
            .filter(|(pattern, _)| candidates.iter().any(|one| one == pattern))
            .map(|(pattern, account)| ((*pattern).to_owned(), *account))
            .collect();
        best(&candidates, &found).copied()
    }

    fn dialled(number: &str) -> CallRoute {
        CallRoute { dialled: Some(number.into()), ..CallRoute::default() }
    }

    #[test]
    fn the_exact_number_decides_then_the_longest_prefix_then_the_default() {
        let table = [("*", 1), ("+44163*", 2), ("+44163296*", 3), ("+441632960001", 4)];
        assert_eq!(account_of(&dialled("01632 960001"), &table), Some(4));
        assert_eq!(account_of(&dialled("01632960002"), &table), Some(3));
        assert_eq!(account_of(&dialled("01631960002"), &table), Some(2));
        assert_eq!(account_of(&dialled("02079460001"), &table), Some(1));
        assert_eq!(account_of(&dialled("02079460001"), &table[1..]), None);
    }

    #[test]
    fn a_number_is_found_in_e164_first_and_as_it_was_sent_otherwise() {
        let call = dialled("01632960001");
        assert_eq!(account_of(&call, &[("01632960001", 1)]), Some(1));
        assert_eq!(account_of(&call, &[("01632960001", 1), ("+441632960001", 2)]), Some(2));
        assert_eq!(account_of(&call, &[("01632960001", 1), ("+44*", 2)]), Some(2), "even the prefix");
        assert_eq!(account_of(&dialled("s"), &[("*", 1)]), Some(1));
    }

    #[test]
    fn an_outgoing_call_goes_by_presented_number_then_extension_then_context() {
        let call = CallRoute {
            presented: Some("01632960001".into()),
            extension: Some("7048".into()),
            context: Some("from-acme".into()),
            ..CallRoute::default()
        };
        let table = [("context:from-acme", 1), ("extension:7048", 2), ("+441632960001", 3)];
        assert_eq!(account_of(&call, &table), Some(3));
        assert_eq!(account_of(&call, &table[..2]), Some(2));
        assert_eq!(account_of(&call, &table[..1]), Some(1));
        let incoming = CallRoute { dialled: Some("01632960002".into()), ..call };
        assert_eq!(account_of(&incoming, &table), None);
    }

    #[test]
    fn a_call_without_a_route_is_labelled_with_a_pattern_that_would_match_it() {
        for call in [dialled("01632 960001"), CallRoute { extension: Some("7048".into()), ..CallRoute::default() }] {
            let label = call.label(british);
            assert_eq!(Pattern::parse(&label).map(String::from), Ok(label.clone()));
            assert_eq!(account_of(&call, &[(&label, 1)]), Some(1));
        }
        assert_eq!(CallRoute::default().label(british), "");
    }
}
