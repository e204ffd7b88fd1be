//! Display of phone numbers: E.164 (ITU-T) in groups after the country code, other numbers unchanged.

use crate::{
    country::Country,
    phone_key::{dialled, key},
};

/// Converts between national and international spellings, which needs the numbering plans of all countries: a port that the
/// server passes in.
pub trait Numbers: Send + Sync + 'static {
    /// The number in E.164 (`+441632960001`). A national one is read as one of `country`. `None` if that is not a number
    /// that can be called from everywhere.
    fn e164(&self, number: &str, country: Option<Country>) -> Option<String>;
    /// The beginning of numbers in E.164 (`+441632`), likewise.
    fn e164_prefix(&self, prefix: &str, country: Option<Country>) -> Option<String>;
    /// The ways in which a number in E.164 is dialled from `country`, beside those that begin with `+` or `00`: digits only.
    fn dialled_from(&self, e164: &str, country: Country) -> Vec<String>;
}

/// Knows no numbering plan: international spellings only.
#[derive(Debug, Clone, Copy, Default)]
pub struct InternationalOnly;

impl Numbers for InternationalOnly {
    fn e164(&self, number: &str, _: Option<Country>) -> Option<String> {
        e164_digits(number).map(|digits| format!("+{digits}"))
    }

    fn e164_prefix(&self, prefix: &str, _: Option<Country>) -> Option<String> {
        prefix.starts_with('+').then(|| prefix.to_owned())
    }

    fn dialled_from(&self, _: &str, _: Country) -> Vec<String> {
        Vec::new()
    }
}

/// Calling codes of one and two digits (ITU-T E.164 list of assigned codes); all others have three.
const TWO_DIGIT_CODES: &[&str] = &[
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51",
    "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90",
    "91", "92", "93", "94", "95", "98",
];
/// Maximum digits of an E.164 number.
const E164_MAX_DIGITS: usize = 15;

/// Formats a number for display: `+44 1202 901 222` for E.164 (with `+` or `00`), otherwise unchanged.
///
/// A number without a prefix is not changed: `441202901222` may be a national number somewhere, and a wrong guess is
/// worse than none.
#[must_use]
pub fn display(number: &str) -> String {
    let Some(digits) = e164_digits(number) else { return number.to_owned() };
    let code = country_code_chars(&digits);
    let (country, rest) = digits.split_at(code);
    let mut out = format!("+{country}");
    let groups =
        if country == "1" && rest.len() == 10 { vec![&rest[..3], &rest[3..6], &rest[6..]] } else { groups(rest) };
    for group in groups {
        out.push(' ');
        out.push_str(group);
    }
    out
}

/// The keys under which the number may be stored that a user typed: as typed, and in all ways in which the account's country
/// dials it. A national number is converted only with a country, because its own would be a guess.
#[must_use]
pub fn asked(typed: &str, country: Option<Country>, numbers: &dyn Numbers) -> Vec<String> {
    let mut keys = vec![key(typed)];
    // What the country doesn't dial may be international without its `+`, or with the `00` of other countries.
    let international = || numbers.e164(&format!("+{}", e164_digits(&format!("+{}", key(typed)))?), country);
    if let Some(e164) = numbers.e164(typed, country).or_else(international) {
        keys.push(key(&e164));
        keys.extend(country.map(|country| numbers.dialled_from(&e164, country)).unwrap_or_default());
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn e164_digits(number: &str) -> Option<String> {
    let dialled = dialled(number)?;
    let digits = dialled.strip_prefix('+').or_else(|| dialled.strip_prefix("00"))?;
    let fits = (7..=E164_MAX_DIGITS).contains(&digits.len());
    (fits && !digits.starts_with('0')).then(|| digits.to_owned())
}

fn country_code_chars(digits: &str) -> usize {
    if digits.starts_with(['1', '7']) {
        1
    } else if TWO_DIGIT_CODES.contains(&&digits[..2]) {
        2
    } else {
        3
    }
}

/// Groups of three digits from the end; the first group has up to four.
fn groups(rest: &str) -> Vec<&str> {
    let lead = match rest.len() % 3 {
        0 => 3,
        1 => 4,
        two => two,
    };
    let (first, mut rest) = rest.split_at(lead.min(rest.len()));
    let mut groups = vec![first];
    while !rest.is_empty() {
        let (group, more) = rest.split_at(3.min(rest.len()));
        groups.push(group);
        rest = more;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_e164_number_shows_its_country_and_groups() {
        for (stored, shown) in [
            ("+441202901222", "+44 1202 901 222"),
            ("00493012345421", "+49 3012 345 421"),
            ("+12025550123", "+1 202 555 0123"),
            ("+35312345678", "+353 12 345 678"),
        ] {
            assert_eq!(display(stored), shown);
        }
    }

    #[test]
    fn without_a_country_a_number_is_asked_for_as_it_is() {
        for typed in ["+44 1202 901-222", "0044 (1202) 901222", "441202901222"] {
            assert_eq!(asked(typed, None, &InternationalOnly), ["441202901222"], "{typed}");
        }
        assert_eq!(asked("01202 901222", None, &InternationalOnly), ["01202901222"]);
        assert_eq!(asked("Ext. 7048", None, &InternationalOnly), ["7048"]);
    }

    #[test]
    fn other_numbers_are_unchanged() {
        for text in ["01202912204", "441202901222", "extension 7048", "+12", "", "+4412x"] {
            assert_eq!(display(text), text);
        }
    }
}
