//! Masking of phone numbers and credentials.

use crate::{json::quote_onto, payload::is_uuid};

/// Minimum number of digits for masking; anything shorter is an extension or not a phone number.
const NUMBER_MIN_DIGITS: usize = 7;
/// Minimum number of digits of a JSON number that may be a phone number rather than an amount.
const BARE_MIN_DIGITS: usize = 9;
/// The placeholder for a credential.
const DOTS: &str = "••••";

/// Masks a phone number: the first half of what precedes the last three digits, dots, the last three digits.
/// Anything with fewer than seven digits, such as a stored party, is returned unchanged.
#[must_use]
pub fn number(text: &str) -> String {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits < NUMBER_MIN_DIGITS {
        return text.to_owned();
    }
    let keep = (digits - 3) / 2;
    let mut seen = 0;
    let mut out = String::new();
    let mut hidden = false;
    for c in text.chars() {
        seen += usize::from(c.is_ascii_digit());
        if seen <= keep || seen > digits - 3 {
            out.push(c);
        } else if !hidden {
            hidden = true;
            out.push_str(" ••• ");
        }
    }
    out
}

/// Masks every phone number in a text. Digits inside words, such as parts of ids, are kept.
#[must_use]
pub fn text(text: &str) -> String {
    text_but(text, &|_| false)
}

/// [`text()`], except for the numbers that `shown` accepts.
#[must_use]
pub fn text_but(text: &str, shown: &dyn Fn(&str) -> bool) -> String {
    if is_uuid(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let length = if in_word(before) { 0 } else { run(rest) };
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            before = Some(first);
            continue;
        }
        let (found, after) = rest.split_at(length);
        let is_part = after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_part || shown(found) {
            out.push_str(found);
        } else {
            out.push_str(&number(found));
        }
        before = found.chars().last();
        rest = after;
    }
    out
}

fn in_word(before: Option<char>) -> bool {
    before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// Length in bytes of the number at the start of a text: digits with at most one separator between them.
fn run(text: &str) -> usize {
    let start = usize::from(text.starts_with('+'));
    let mut end = 0;
    let mut gap = 0;
    for (at, c) in text.char_indices().skip(start) {
        match c {
            '0'..='9' => (end, gap) = (at + 1, 0),
            ' ' | '-' | '/' | '(' | ')' if gap < 2 && end > 0 => gap += 1,
            _ => break,
        }
    }
    end
}

/// Masks every phone number in the strings of a JSON text, and JSON numbers long enough to be one.
#[must_use]
pub fn json_but(json: &str, shown: &dyn Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string(rest),
            '-' | '0'..='9' => rest.find([',', '}', ']', ' ', '\n']).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match first {
            '"' => out.push_str(&masked_string(token, shown)),
            '-' | '0'..='9' => out.push_str(&masked_bare(token, shown)),
            _ => out.push_str(token),
        }
        rest = after;
    }
    out
}

/// Length in bytes of the JSON string at the start of a text, including its quotes.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == '"' && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

fn masked_string(token: &str, shown: &dyn Fn(&str) -> bool) -> String {
    let Ok(value) = serde_json::from_str::<String>(token) else { return format!("\"{DOTS}\"") };
    let masked = text_but(&value, shown);
    if masked == value { token.to_owned() } else { quoted(&masked) }
}

fn masked_bare(token: &str, shown: &dyn Fn(&str) -> bool) -> String {
    let long = token.len() >= BARE_MIN_DIGITS && token.bytes().all(|b| b.is_ascii_digit());
    if long && !shown(token) { quoted(&number(token)) } else { token.to_owned() }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    quote_onto(&mut out, text);
    out
}

/// Hides the value after `auth_token` in a text: a server may echo what it was sent.
#[must_use]
pub fn credentials(text: &str) -> String {
    const KEY: &str = "auth_token";
    let mut parts = text.split(KEY);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let value = part.find(|c: char| !matches!(c, '"' | '\\' | ':' | '=' | ' ' | '\'' | '>')).unwrap_or(part.len());
        let (before, rest) = part.split_at(value);
        let end = rest.find(['"', '\\', '\'', '&', ',', '}', '<', '\n', '\r']).unwrap_or(rest.len());
        out.push_str(KEY);
        out.push_str(before);
        out.push_str(DOTS);
        out.push_str(&rest[end..]);
    }
    out
}

/// Hides the query of a URL, which may contain a key.
#[must_use]
pub fn url(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(base, _)| format!("{base}?{DOTS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_parties_are_not() {
        assert_eq!(number("01202901222"), "0120 ••• 222");
        assert_eq!(number("extension 7048"), "extension 7048");
    }

    #[test]
    fn numbers_in_a_text_are_masked_and_ids_are_not() {
        assert_eq!(text("call +44 1202 901222 now"), "call +44 12 ••• 222 now");
        for same in
            ["2f533604-aaaf-11e7-b600-7ac8e42434d2", "11111111-1111-1111-1111-111111111111", "dlv_01234567890", "7048"]
        {
            assert_eq!(text(same), same);
        }
        assert_eq!(text_but("01202901222", &|number| number == "01202901222"), "01202901222");
    }

    #[test]
    fn masked_json_stays_valid_and_keeps_other_values() {
        let json = r#"{"call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","callee_number":"01202912204","n":441202901222,"x":"\u002b441202901222","id":8203,"cost":0.0}"#;
        let masked = json_but(json, &|_| false);
        assert_eq!(
            masked,
            r#"{"call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","callee_number":"0120 ••• 204","n":"4412 ••• 222","x":"+4412 ••• 222","id":8203,"cost":0.0}"#
        );
        assert!(serde_json::from_str::<serde_json::Value>(&masked).is_ok());
    }

    #[test]
    fn an_echoed_auth_token_is_hidden() {
        assert_eq!(credentials(r#"{"auth_token":"my-token","a":1}"#), r#"{"auth_token":"••••","a":1}"#);
        assert_eq!(credentials(r#"got "{\"auth_token\":\"my-token\"}""#), r#"got "{\"auth_token\":\"••••\"}""#);
        assert_eq!(credentials("auth_token=my-token&a=1"), "auth_token=••••&a=1");
        assert_eq!(url("https://a.example/x?key=1"), "https://a.example/x?••••");
    }
}
