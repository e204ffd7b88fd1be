//! Numbering plans of all countries, behind the port of the domain.

use connect::number;
use domain::{country::Country, phone::Numbers};

/// Knows them all. Their metadata is read at the first use, which takes a moment and 6 MiB.
#[derive(Debug, Clone, Copy, Default)]
pub struct PhoneNumbers;

/// The country of numbers; none for a territory without a numbering plan of its own.
pub(crate) fn country(country: Option<Country>) -> Option<number::Country> {
    country?.as_str().parse().ok()
}

impl Numbers for PhoneNumbers {
    fn e164(&self, number: &str, home: Option<Country>) -> Option<String> {
        number::e164_of(number, country(home))
    }

    fn e164_prefix(&self, prefix: &str, home: Option<Country>) -> Option<String> {
        Some(number::normalise_prefix(prefix, country(home))).filter(|prefix| prefix.starts_with('+'))
    }

    fn dialled_from(&self, e164: &str, home: Country) -> Vec<String> {
        country(Some(home)).map(|home| number::dialled_from(e164, home)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use domain::{phone::asked, phone_key::key};

    use super::*;

    #[test]
    fn numbers_are_those_of_their_country() {
        let (gb, numbers) = (Country::parse("gb"), PhoneNumbers);
        assert_eq!(numbers.e164("01632 960001", gb).as_deref(), Some("+441632960001"));
        assert_eq!(numbers.e164("0044 1632 960001", None).as_deref(), Some("+441632960001"));
        assert_eq!((numbers.e164("01632 960001", None), numbers.e164("7048", gb)), (None, None));
        assert_eq!(numbers.e164_prefix("01632", gb).as_deref(), Some("+441632"));
        assert_eq!(numbers.e164_prefix("70", gb), None);
        assert!(numbers.dialled_from("+441632960001", gb.unwrap()).contains(&"01632960001".to_owned()));
        assert!(!numbers.dialled_from("+12025550123", gb.unwrap()).contains(&"2025550123".to_owned()));
    }

    /// Whatever spelling was sent, and whatever spelling is typed.
    #[test]
    fn a_number_is_found_by_each_of_its_spellings_whichever_was_stored() {
        let all: [(&str, &[&str]); 5] = [
            (
                "GB",
                &[
                    "07700 900715",
                    "+44 7700 900715",
                    "0044 7700 900715",
                    "447700900715",
                    "+44 (0)7700 900715",
                    "tel:+44-7700-900-715",
                    "sip:07700900715@pbx.example",
                    "\u{202a}+447700900715\u{202c}",
                    "(07700) 900715",
                    "0044 (0)7700/900715",
                ],
            ),
            ("DE", &["030 12345678", "+49 30 12345678", "0049-30-12345678", "(030) 123456 78", "+49 (0)30 12345678"]),
            ("US", &["(202) 555-0123", "+1 202 555 0123", "1-202-555-0123", "2025550123", "tel:+1-202-555-0123"]),
            ("IT", &["06 1234 5678", "+39 06 1234 5678", "0039 0612345678", "sip:+390612345678@pbx"]),
            ("US", &["011 44 7700 900715", "+44 7700 900715", "0044 7700 900715", "447700900715"]),
        ];
        for (code, spellings) in all {
            for stored in spellings {
                for typed in spellings {
                    let keys = asked(typed, Country::parse(code), &PhoneNumbers);
                    assert!(keys.contains(&key(stored)), "{code}: stored {stored:?}, typed {typed:?}: {keys:?}");
                }
            }
        }
    }

    #[test]
    fn other_numbers_are_not_found() {
        let gb = Country::parse("GB");
        for (stored, typed) in [
            ("+447700900716", "07700 900715"),
            ("7048", "7049"),
            ("07700900715", "900715"),
            ("+4917700900715", "07700 900715"),
            ("07700900715", "7048"),
        ] {
            assert!(!asked(typed, gb, &PhoneNumbers).contains(&key(stored)), "{stored} {typed}");
        }
    }
}
