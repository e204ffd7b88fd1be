//! A payload that was accepted is sent with the values and the spelling that it was posted with.

use std::collections::BTreeMap;

use domain::{
    Error,
    body::{body, pretty},
    payload::{Payload, is_uuid},
};
use serde_json::{Value, json, value::RawValue};

use super::texts;

/// Most levels of a payload, as documented.
const LEVELS_MAX: usize = 64;

#[test]
fn an_accepted_payload_is_sent_as_it_was_posted() {
    texts("payloads", 1_500, |posted| match Payload::parse(posted) {
        Err(error) => assert!(matches!(error, Error::Invalid(_)), "{error:?}"),
        Ok(payload) => {
            assert_eq!(members(&payload.text), members(posted), "a value changed");
            assert_eq!(Payload::parse(&payload.text), Ok(payload.clone()), "the stored text is another payload");
            has_sound_fields(&payload);
            is_sent_whole(&payload);
        }
    });
}

/// The members of an object, with values as they are spelled between white space.
fn members(json: &str) -> BTreeMap<String, String> {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).unwrap();
    members.into_iter().map(|(name, value)| (name, spelled(value.get()))).collect()
}

fn spelled(json: &str) -> String {
    let mut parts = json.split('"').enumerate().peekable();
    let (mut spelled, mut in_string) = (String::new(), false);
    while let Some((_, part)) = parts.next() {
        if in_string {
            spelled.push_str(part);
        } else {
            spelled.extend(part.chars().filter(|c| !c.is_ascii_whitespace()));
        }
        let escapes = part.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if parts.peek().is_some() {
            spelled.push('"');
            in_string = !in_string || escapes % 2 == 1;
        }
    }
    spelled
}

fn has_sound_fields(payload: &Payload) {
    assert!(is_uuid(&payload.call_id) && !payload.call_id.contains(char::is_uppercase));
    for party in [&payload.caller, &payload.callee] {
        assert!(!party.contains(char::is_control), "the databases and logs keep it: {party:?}");
        assert!(party.chars().count() <= 2 * 64 + 1, "{party}");
    }
    let value: Value = serde_json::from_str(&payload.text).unwrap();
    assert!(levels(&value) <= LEVELS_MAX);
}

fn levels(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(levels).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or_default(),
        _ => 0,
    }
}

fn is_sent_whole(payload: &Payload) {
    let token = "a \"token\" \\ \u{7f}";
    let sent = body(&payload.text, None, 7, token);
    let value: Value = serde_json::from_str(&sent).unwrap();
    let posted: Value = serde_json::from_str(&payload.text).unwrap();
    assert_eq!(value, json!({"payload": posted, "timestamp": 7, "auth_token": token}));
    let shown: Value = serde_json::from_str(&pretty(&sent)).unwrap();
    assert_eq!(shown, value, "a page shows something else");
}
