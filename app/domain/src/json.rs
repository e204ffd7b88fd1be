//! JSON with its order and spelling kept: objects as lists of raw values, and compaction without re-encoding.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in their original order, with values as spelled.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Whether common parsers can read valid JSON, too: it has no number beyond their range, such as `1e400`, and no half of a
/// surrogate pair, such as `"\ud800"`. The grammar allows both (RFC 8259 sections 6 and 8.2).
pub(crate) fn is_readable(json: &str) -> bool {
    serde_json::from_str::<Read>(json).is_ok()
}

/// Reads every number and string, and keeps none.
struct Read;

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Read {
    type Value = Self;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// Valid JSON text without the white space between its tokens; strings and numbers stay as they were spelled. Returns how
/// many levels of arrays and objects it has.
pub(crate) fn compact_onto(out: &mut String, json: &str) -> usize {
    let (mut begin, mut in_string, mut escaped) = (0, false, false);
    let (mut level, mut levels) = (0_usize, 0);
    for (at, byte) in json.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
        } else if byte.is_ascii_whitespace() {
            out.push_str(&json[begin..at]);
            begin = at + 1;
        } else {
            match byte {
                b'{' | b'[' => {
                    level += 1;
                    levels = levels.max(level);
                }
                b'}' | b']' => level = level.saturating_sub(1),
                _ => in_string = byte == b'"',
            }
        }
    }
    out.push_str(&json[begin..]);
    levels
}

/// A string as JSON text, quoted and escaped.
pub(crate) fn quote_onto(out: &mut String, text: &str) {
    // Most strings need no escaping (RFC 8259 section 7).
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compaction_removes_only_white_space_between_tokens() {
        let mut out = String::new();
        compact_onto(&mut out, "{ \"a b\" : [ 1.0 , \"x \\\" y\\\\\" ] ,\n\"c\":\t0.00 }");
        assert_eq!(out, "{\"a b\":[1.0,\"x \\\" y\\\\\"],\"c\":0.00}");
    }

    #[test]
    fn levels_are_counted_outside_strings() {
        let levels = |json: &str| compact_onto(&mut String::new(), json);
        assert_eq!(levels(r#""[[[""#), 0);
        assert_eq!(levels("[]"), 1);
        assert_eq!(levels(r#"{"a":[{}],"\"[[[":[[]]}"#), 3);
    }

    #[test]
    fn strings_are_quoted_as_serde_json_does() {
        for text in
            ["", "plain", "a \"b\"", "back\\slash", "line\nfeed", "\u{1}", "\u{7f}", "Zoë \u{1f4de}", "\u{2028}"]
        {
            let mut out = String::new();
            quote_onto(&mut out, text);
            assert_eq!(out, serde_json::to_string(text).unwrap());
        }
    }

    #[test]
    fn compaction_keeps_non_ascii_characters() {
        let mut out = String::new();
        compact_onto(&mut out, " { \"Zoë \u{a0}\" : \"\u{1f4de} \" } ");
        assert_eq!(out, "{\"Zoë \u{a0}\":\"\u{1f4de} \"}");
    }
}
