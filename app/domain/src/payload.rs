//! The payload contract: the fields of an event, their allowed values, and how they are sent.
//!
//! Values are checked but never re-encoded, so `0.0` stays `0.0` and `"0.01"`
//! stays a string. Known keys are sent in the published order; other keys follow in their original order.

use std::collections::HashSet;

use serde_json::{Value, value::RawValue};

use crate::{
    error::{Error, FieldError, Result},
    event_kind::EventKind,
    json::{Members, compact_onto, is_readable, quote_onto},
};

/// Maximum length of a caller or callee number, and of the type and id of a stored party, in characters.
const NUMBER_MAX_CHARS: usize = 64;
/// Maximum number of levels of arrays and objects in a payload, itself included: many JSON parsers refuse deeper ones.
pub const NESTING_MAX_LEVELS: usize = 64;
const UNREADABLE: &str =
    "Many JSON parsers can't read this value: it has a number beyond their range or half of a surrogate pair.";
/// Maximum number of errors reported for one payload.
const COMPLAINTS_MAX: usize = 20;

const CALL_KEYS: &[&str] = &["event", "call_id", "callee_number", "caller_number"];
const PROCESSED_KEYS: &[&str] =
    &["event", "call_id", "call_cost", "call_type", "call_duration", "call_status", "source", "destination"];
const CALL_TYPES: &[&str] = &["incoming", "outgoing", "internal"];
const CALL_STATUSES: &[&str] = &["answered", "not_answered", "busy", "failed", "cancelled", "voicemail"];

/// A valid payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Kind of event.
    pub kind: EventKind,
    /// The call's UUID in lower case: the key for ordering and search.
    pub call_id: String,
    /// The caller: a number, or a stored party such as `extension 7048`.
    pub caller: String,
    /// The callee: a number, or a stored party.
    pub callee: String,
    /// The payload as it is sent: compact JSON in contract order.
    pub text: String,
}

impl Payload {
    /// Parses JSON text and checks it against the contract.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that is missing, repeated or has an invalid value, or if it is nested too deeply.
    pub fn parse(json: &str) -> Result<Self> {
        let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(json) else {
            return Err(Error::invalid("payload", "The payload must be a JSON object."));
        };
        let fields = Fields(&members);
        let kind = fields.kind()?;
        let keys = if kind == EventKind::CallProcessed { PROCESSED_KEYS } else { CALL_KEYS };
        let errors = fields.errors(keys);
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        let (caller, callee) = if kind == EventKind::CallProcessed {
            (fields.party("source"), fields.party("destination"))
        } else {
            (fields.text("caller_number"), fields.text("callee_number"))
        };
        let call_id = fields.text("call_id").to_ascii_lowercase();
        Ok(Self { kind, call_id, caller, callee, text: fields.in_contract_order(keys)? })
    }
}

struct Fields<'a>(&'a [(String, &'a RawValue)]);

impl Fields<'_> {
    fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    fn value(&self, key: &str) -> Value {
        self.get(key).and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or(Value::Null)
    }

    fn text(&self, key: &str) -> String {
        self.value(key).as_str().unwrap_or_default().to_owned()
    }

    fn kind(&self) -> Result<EventKind> {
        EventKind::parse(&self.text("event")).ok_or_else(|| {
            Error::invalid("payload.event", "The event must be IncomingCall, OutgoingCall or CallProcessed.")
        })
    }

    fn errors(&self, keys: &[&str]) -> Vec<FieldError> {
        let broken = keys.iter().filter_map(|key| {
            let complaint = match self.get(key) {
                None => Some("This field is missing."),
                Some(raw) if is_number_out_of_range(raw) => Some("This number is too large."),
                Some(_) => complaint(key, &self.value(key)),
            };
            complaint.map(|message| FieldError::new(format!("payload.{key}"), message))
        });
        broken.chain(self.repeated()).take(COMPLAINTS_MAX).collect()
    }

    fn repeated(&self) -> impl Iterator<Item = FieldError> + '_ {
        let mut seen = HashSet::with_capacity(self.0.len());
        let again = self.0.iter().filter(move |(name, _)| !seen.insert(name.as_str()));
        again.map(|(name, _)| FieldError::new(format!("payload.{name}"), "This field occurs twice."))
    }

    /// A stored party as `type id`, a plain one unchanged.
    fn party(&self, key: &str) -> String {
        match self.value(key) {
            Value::String(number) => number,
            Value::Object(party) => {
                let kind = party.get("type").and_then(Value::as_str).unwrap_or_default().replace('_', " ");
                let id = party.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
                format!("{kind} {}", id.unwrap_or_default())
            }
            _ => String::new(),
        }
    }

    fn in_contract_order(&self, keys: &[&str]) -> Result<String> {
        let known = keys.iter().filter_map(|key| self.get(key).map(|value| (*key, value)));
        let beyond = self.0.iter().filter(|(name, _)| !keys.contains(&name.as_str()));
        let mut out = String::from("{");
        for (name, value) in known.chain(beyond.map(|(name, value)| (name.as_str(), *value))) {
            if out.len() > 1 {
                out.push(',');
            }
            quote_onto(&mut out, name);
            out.push(':');
            if compact_onto(&mut out, value.get()) >= NESTING_MAX_LEVELS {
                let message = format!("This value is nested deeper than {NESTING_MAX_LEVELS} levels.");
                return Err(Error::Invalid(vec![FieldError::new(format!("payload.{name}"), message)]));
            }
            if !is_readable(value.get()) {
                return Err(Error::Invalid(vec![FieldError::new(format!("payload.{name}"), UNREADABLE)]));
            }
        }
        out.push('}');
        Ok(out)
    }
}

/// Whether this is a number that common JSON parsers can't represent, such as `1e400`.
fn is_number_out_of_range(raw: &RawValue) -> bool {
    raw.get().starts_with(|c: char| c == '-' || c.is_ascii_digit()) && !is_readable(raw.get())
}

/// What is wrong with the value of a known field, if anything.
fn complaint(key: &str, value: &Value) -> Option<&'static str> {
    let (fits, message) = match key {
        "event" => (true, ""),
        "call_id" => {
            (value.as_str().is_some_and(is_uuid), "A call id must be a UUID, the same in all events of a call.")
        }
        "callee_number" | "caller_number" => {
            (value.as_str().is_some_and(is_number), "A number must be a string of at most 64 characters.")
        }
        "call_cost" => (is_cost(value), "A cost must be a number or a decimal string such as \"0.01\"."),
        "call_type" => (is_one_of(value, CALL_TYPES), "The call type must be incoming, outgoing or internal."),
        "call_duration" => (value.as_u64().is_some(), "The duration must be a whole number of seconds, 0 or more."),
        "call_status" => (
            is_one_of(value, CALL_STATUSES),
            "The call status must be answered, not_answered, busy, failed, cancelled or voicemail.",
        ),
        _ => (
            is_party(value),
            "A party must be a string, or an object with a type and an id, each of at most 64 printable characters.",
        ),
    };
    (!fits).then_some(message)
}

fn is_one_of(value: &Value, names: &[&str]) -> bool {
    value.as_str().is_some_and(|text| names.contains(&text))
}

fn is_number(text: &str) -> bool {
    text.chars().count() <= NUMBER_MAX_CHARS && !text.chars().any(char::is_control)
}

fn is_cost(value: &Value) -> bool {
    let decimal = |text: &str| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        unsigned.split_once('.').map_or_else(|| digits(unsigned), |(whole, rest)| digits(whole) && digits(rest))
    };
    value.is_number() || value.as_str().is_some_and(decimal)
}

fn is_party(value: &Value) -> bool {
    match value {
        Value::String(text) => is_number(text),
        Value::Object(party) => {
            party.get("type").and_then(Value::as_str).is_some_and(is_number)
                && party.get("id").is_some_and(|id| match id {
                    Value::String(id) => is_number(id),
                    id => id.is_number() && is_number(&id.to_string()),
                })
        }
        _ => false,
    }
}

/// Whether the text is a UUID in hyphenated form (RFC 9562 section 4), of any version, in upper or lower case.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}
