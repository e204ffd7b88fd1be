//! Numbers as phone systems report them. Callers choose theirs, so anything can be in it.

use crate::event::ANONYMOUS;

/// Maximum length of a number in the contract, in characters.
pub const NUMBER_MAX_CHARS: usize = 64;
/// What stands for no number, in lower case.
const NONE: [&str; 7] = ["", "<unknown>", "anonymous", "unknown", "restricted", "unavailable", "private"];

/// The text without control characters, at most as long as the contract allows.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(NUMBER_MAX_CHARS).collect::<String>().trim().to_owned()
}

/// The number of a caller; `anonymous` if there is none.
#[must_use]
pub fn caller(text: &str) -> String {
    let number = clean(text);
    if NONE.contains(&number.to_ascii_lowercase().as_str()) { ANONYMOUS.to_owned() } else { number }
}

/// The number in a dial string: `sip:01632960002@provider` and `provider/01632960002` both have one.
pub(crate) fn dialled(dial_string: &str) -> String {
    // IAX2 puts user and password before the host, and the number after it: `user:password@host/01632960002`.
    let address = match dial_string.split_once('@') {
        Some((_, host)) if host.contains('/') => host,
        Some((address, _)) => address,
        None => dial_string,
    };
    let last = address.rsplit('/').next().unwrap_or_default();
    clean(last.strip_prefix("sips:").or_else(|| last.strip_prefix("sip:")).unwrap_or(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_number_fits_the_contract() {
        assert_eq!(clean("01632\r\n960001\0\u{7f}"), "01632960001");
        assert_eq!(clean(&"9".repeat(1_000)).len(), NUMBER_MAX_CHARS);
        assert_eq!(clean("\"'); DROP"), "\"'); DROP");
    }

    #[test]
    fn a_caller_without_a_number_is_anonymous() {
        for text in ["", "<unknown>", "Anonymous", " restricted "] {
            assert_eq!(caller(text), ANONYMOUS);
        }
        assert_eq!(caller("01632960001"), "01632960001");
    }

    #[test]
    fn the_number_is_read_from_a_dial_string() {
        for text in ["01632960002@provider", "provider/01632960002", "sip:01632960002@192.0.2.1", "01632960002"] {
            assert_eq!(dialled(text), "01632960002", "{text}");
        }
        assert_eq!(dialled("PJSIP/provider/sip:01632960002@192.0.2.1:5060"), "01632960002");
        assert_eq!(dialled("user:password@192.0.2.1/01632960002"), "01632960002");
        assert_eq!(dialled(""), "");
    }
}
