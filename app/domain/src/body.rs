//! The request body that an endpoint receives.

use crate::{
    json::{compact_onto, quote_onto},
    payload::NESTING_MAX_LEVELS,
};

/// Most levels of a request body: those of the payload, and its own.
const BODY_MAX_LEVELS: usize = NESTING_MAX_LEVELS + 1;
/// Longest indented text, in bytes. One line for each of very many short values would be many times as long as they are.
const PRETTY_MAX_BYTES: usize = 512 * 1_024;

/// The body byte for byte: `{"payload":…,"timestamp":…,"auth_token":"…"}`, compact, in this key order. Details, if there are
/// any, follow the payload: `{"payload":…,"details":…,"timestamp":…,"auth_token":"…"}`.
///
/// `payload` is the stored text of [`crate::payload::Payload`], `details` that of [`crate::details::Details`]; `timestamp`
/// is the event's Unix second.
#[must_use]
pub fn body(payload: &str, details: Option<&str>, timestamp: i64, auth_token: &str) -> String {
    let mut out = String::with_capacity(payload.len() + details.map_or(0, str::len) + auth_token.len() + 80);
    out.push_str("{\"payload\":");
    out.push_str(payload);
    if let Some(details) = details {
        out.push_str(",\"details\":");
        out.push_str(details);
    }
    out.push_str(",\"timestamp\":");
    out.push_str(&timestamp.to_string());
    out.push_str(",\"auth_token\":");
    quote_onto(&mut out, auth_token);
    out.push('}');
    out
}

/// JSON indented by two spaces, with order and spelling kept. Text that is not JSON, is nested too deeply for a request
/// body, or would be longer than half a megabyte is returned unchanged.
#[must_use]
pub fn pretty(json: &str) -> String {
    compact(json).and_then(|compact| indent(&compact)).unwrap_or_else(|| json.to_owned())
}

/// Whether this is JSON nested more deeply than any request body of Offhook.
#[must_use]
pub fn is_nested_too_deeply(text: &str) -> bool {
    is_json(text) && compact_onto(&mut String::new(), text) > BODY_MAX_LEVELS
}

fn compact(json: &str) -> Option<String> {
    let mut compact = String::with_capacity(json.len());
    (is_json(json) && compact_onto(&mut compact, json) <= BODY_MAX_LEVELS).then_some(compact)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

fn indent(compact: &str) -> Option<String> {
    let (mut out, mut depth, mut in_string, mut escaped) = (String::new(), 0_usize, false, false);
    let mut chars = compact.chars().peekable();
    while let Some(c) = chars.next() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' if chars.peek().is_some_and(|next| matches!(next, '}' | ']')) => {
                out.push(c);
                out.extend(chars.next());
            }
            '{' | '[' => {
                depth += 1;
                out.push(c);
                new_line(&mut out, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_string = c == '"';
                out.push(c);
            }
        }
        if out.len() > PRETTY_MAX_BYTES {
            return None;
        }
    }
    Some(out)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auth_token_is_escaped_and_cannot_break_out() {
        assert_eq!(body("{}", None, 7, "a\"b\\"), "{\"payload\":{},\"timestamp\":7,\"auth_token\":\"a\\\"b\\\\\"}");
    }

    #[test]
    fn details_follow_the_payload() {
        let sent = body("{}", Some(r#"{"ring_s":4}"#), 7, "t");
        assert_eq!(sent, r#"{"payload":{},"details":{"ring_s":4},"timestamp":7,"auth_token":"t"}"#);
    }

    #[test]
    fn pretty_json_keeps_spelling_and_order() {
        assert_eq!(
            pretty(r#"{"b":0.0,"a":[1,"x, {y}"],"e":{}}"#),
            "{\n  \"b\": 0.0,\n  \"a\": [\n    1,\n    \"x, {y}\"\n  ],\n  \"e\": {}\n}"
        );
        assert_eq!(pretty("not json"), "not json");
    }

    #[test]
    fn deep_nesting_and_very_many_lines_stay_as_they_are() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(pretty(&nested(65)).contains('\n'));
        assert_eq!(pretty(&nested(66)), nested(66));
        assert!(!is_nested_too_deeply(&nested(65)) && is_nested_too_deeply(&nested(66)));
        assert!(!is_nested_too_deeply(&"[".repeat(66)), "it isn't JSON");
        let many = format!("[{}1]", "1,".repeat(120_000));
        assert_eq!(pretty(&many), many);
    }
}
