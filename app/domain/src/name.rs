//! What accounts, people, endpoints and API tokens may be called.

use crate::error::FieldError;

/// Longest name in characters.
pub const NAME_MAX_CHARS: usize = 120;

const SAYS: &str = "A name has 1 to 120 characters and no line breaks or other control characters.";
const SAYS_IF_ANY: &str = "A name has at most 120 characters and no line breaks or other control characters.";

/// A name as it is stored, without white space around it.
///
/// # Errors
/// The complaint about `field`.
pub fn checked(field: &str, name: &str) -> Result<String, FieldError> {
    let name = name.trim();
    if name.is_empty() || !fits(name) { Err(FieldError::new(field, SAYS)) } else { Ok(name.to_owned()) }
}

/// The same where there may be none.
///
/// # Errors
/// The complaint about `field`.
pub fn checked_if_any(field: &str, name: &str) -> Result<String, FieldError> {
    let name = name.trim();
    if fits(name) { Ok(name.to_owned()) } else { Err(FieldError::new(field, SAYS_IF_ANY)) }
}

/// A name stands in letters, logs and terminals: what begins a line there could pass for ours, and an escape code for
/// a command.
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
