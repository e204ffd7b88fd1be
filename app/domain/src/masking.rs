//! Phone numbers for eyes that need not see all of them.

/// A number with its middle hidden: the first half of what is before the last three digits, dots, the last three.
/// Anything with fewer than seven digits, such as a stored party, stays as it is.
#[must_use]
pub fn number(text: &str) -> String {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits < 7 {
        return text.to_owned();
    }
    let keep = (digits - 3) / 2;
    let mut seen = 0;
    let mut out = String::new();
    let mut hidden = false;
    for c in text.chars() {
        seen += usize::from(c.is_ascii_digit());
        if seen <= keep || seen > digits - 3 {
            out.push(c);
        } else if !hidden {
            hidden = true;
            out.push_str(" ••• ");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_number_is_hidden_and_a_party_is_not() {
        assert_eq!(number("01202901222"), "0120 ••• 222");
        assert_eq!(number("extension 7048"), "extension 7048");
    }
}
