//! Phone numbers as phone systems write them: to E.164 (ITU-T) with a default country, for routing and mappings; and the ways
//! in which they write that the caller withheld the number.

use std::{fmt, str::FromStr};

use domain::phone_key::{dialled, user_part};
use phonenumber::{Mode, metadata::DATABASE};

/// Longest number without a prefix that is taken for an extension or a short code, which no country code may be added to.
const SHORT_MAX_DIGITS: usize = 6;
/// Shortest and longest numbers with a country code (E.164 allows 15 digits; shorter than 7 is no subscriber's number).
const E164_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// How phone systems write that a number is withheld or not available, in lower case.
const WITHHELD: &[&str] = &[
    "",
    "anonymous",
    "blocked",
    "number withheld",
    "private",
    "private number",
    "restricted",
    "unavailable",
    "unknown",
    "withheld",
    "<unknown>",
    "anonym",
    "unbekannt",
    // The same words on a telephone's keypad: Twilio reports withheld numbers so.
    "266696687",
    "7378742833",
    "2562533",
    "8656696",
    "86282452253",
];

/// A country, which decides what a number without a country code means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Country(phonenumber::country::Id);

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

/// A text that is no country.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("A country is its two-character code (ISO 3166-1) in capitals, such as GB or DE.")]
pub struct NoCountry;

impl FromStr for Country {
    type Err = NoCountry;

    fn from_str(code: &str) -> Result<Self, NoCountry> {
        code.parse().map(Self).map_err(|_| NoCountry)
    }
}

/// Whether the text says that the caller withheld the number. A missing number counts as withheld.
#[must_use]
pub fn is_withheld(text: &str) -> bool {
    let user = user_part(text.trim());
    let plain = user.strip_prefix('+').unwrap_or(user).to_ascii_lowercase();
    WITHHELD.contains(&plain.as_str())
}

/// The number in E.164 where that is certain: with a country code, or as the country writes its own numbers. Extensions,
/// short codes, names and whatever else is no subscriber's number stay as they are.
#[must_use]
pub fn normalise(text: &str, country: Option<Country>) -> String {
    let user = user_part(text.trim());
    let Some(dialled) = dialled(user) else { return user.to_owned() };
    e164(&dialled, country).unwrap_or_else(|| user.to_owned())
}

/// The number in E.164, or nothing where that is not certain.
#[must_use]
pub fn e164_of(text: &str, country: Option<Country>) -> Option<String> {
    e164(&dialled(text)?, country)
}

/// The ways in which a number in E.164 is dialled from a country, beside those that begin with `+` or `00`: digits only.
#[must_use]
pub fn dialled_from(number: &str, country: Country) -> Vec<String> {
    let Some(home) = DATABASE.by_id(country.0.as_ref()) else { return Vec::new() };
    let Ok(number) = phonenumber::parse(None, number) else { return Vec::new() };
    let digits = number.format().mode(Mode::E164).to_string().trim_start_matches('+').to_owned();
    let mut ways = Vec::new();
    if number.code().value() == home.country_code() {
        let text = number.format().mode(Mode::National).to_string();
        let national: String = text.chars().filter(char::is_ascii_digit).collect();
        // As in +44 01632 960001.
        ways.push(format!("{}{national}", home.country_code()));
        ways.push(national);
    }
    let abroad =
        home.international_prefix().map(|prefix| prefix.as_str().trim_start_matches("^(?:").trim_end_matches(')'));
    ways.extend(
        abroad.filter(|prefix| prefix.bytes().all(|b| b.is_ascii_digit())).map(|prefix| format!("{prefix}{digits}")),
    );
    ways
}

/// The beginning of numbers, in E.164 where it begins with a country code or as the country dials its own numbers.
#[must_use]
pub fn normalise_prefix(text: &str, country: Option<Country>) -> String {
    let text = text.trim();
    let Some(dialled) = dialled(text) else { return text.to_owned() };
    if dialled.starts_with('+') {
        return dialled;
    }
    if let Some(rest) = dialled.strip_prefix("00") {
        return format!("+{rest}");
    }
    let home = country.and_then(|country| DATABASE.by_id(country.0.as_ref()));
    let national = home.and_then(|home| {
        let rest = dialled.strip_prefix(home.national_prefix()?)?;
        Some(format!("+{}{rest}", home.country_code()))
    });
    national.unwrap_or(dialled)
}

fn e164(dialled: &str, country: Option<Country>) -> Option<String> {
    if let Some(digits) = dialled.strip_prefix('+').or_else(|| after_international_prefix(dialled, country)) {
        let is_number = E164_DIGITS.contains(&digits.len()) && !digits.starts_with('0');
        return is_number.then(|| format!("+{digits}"));
    }
    if dialled.len() <= SHORT_MAX_DIGITS {
        return None;
    }
    let country = country?;
    let number = phonenumber::parse(Some(country.0), dialled).ok()?;
    let text = number.format().mode(Mode::E164).to_string();
    let certain = number.is_valid() || is_plausible(dialled, &text, country);
    (certain && E164_DIGITS.contains(&(text.len() - 1))).then_some(text)
}

/// What follows the prefix for calls abroad. `phonenumber` takes the one of North America for a part of the number, so it
/// never gets to see one.
fn after_international_prefix(dialled: &str, country: Option<Country>) -> Option<&str> {
    let Some(country) = country else { return dialled.strip_prefix("00") };
    let prefix = DATABASE.by_id(country.0.as_ref())?.international_prefix()?;
    let end = prefix.find(dialled).filter(|found| found.start() == 0)?.end();
    let digits = dialled.get(end..)?;
    (digits.len() > SHORT_MAX_DIGITS).then_some(digits)
}

/// Whether the number was dialled with a prefix, and has a length that its country knows: numbers that are not assigned,
/// such as Ofcom's for drama, are not valid, but numbers all the same.
fn is_plausible(dialled: &str, e164: &str, country: Country) -> bool {
    let Some(home) = DATABASE.by_id(country.0.as_ref()) else { return false };
    let code = home.country_code().to_string();
    let Some(national) = e164.get(1..).and_then(|digits| digits.strip_prefix(&code)) else {
        return false;
    };
    let starts = |prefix: &str| dialled.starts_with(prefix);
    let prefixed = home.national_prefix().is_some_and(starts) || starts(&code);
    let length = u16::try_from(national.len()).unwrap_or(u16::MAX);
    let kinds = home.descriptors();
    let mut lengths = [kinds.fixed_line(), kinds.mobile(), kinds.toll_free()].into_iter().flatten();
    prefixed && lengths.any(|kind| kind.possible_length().contains(&length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(country: &str, text: &str) -> String {
        normalise(text, Some(country.parse().unwrap()))
    }

    #[test]
    fn a_number_as_its_country_writes_it_becomes_e164() {
        for text in [
            "01632 960001",
            "(01632) 960-001",
            "+44 (0)1632 960001",
            "00441632960001",
            "441632960001",
            "sip:+441632960001@pbx.example;user=phone",
            "tel:01632960001",
        ] {
            assert_eq!(of("GB", text), "+441632960001", "{text}");
        }
        assert_eq!(of("GB", "07700 900123"), "+447700900123");
        assert_eq!(of("GB", "020 7946 0018"), "+442079460018");
        assert_eq!(of("DE", "0044 1632 960001"), "+441632960001");
        assert_eq!(of("US", "011 44 1632 960001"), "+441632960001");
        assert_eq!(of("US", "(202) 555-0123"), "+12025550123");
        // Italy keeps its zero.
        assert_eq!(of("IT", "06 1234 5678"), "+390612345678");
    }

    #[test]
    fn extensions_short_codes_and_names_stay_as_they_are() {
        for text in ["7048", "999", "116123", "*97", "reception", "s", "", "anonymous", "7048-front"] {
            assert_eq!(of("GB", text), text);
            assert_eq!(of("DE", text), text);
            assert_eq!(normalise(text, None), text);
        }
        // Seven digits are no number that the country would dial so.
        assert_eq!(of("GB", "1234567"), "1234567");
    }

    #[test]
    fn without_a_country_only_international_numbers_are_certain() {
        assert_eq!(normalise("+44 1632 960001", None), "+441632960001");
        assert_eq!(normalise("0044 1632 960001", None), "+441632960001");
        assert_eq!(normalise("01632 960001", None), "01632 960001");
    }

    #[test]
    fn a_prefix_gets_the_country_code_too() {
        let gb = Some("GB".parse().unwrap());
        for text in ["01632", "+44 1632", "00441632"] {
            assert_eq!(normalise_prefix(text, gb), "+441632", "{text}");
        }
        assert_eq!(normalise_prefix("70", gb), "70");
        assert_eq!(normalise_prefix("01632", None), "01632");
    }

    #[test]
    fn a_number_is_dialled_as_its_country_does() {
        let from = |country: &str, number: &str| dialled_from(number, country.parse().unwrap());
        assert!(from("GB", "+441632960001").contains(&"01632960001".to_owned()));
        assert!(from("GB", "+441632960001").contains(&"4401632960001".to_owned()));
        assert!(from("US", "+12025550123").contains(&"2025550123".to_owned()));
        assert!(from("US", "+441632960001").contains(&"011441632960001".to_owned()));
        assert!(from("IT", "+390612345678").contains(&"0612345678".to_owned()));
        assert!(!from("DE", "+441632960001").contains(&"01632960001".to_owned()));
        assert_eq!(from("GB", "7048"), Vec::<String>::new());
        assert_eq!(e164_of("01632 960001", "GB".parse().ok()).as_deref(), Some("+441632960001"));
        assert_eq!(e164_of("7048", "GB".parse().ok()), None);
    }

    #[test]
    fn hostile_numbers_are_returned_unchanged() {
        let long = "9".repeat(10_000);
        for text in
            [long.as_str(), "+", "+0", "\u{0}01632960001", "01632\"960001", "٠١٦٣٢٩٦٠٠٠١", ";ext=;phone-context=+"]
        {
            assert_eq!(of("GB", text), text);
        }
    }

    #[test]
    fn withheld_numbers_are_known_in_the_formats_of_vendors() {
        for text in [
            "",
            " ",
            "anonymous",
            "Anonymous",
            "Restricted",
            "Private",
            "<unknown>",
            "+266696687",
            "+7378742833",
            "sip:anonymous@anonymous.invalid",
        ] {
            assert!(is_withheld(text), "{text}");
        }
        assert!(!is_withheld("+441632960001") && !is_withheld("7048"));
    }

    #[test]
    fn a_country_is_a_code_in_capitals() {
        assert_eq!("XX".parse::<Country>(), Err(NoCountry));
        assert_eq!(format!("{:?}", "GB".parse::<Country>().unwrap()), "GB");
    }
}
