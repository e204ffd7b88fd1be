//! Choosing the trunks among the endpoints that a connector has seen.

use serde::{Deserialize, Serialize};

use super::{Connector, ConnectorInput};
use crate::{
    country::country,
    error::{Error, Result, noted},
};

/// An endpoint of the phone system that had calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenEndpoint {
    /// Its name as a trunk.
    pub name: String,
    /// Whether it looks like a trunk.
    pub suggested: bool,
}

/// The endpoints seen, by name, each once: likely trunks first.
#[must_use]
pub fn seen_endpoints(seen: &[String]) -> Vec<SeenEndpoint> {
    let mut names: Vec<String> = seen.iter().map(|endpoint| trunk_name(endpoint).to_owned()).collect();
    names.sort();
    names.dedup();
    let mut endpoints: Vec<_> =
        names.into_iter().map(|name| SeenEndpoint { suggested: looks_like_trunk(&name), name }).collect();
    endpoints.sort_by_key(|endpoint| !endpoint.suggested);
    endpoints
}

/// The name without the technology in front of it: `PJSIP/provider` is the trunk `provider`.
fn trunk_name(endpoint: &str) -> &str {
    endpoint.rsplit_once('/').map_or(endpoint, |(_, name)| name)
}

/// Phones are usually named by their extension, with or without a suffix, such as `7048` or `7048b`.
fn looks_like_trunk(name: &str) -> bool {
    let begins_with_digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let rest = name.len() - begins_with_digits;
    begins_with_digits == 0 || rest > 2
}

/// The form to choose trunks, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunksForm {
    /// Those chosen among the endpoints seen.
    #[serde(default)]
    pub picked: Vec<String>,
    /// Further ones, one per line.
    #[serde(default)]
    pub others: String,
    /// Code of the country; may be empty.
    #[serde(default)]
    pub country: String,
    /// Whether calls between extensions are reported.
    #[serde(default)]
    pub include_internal: bool,
}

impl TrunksForm {
    /// The connector's settings with the choice of the form.
    ///
    /// # Errors
    /// `Invalid` without any trunk, and for an unknown country.
    pub fn applied_to(&self, connector: &Connector) -> Result<ConnectorInput> {
        let mut wrong = Vec::new();
        let country = noted(&mut wrong, country(&self.country, "country")).flatten();
        let typed = self.others.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut trunks: Vec<String> = self.picked.iter().map(String::as_str).chain(typed).map(str::to_owned).collect();
        trunks.sort();
        trunks.dedup();
        if trunks.is_empty() {
            let message = "Choose at least one trunk: calls through it come from outside or go there.";
            wrong.push(crate::error::FieldError::new("picked", message));
        }
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let include_internal = self.include_internal;
        Ok(ConnectorInput { trunks, country, include_internal, ..ConnectorInput::of(connector) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_that_are_not_named_like_an_extension_are_suggested() {
        let seen = ["PJSIP/7048", "PJSIP/provider", "SIP/7049b", "PJSIP/provider", "441632-sbc", "7050"];
        let seen = seen_endpoints(&seen.map(str::to_owned));
        let of = |suggested| {
            seen.iter().filter(|one| one.suggested == suggested).map(|one| one.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of(true), ["441632-sbc", "provider"]);
        assert_eq!(of(false), ["7048", "7049b", "7050"]);
        assert!(seen[0].suggested && seen[1].suggested, "they come first");
    }

    #[test]
    fn a_choice_without_a_trunk_is_refused_with_every_other_mistake() {
        let form = TrunksForm { country: "UK".into(), others: " \n".into(), ..TrunksForm::default() };
        let connector = super::super::tests::connector();
        let wrong = form.applied_to(&connector).unwrap_err();
        let wrong: Vec<_> = wrong.fields().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(wrong, ["country", "picked"]);
        let picked = vec!["provider".to_owned()];
        let form = TrunksForm { picked, others: "backup\nprovider".into(), country: "GB".into(), ..form };
        let input = form.applied_to(&connector).unwrap();
        assert_eq!((input.trunks, input.name), (vec!["backup".to_owned(), "provider".to_owned()], "pbx-leeds".into()));
    }
}
