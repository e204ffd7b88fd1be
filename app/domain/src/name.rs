//! The rules for the names of accounts, users, endpoints and API tokens.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};

use crate::error::FieldError;

/// Maximum length of a name in characters.
const NAME_MAX_CHARS: usize = 120;

const REQUIRED: &str = "Enter a name of 1 to 120 characters without line breaks, control or invisible characters.";
const OPTIONAL: &str = "Enter a name of at most 120 characters without line breaks, control or invisible characters.";

/// Checks a required name and returns it trimmed.
///
/// # Errors
/// An error for `field`.
pub fn checked(field: &str, name: &str) -> Result<String, FieldError> {
    let name = name.trim();
    if name.is_empty() || !fits(name) { Err(FieldError::new(field, REQUIRED)) } else { Ok(name.to_owned()) }
}

/// Checks an optional name and returns it trimmed.
///
/// # Errors
/// An error for `field`.
pub fn checked_if_any(field: &str, name: &str) -> Result<String, FieldError> {
    let name = name.trim();
    if fits(name) { Ok(name.to_owned()) } else { Err(FieldError::new(field, OPTIONAL)) }
}

/// Names appear in emails, logs and terminals, where a line break could forge a line of ours, an escape sequence could
/// control the terminal, and a change of direction could make a text read as another one.
fn fits(name: &str) -> bool {
    name.chars().count() <= NAME_MAX_CHARS && !name.chars().any(|c| is_unseen(c) && !is_joiner(c))
}

/// Persian, Indic scripts and emoji are written with them.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether a character is not shown: a control or format character, a line break, or one without a shape. Marks, such as
/// those that choose a variant of a character before them, are part of what is shown.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    match category(c) {
        GeneralCategory::Control
        | GeneralCategory::Format
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => true,
        GeneralCategory::NonspacingMark => false,
        _ => CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c),
    }
}

/// Whether a character belongs to a word: it is alphanumeric, or a mark on such a character.
#[must_use]
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || GeneralCategoryGroup::Mark.contains(category(c))
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_at_most_120_characters() {
        assert_eq!(checked("name", " Zoë & Söhne \u{1f4de}\n").unwrap(), "Zoë & Söhne \u{1f4de}");
        assert!(checked("name", &"ä".repeat(120)).is_ok());
        let wrong = ["a\nSubject: b", "a\rb", "a\u{0}b", "a\u{1b}[2Jb", "a\u{85}b", "a\u{2028}b", &"x".repeat(121)];
        let unseen = [
            "\u{202e}moc",
            "a\u{2066}b",
            "a\u{200e}b",
            "a\u{200b}b",
            "a\u{feff}b",
            "a\u{ad}b",
            "a\u{e0041}b",
            "\u{3164}",
        ];
        for wrong in wrong.into_iter().chain(unseen) {
            assert_eq!(checked("name", wrong).unwrap_err().field, "name", "{wrong:?}");
            assert_eq!(checked_if_any("account", wrong).unwrap_err().field, "account", "{wrong:?}");
        }
        for fine in ["می\u{200c}خواهم", "👩\u{200d}💻 Büro", "☎\u{fe0f}", "葛\u{e0100}城", "हिन्दी", "O’Brien & Söhne"]
        {
            assert_eq!(checked("name", fine).as_deref(), Ok(fine));
        }
        assert!(checked("name", " \t ").is_err());
        assert_eq!(checked_if_any("name", " ").unwrap(), "");
    }
}
