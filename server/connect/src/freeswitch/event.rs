//! An event as JSON (`event json …`): an object of texts. Of its hundred or more headers only those that matter are kept.
//!
//! JSON, and not `event plain`: there a plus sign in a number is ambiguous, because URL encoding may mean a space by it.

use std::fmt;

use domain::UnixMs;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

/// Largest event that is read, in bytes. Usual ones have 5 to 20 kB.
pub const EVENT_MAX_BYTES: usize = 256 * 1_024;
/// Longest value that is kept, in characters.
const VALUE_MAX_CHARS: usize = 512;
const MICROS_PER_MS: i64 = 1_000;

/// The headers that are kept.
const KEPT: [&str; 49] = [
    "Action",
    "Answer-State",
    "Bridge-A-Unique-ID",
    "Bridge-B-Unique-ID",
    "Call-Direction",
    "Caller-Callee-ID-Number",
    "Caller-Caller-ID-Number",
    "Caller-Channel-Created-Time",
    "Caller-Channel-Hangup-Time",
    "Caller-Context",
    "Caller-Destination-Number",
    "Caller-Privacy-Hide-Number",
    "Channel-Call-UUID",
    "Channel-Name",
    "Conference-Name",
    "Conference-Unique-ID",
    "Core-UUID",
    "Event-Date-Timestamp",
    "Event-Name",
    "Event-Subclass",
    "Hangup-Cause",
    "Other-Leg-Destination-Number",
    "Other-Leg-Unique-ID",
    "Other-Type",
    "Unique-ID",
    "variable_cc_member_session_uuid",
    "variable_cc_side",
    "variable_conference_name",
    "variable_conference_uuid",
    "variable_current_application",
    "variable_dialed_user",
    "variable_hangup_cause",
    "variable_hangup_cause_q850",
    "variable_origination_privacy",
    "variable_originator",
    "variable_other_loopback_leg_uuid",
    "variable_privacy",
    "variable_privacy_hide_number",
    "variable_sip_Privacy",
    "variable_sip_Remote-Party-ID",
    "variable_sip_auth_username",
    "variable_sip_gateway",
    "variable_sip_gateway_name",
    "variable_sip_h_Privacy",
    "variable_sip_h_privacy",
    "variable_sip_hangup_disposition",
    "variable_user_name",
    "variable_voicemail_account",
    "variable_voicemail_message_len",
];

/// An event, or what `uuid_dump` tells about a channel.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Event(Vec<(&'static str, String)>);

impl fmt::Debug for Event {
    /// Without values: they may be numbers that were withheld.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Event").field(&self.name()).finish()
    }
}

impl Event {
    /// Reads it; `None` if it is no JSON object.
    #[must_use]
    pub fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// The value of a header, if it is not empty; the first, if there are several, so that nothing that follows can replace it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Its name, such as `CHANNEL_CREATE`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.get("Event-Name")
    }

    /// When it happened, on FreeSWITCH's clock.
    #[must_use]
    pub fn at(&self) -> Option<UnixMs> {
        self.micros("Event-Date-Timestamp")
    }

    /// A time in microseconds. FreeSWITCH states 0 for what has not happened.
    #[must_use]
    pub fn micros(&self, name: &str) -> Option<UnixMs> {
        let micros: i64 = self.get(name)?.parse().ok()?;
        (micros > 0).then_some(UnixMs(micros / MICROS_PER_MS))
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Headers)
    }
}

struct Headers;

impl<'de> Visitor<'de> for Headers {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
        let mut headers = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            match KEPT.iter().find(|kept| **kept == name) {
                Some(kept) => {
                    if let Value::Text(text) = map.next_value()? {
                        headers.push((*kept, text.chars().take(VALUE_MAX_CHARS).collect()));
                    }
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Event(headers))
    }
}

/// A header with several values is a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Other(IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_kept_if_they_matter() {
        let json =
            br#"{"Event-Name":"CHANNEL_CREATE","Core-UUID":"c","Unique-ID":"a","Unique-ID":"forged","X":{"y":[1]},
            "Caller-Caller-ID-Number":"+441632960001","Caller-Context":["a"],"variable_sip_full_from":"secret"}"#;
        let event = Event::parse(json).unwrap();
        assert_eq!((event.name(), event.get("Unique-ID")), (Some("CHANNEL_CREATE"), Some("a")));
        assert_eq!(event.get("Caller-Caller-ID-Number"), Some("+441632960001"));
        assert_eq!((event.get("Caller-Context"), event.get("variable_sip_full_from")), (None, None));
        assert!(!format!("{event:?}").contains("960001"));
    }

    #[test]
    fn a_long_value_costs_little_memory() {
        let json = format!(r#"{{"Caller-Caller-ID-Number":"{}"}}"#, "9".repeat(100_000));
        let event = Event::parse(json.as_bytes()).unwrap();
        assert_eq!(event.get("Caller-Caller-ID-Number").map(str::len), Some(VALUE_MAX_CHARS));
    }

    #[test]
    fn what_is_no_object_is_no_event() {
        for json in ["", "[]", "1", "{", "null"] {
            assert_eq!(Event::parse(json.as_bytes()), None, "{json}");
        }
    }

    #[test]
    fn a_time_of_zero_has_not_happened() {
        let event =
            Event::parse(br#"{"Event-Date-Timestamp":"1621654556763676","Caller-Channel-Created-Time":"0"}"#).unwrap();
        assert_eq!(event.at(), Some(UnixMs(1_621_654_556_763)));
        assert_eq!(event.micros("Caller-Channel-Created-Time"), None);
    }
}
