//! What a phone number is stored and asked for under: its digits, whatever punctuation, URI or invisible marks it came with.
//!
//! A key knows no country, so it stays true when an account's country changes. What an account's country adds, the question
//! adds: [`crate::phone::asked`].

/// What a number may contain beside digits. The spaces and hyphens are those that word processors put into numbers.
const PUNCTUATION: &[char] = &[
    ' ', '-', '.', '/', '(', ')', '\t', '\u{a0}', '\u{2007}', '\u{2009}', '\u{202f}', '\u{2010}', '\u{2011}',
    '\u{2013}',
];
const SCHEMES: &[&str] = &["tel:", "sip:", "sips:"];
/// What precedes the number of an extension: as events name a party, and as people write it.
const EXTENSION: &[&str] = &["extension", "ext.", "ext"];
/// A trunk prefix that is only dialled inside the country, as in `+44 (0)1632 960001`.
const TRUNK: &str = "(0)";

/// The key of a number: digits without the prefix for calls abroad. An extension's is its own number. Text that is no number
/// is its own key.
#[must_use]
pub fn key(text: &str) -> String {
    let plain = without_marks(text);
    let user = user_part(plain.trim());
    let user = extension(user).unwrap_or(user);
    let Some(dialled) = dialled(user) else { return user.to_owned() };
    let rest = dialled.strip_prefix('+').or_else(|| dialled.strip_prefix("00")).filter(|rest| !rest.is_empty());
    rest.map(str::to_owned).unwrap_or(dialled)
}

/// The digits of a number, with a leading `+` if it has one; `None` if it is no number. Reads URIs such as
/// `sip:+441632960001@pbx.example;user=phone`.
#[must_use]
pub fn dialled(text: &str) -> Option<String> {
    let plain = without_marks(text);
    let text = user_part(plain.trim());
    let (plus, rest) = text.strip_prefix('+').map_or(("", text), |rest| ("+", rest));
    let rest = match rest.find(TRUNK) {
        Some(at) if rest[..at].contains(|c: char| c.is_ascii_digit()) => rest.replacen(TRUNK, "", 1),
        _ => rest.to_owned(),
    };
    let digits: String = rest.chars().filter(|c| !PUNCTUATION.contains(c)).collect();
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| format!("{plus}{digits}"))
}

/// The number of a URI such as `tel:+441632960001;ext=1`, other texts unchanged.
#[must_use]
pub fn user_part(text: &str) -> &str {
    let scheme =
        SCHEMES.iter().find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let Some(scheme) = scheme else { return text };
    let rest = text.get(scheme.len()..).unwrap_or_default();
    rest.split(['@', ';']).next().unwrap_or(rest).trim()
}

/// Without marks that nobody sees: copying from a contact list or a right-to-left text brings them along.
fn without_marks(text: &str) -> String {
    text.chars().filter(|c| !is_mark(*c)).collect()
}

const fn is_mark(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The number of `extension 7048`.
fn extension(text: &str) -> Option<&str> {
    let of = |word: &&str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let word = EXTENSION.iter().find(|word| of(word))?;
    let number = text.get(word.len()..)?.trim();
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_has_one_key_in_any_international_spelling() {
        for text in [
            "+44 7700 900715",
            "0044 7700 900715",
            "447700900715",
            "+44 (0)7700 900-715",
            "0044 (0) 7700.900.715".replace("(0) ", "(0)").as_str(),
            "tel:+44-7700-900715;phone-context=example",
            "SIP:+447700900715@pbx.example;user=phone",
            "\u{202a}+44\u{a0}7700\u{2011}900715\u{202c}",
            "  +44/7700/900715 ",
        ] {
            assert_eq!(key(text), "447700900715", "{text:?}");
        }
    }

    #[test]
    fn a_national_number_keeps_its_trunk_prefix() {
        for text in ["07700 900715", "(07700) 900715", "(0)7700 900715", "tel:07700900715", "\u{200e}07700-900715"] {
            assert_eq!(key(text), "07700900715", "{text:?}");
        }
    }

    #[test]
    fn an_extension_is_known_by_its_number() {
        for text in ["7048", "extension 7048", "Ext. 7048", "ext 7048", "sip:7048@pbx.example"] {
            assert_eq!(key(text), "7048", "{text:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_its_own_key() {
        for text in
            ["anonymous", "address_contact 8203", "extension", "extension front", "+", "00", "0120+291", "", "*97"]
        {
            assert_eq!(key(text), text);
            assert_eq!(dialled("+44 x"), None);
        }
    }

    proptest! {
        /// Whatever is put between the digits.
        #[test]
        fn punctuation_and_marks_do_not_change_a_key(
            digits in "[1-9][0-9]{6,13}",
            between in prop::collection::vec(prop::sample::select(vec!["", " ", "-", ".", "\u{a0}", "\u{200e}", "\u{2011}"]), 15),
            prefix in prop::sample::select(vec!["+", "00", "", "tel:+", "sip:00", "\u{202a}+"]),
        ) {
            let spelled: String = digits.chars().zip(between).map(|(digit, gap)| format!("{digit}{gap}")).collect();
            prop_assert_eq!(key(&format!("{prefix}{spelled}")), digits);
        }

        /// So a key may be asked for, too.
        #[test]
        fn no_text_breaks_a_key_and_a_number_keeps_its_own(text in "\\PC{0,40}", digits in "[1-9][0-9]{0,14}") {
            let _ = key(&text);
            prop_assert_eq!(key(&key(&digits)), digits);
        }
    }
}
