//! Countries by their ISO 3166-1 alpha-2 codes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::FieldError;

/// All officially assigned codes (ISO 3166-1), two characters each.
const CODES: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCR\
    CUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIR\
    ISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINL\
    NONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTO\
    TRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";

/// A country.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    /// The country with this code, in upper or lower case.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let code: [u8; 2] = code.trim().to_ascii_uppercase().into_bytes().try_into().ok()?;
        CODES.as_bytes().chunks(2).any(|known| known == code).then_some(Self(code))
    }

    /// All countries, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.as_bytes().chunks_exact(2).map(|code| Self([code[0], code[1]]))
    }

    /// The code in upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Always ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A country in a text field of a form; `None` if it is blank.
///
/// # Errors
/// An error of this field for an unknown code.
pub fn country(text: &str, field: &str) -> Result<Option<Country>, FieldError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let wrong = || FieldError::new(field, "Enter the code of a country, such as GB or DE, or leave it blank.");
    Country::parse(text).map(Some).ok_or_else(wrong)
}

impl TryFrom<String> for Country {
    type Error = String;
    fn try_from(code: String) -> Result<Self, String> {
        Self::parse(&code).ok_or_else(|| format!("{code:?} is no ISO 3166-1 alpha-2 code."))
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.as_str().to_owned()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_known_by_its_code_in_any_case() {
        assert_eq!(Country::parse(" gb ").map(String::from).as_deref(), Some("GB"));
        for wrong in ["", "G", "UK", "EU", "XX", "GBR", "G\u{e9}", "GB\u{0}"] {
            assert_eq!(Country::parse(wrong), None, "{wrong:?}");
        }
        assert!(Country::parse("DA").is_none(), "codes are pairs");
    }

    #[test]
    fn the_list_is_sorted_and_complete() {
        let all: Vec<Country> = Country::all().collect();
        assert_eq!(all.len(), 249);
        assert!(all.is_sorted_by(|a, b| a.as_str() < b.as_str()));
    }

    #[test]
    fn a_blank_field_is_no_country() {
        assert_eq!(country(" ", "country"), Ok(None));
        assert_eq!(country("England", "country").unwrap_err().field, "country");
    }
}
