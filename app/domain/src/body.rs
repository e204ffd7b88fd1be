//! The request body that an endpoint receives.

use crate::json::quote_onto;

/// The body byte for byte: `{"payload":…,"timestamp":…,"auth_token":"…"}`, compact, in this key order.
///
/// `payload` is the stored text of [`crate::payload::Payload`]; `timestamp` is the event's Unix second.
#[must_use]
pub fn body(payload: &str, timestamp: i64, auth_token: &str) -> String {
    let mut out = String::with_capacity(payload.len() + auth_token.len() + 64);
    out.push_str("{\"payload\":");
    out.push_str(payload);
    out.push_str(",\"timestamp\":");
    out.push_str(&timestamp.to_string());
    out.push_str(",\"auth_token\":");
    quote_onto(&mut out, auth_token);
    out.push('}');
    out
}

/// JSON indented by two spaces, with order and spelling kept. Text that is not JSON is returned unchanged.
#[must_use]
pub fn pretty(json: &str) -> String {
    if serde_json::from_str::<&serde_json::value::RawValue>(json).is_err() {
        return json.to_owned();
    }
    let mut compact = String::with_capacity(json.len());
    crate::json::compact_onto(&mut compact, json);
    indent(&compact)
}

fn indent(compact: &str) -> String {
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
    }
    out
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
        assert_eq!(body("{}", 7, "a\"b\\"), "{\"payload\":{},\"timestamp\":7,\"auth_token\":\"a\\\"b\\\\\"}");
    }

    #[test]
    fn pretty_json_keeps_spelling_and_order() {
        assert_eq!(
            pretty(r#"{"b":0.0,"a":[1,"x, {y}"],"e":{}}"#),
            "{\n  \"b\": 0.0,\n  \"a\": [\n    1,\n    \"x, {y}\"\n  ],\n  \"e\": {}\n}"
        );
        assert_eq!(pretty("not json"), "not json");
    }
}
