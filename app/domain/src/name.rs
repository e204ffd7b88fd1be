//! The rules for the names of accounts, users, endpoints and API tokens.

use crate::error::FieldError;

/// Maximum length of a name in characters.
const NAME_MAX_CHARS: usize = 120;

const REQUIRED: &str = "Enter a name of 1 to 120 characters without line breaks or control characters.";
const OPTIONAL: &str = "Enter a name of at most 120 characters without line breaks or control characters.";

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

/// Names appear in emails, logs and terminals, where a line break could forge a line of ours and an escape sequence
/// could control the terminal.
fn fits(name: &str) -> bool {
    let unseen = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    name.chars().count() <= NAME_MAX_CHARS && !name.chars().any(unseen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_at_most_120_characters() {
        assert_eq!(checked("name", " Zoë & Söhne \u{1f4de}\n").unwrap(), "Zoë & Söhne \u{1f4de}");
        assert!(checked("name", &"ä".repeat(120)).is_ok());
        let wrong = ["a\nSubject: b", "a\rb", "a\u{0}b", "a\u{1b}[2Jb", "a\u{85}b", "a\u{2028}b", &"x".repeat(121)];
        for wrong in wrong {
            assert_eq!(checked("name", wrong).unwrap_err().field, "name", "{wrong:?}");
            assert_eq!(checked_if_any("account", wrong).unwrap_err().field, "account", "{wrong:?}");
        }
        assert!(checked("name", " \t ").is_err());
        assert_eq!(checked_if_any("name", " ").unwrap(), "");
    }
}
