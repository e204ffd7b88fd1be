//! Numbers formatted for display.

use domain::delivery::COUNT_MAX;

/// A number with thousands separators; "more than" beyond the counting limit.
#[must_use]
pub fn number(n: u32) -> String {
    if n > COUNT_MAX {
        return format!("more than {}", number(COUNT_MAX));
    }
    grouped(n)
}

/// A number with thousands separators.
#[must_use]
pub fn grouped(n: u32) -> String {
    let digits = n.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().filter_map(|chunk| std::str::from_utf8(chunk).ok());
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_grouped_and_exact_up_to_ten_thousand() {
        let formatted: Vec<_> = [0, 37, 999, 1_204, 10_000, 10_001].map(number).to_vec();
        assert_eq!(formatted, ["0", "37", "999", "1,204", "10,000", "more than 10,000"]);
    }
}
