//! The conditions of a rule.

use serde::{Deserialize, Serialize};

/// Most values that a condition compares with.
const VALUES_MAX: usize = 50;

/// A condition on one field of the request. Values are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Name of the field.
    pub field: String,
    /// Holds if the field has one of these values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Vec<String>>,
    /// Holds if the field has none of these values, or does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_not: Option<Vec<String>>,
    /// Holds if the field has a value that is not empty (`true`), or has none (`false`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// Holds if the field has at least so many digits: extensions are shorter than numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_digits: Option<usize>,
}

impl Condition {
    /// What is wrong with it.
    pub(super) fn complaint(&self) -> Option<String> {
        let tests = [self.is.is_some(), self.is_not.is_some(), self.present.is_some(), self.min_digits.is_some()];
        if self.field.trim().is_empty() {
            return Some("Name the field of the request that this condition is about.".to_owned());
        }
        if tests.iter().filter(|test| **test).count() != 1 {
            return Some("A condition has exactly one of is, is_not, present and min_digits.".to_owned());
        }
        let values = self.is.as_deref().or(self.is_not.as_deref());
        let wrong = values.is_some_and(|values| values.is_empty() || values.len() > VALUES_MAX);
        wrong.then(|| format!("A condition compares with 1 to {VALUES_MAX} values."))
    }

    /// Whether it holds for this value.
    pub(super) fn holds(&self, value: Option<&str>) -> bool {
        let among = |values: &[String]| values.iter().any(|one| is_same(one, value.unwrap_or_default()));
        if let Some(values) = &self.is {
            return value.is_some() && among(values);
        }
        if let Some(values) = &self.is_not {
            return !among(values);
        }
        if let Some(present) = self.present {
            return value.is_some_and(|value| !value.is_empty()) == present;
        }
        let digits = value.unwrap_or_default().bytes().filter(u8::is_ascii_digit);
        self.min_digits.is_none_or(|least| digits.take(least).count() == least)
    }
}

/// Whether two texts differ in case at most; decided at their first difference.
fn is_same(one: &str, other: &str) -> bool {
    let mut others = other.chars().flat_map(char::to_lowercase);
    one.chars().flat_map(char::to_lowercase).all(|c| others.next() == Some(c)) && others.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_without_regard_to_case() {
        let is = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect());
        let condition = Condition { is: is(&["In", "b"]), ..Condition::default() };
        assert!(condition.holds(Some("IN")) && !condition.holds(Some("out")) && !condition.holds(None));
        let condition = Condition { is_not: is(&["in"]), ..Condition::default() };
        assert!(condition.holds(Some("out")) && condition.holds(None) && !condition.holds(Some("in")));
        let condition = Condition { min_digits: Some(7), ..Condition::default() };
        assert!(condition.holds(Some("01632 960001")) && !condition.holds(Some("7048")) && !condition.holds(None));
        let condition = Condition { present: Some(true), ..Condition::default() };
        assert!(condition.holds(Some("x")) && !condition.holds(Some("")) && !condition.holds(None));
    }
}
