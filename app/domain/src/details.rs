//! The details of an event: an optional JSON object beside its payload, which only endpoints that ask for it receive.
//!
//! The payload is a published contract; what a phone system knows beyond it (how the call ended, how long it rang) goes
//! here, with keys of its own.

use std::fmt;

use crate::{
    error::{Error, Result},
    json::{Members, compact_onto, is_readable},
};

/// Largest details in bytes, compact.
pub const DETAILS_MAX_BYTES: usize = 2 * 1_024;
/// Most levels of arrays and objects, the object itself included.
pub const DETAILS_MAX_LEVELS: usize = 4;

/// Valid details: a compact JSON object with at least one key. Values stay as they were spelled.
#[derive(Clone, PartialEq, Eq)]
pub struct Details(String);

impl Details {
    /// Parses JSON text. An empty object says nothing, so it is the same as no details.
    ///
    /// # Errors
    /// `Invalid` on the field `details` if it is no object, repeats a key, is too large, or is nested too deeply.
    pub fn parse(json: &str) -> Result<Option<Self>> {
        let wrong = |message: &str| Err(Error::invalid("details", message));
        let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(json) else {
            return wrong("The details must be a JSON object.");
        };
        if members.is_empty() {
            return Ok(None);
        }
        let mut compact = String::new();
        if compact_onto(&mut compact, json) > DETAILS_MAX_LEVELS {
            return wrong("The details are nested deeper than 4 levels.");
        }
        if compact.len() > DETAILS_MAX_BYTES {
            return wrong("The details are larger than 2 KiB.");
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return wrong("A key of the details occurs twice.");
        }
        if !is_readable(&compact) {
            return wrong("The details contain a number or text that common parsers can't read.");
        }
        Ok(Some(Self(compact)))
    }

    /// The compact JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Details> for String {
    fn from(details: Details) -> Self {
        details.0
    }
}

/// Like payloads, details are not for logs.
impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Details({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Option<String> {
        Details::parse(json).unwrap().map(String::from)
    }

    #[test]
    fn details_are_kept_as_spelled_without_white_space() {
        let json = "{ \"call_result\" : \"blocked\",\n \"ring_s\": 4.50, \"x\": [ { } ] }";
        assert_eq!(parsed(json).as_deref(), Some(r#"{"call_result":"blocked","ring_s":4.50,"x":[{}]}"#));
    }

    #[test]
    fn empty_details_are_no_details() {
        assert_eq!(parsed(" { } "), None);
    }

    #[test]
    fn details_have_limits_in_bytes_and_levels() {
        let of_bytes = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert_eq!(parsed(&of_bytes(DETAILS_MAX_BYTES)).map(|text| text.len()), Some(DETAILS_MAX_BYTES));
        assert!(Details::parse(&of_bytes(DETAILS_MAX_BYTES + 1)).is_err());
        assert!(parsed(r#"{"a":[[{"b":1}]]}"#).is_some());
        assert!(Details::parse(r#"{"a":[[[{}]]]}"#).is_err());
    }

    #[test]
    fn what_receivers_could_not_read_is_refused() {
        for wrong in ["[]", "1", "\"x\"", "{", r#"{"a":1,"a":2}"#, r#"{"a":1e400}"#, r#"{"a":"\ud800"}"#] {
            assert!(Details::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn details_are_hidden_in_debug_output() {
        let details = Details::parse(r#"{"number":"01632960001"}"#).unwrap();
        assert_eq!(format!("{details:?}"), "Some(Details(24 bytes))");
    }
}
