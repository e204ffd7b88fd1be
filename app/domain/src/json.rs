//! JSON whose order and spelling are kept: objects as lists of raw values, and compaction without re-encoding.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's members in the order they came in, values as they were spelled.
pub(crate) struct Members(pub(crate) Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Valid JSON text without the white space between its tokens; strings and numbers stay as they were spelled.
pub(crate) fn compact_onto(out: &mut String, json: &str) {
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            in_string = c == '"';
        }
        out.push(c);
    }
}

/// A string as JSON text, quoted and escaped.
pub(crate) fn quote_onto(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compaction_touches_only_the_white_space_between_tokens() {
        let mut out = String::new();
        compact_onto(&mut out, "{ \"a b\" : [ 1.0 , \"x \\\" y\\\\\" ] ,\n\"c\":\t0.00 }");
        assert_eq!(out, "{\"a b\":[1.0,\"x \\\" y\\\\\"],\"c\":0.00}");
    }
}
