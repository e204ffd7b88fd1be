//! Display of phone numbers: E.164 (ITU-T) in groups after the country code, other numbers unchanged.

use crate::country::Country;

/// Converts between national and international spellings, which needs the numbering plans of all countries: a port that the
/// server passes in.
pub trait Numbers: Send + Sync + 'static {
    /// The number in E.164 (`+441632960001`). A national one is read as one of `country`. `None` if that is not a number
    /// that can be called from everywhere.
    fn e164(&self, number: &str, country: Option<Country>) -> Option<String>;
    /// The beginning of numbers in E.164 (`+441632`), likewise.
    fn e164_prefix(&self, prefix: &str, country: Option<Country>) -> Option<String>;
    /// How a number in E.164 is dialled inside `country`; `None` if it is another country's.
    fn national(&self, e164: &str, country: Country) -> Option<String>;
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

    fn national(&self, _: &str, _: Country) -> Option<String> {
        None
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

/// The spellings in which a platform may have sent the number a user typed: as typed without punctuation, and
/// with `+`, `00` or neither before the country code. A national number is not converted to an international one,
/// because its country would be a guess.
#[must_use]
pub fn spellings(typed: &str) -> Vec<String> {
    let plain: String = typed.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let bare = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00")).unwrap_or(&plain).to_owned();
    let mut all = vec![plain];
    for other in [format!("+{bare}"), format!("00{bare}"), bare] {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all
}

fn e164_digits(number: &str) -> Option<String> {
    let rest = number.strip_prefix('+').or_else(|| number.strip_prefix("00"))?;
    let digits: String = rest.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    let fits = (7..=E164_MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    (fits && !digits.starts_with('0')).then_some(digits)
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
    fn a_number_has_all_its_spellings() {
        let all = ["+441202901222", "00441202901222", "441202901222"];
        for typed in ["+44 1202 901-222", "0044 (1202) 901222", "441202901222"] {
            let found = spellings(typed);
            assert!(all.iter().all(|one| found.iter().any(|spelling| spelling == one)), "{typed}: {found:?}");
        }
    }

    #[test]
    fn other_numbers_are_unchanged() {
        for text in ["01202912204", "441202901222", "extension 7048", "+12", "", "+4412x"] {
            assert_eq!(display(text), text);
        }
    }
}
