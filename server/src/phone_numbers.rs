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

    fn national(&self, e164: &str, home: Country) -> Option<String> {
        number::national(e164, country(Some(home))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_their_country() {
        let (gb, numbers) = (Country::parse("gb"), PhoneNumbers);
        assert_eq!(numbers.e164("01632 960001", gb).as_deref(), Some("+441632960001"));
        assert_eq!(numbers.e164("0044 1632 960001", None).as_deref(), Some("+441632960001"));
        assert_eq!((numbers.e164("01632 960001", None), numbers.e164("7048", gb)), (None, None));
        assert_eq!(numbers.e164_prefix("01632", gb).as_deref(), Some("+441632"));
        assert_eq!(numbers.e164_prefix("70", gb), None);
        assert_eq!(numbers.national("+441632960001", gb.unwrap()).as_deref(), Some("01632960001"));
        assert_eq!(numbers.national("+12025550123", gb.unwrap()), None);
    }
}
