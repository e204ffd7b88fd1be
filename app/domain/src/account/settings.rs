//! What an account's admins decide for it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, FieldError, Result};

/// Days that payloads and answers are kept, unless the account says otherwise.
pub const BODIES_DAYS: u32 = 30;
/// Days that events, deliveries and attempts are kept, unless the account says otherwise.
pub const ROWS_DAYS: u32 = 90;
/// Most days that an account may choose, unless the operator says otherwise.
pub const RETENTION_MAX_DAYS: u32 = 365;

/// What an account's admins decide for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSettings {
    /// Whether developers may rotate credentials, which only admins do otherwise.
    pub developers_rotate: bool,
    /// Whether the provider's support may look into the account.
    pub support_access: bool,
    /// Days that payloads and answers are kept.
    pub bodies_days: u32,
    /// Days that events, deliveries and attempts are kept.
    pub rows_days: u32,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self { developers_rotate: false, support_access: true, bodies_days: BODIES_DAYS, rows_days: ROWS_DAYS }
    }
}

/// What the form for an account's settings holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountForm {
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// Whether developers may rotate credentials.
    #[serde(default)]
    pub developers_rotate: bool,
    /// Whether the provider's support may look into the account.
    #[serde(default)]
    pub support_access: bool,
    /// Days that payloads and answers are kept; empty for no change.
    #[serde(default)]
    pub bodies_days: String,
    /// Days that events, deliveries and attempts are kept; empty for no change.
    #[serde(default)]
    pub rows_days: String,
}

impl AccountForm {
    /// The form's settings beside those there are. Bodies never stay longer than what they belong to. Days that stay as
    /// they are, are no choice: the operator may have set a shorter time since, which holds whatever stands here.
    ///
    /// # Errors
    /// `Invalid` per field: days past what the operator allows.
    pub fn settings(&self, before: AccountSettings, most_days: u32) -> Result<AccountSettings> {
        let mut errors = Vec::new();
        let mut days = |field: &str, text: &str, before: u32| match text.trim() {
            "" => before,
            text => text.parse().ok().filter(|days| *days == before || (1..=most_days).contains(days)).unwrap_or_else(
                || {
                    errors.push(FieldError::new(field, format!("Choose 1 to {most_days} days.")));
                    before
                },
            ),
        };
        let rows_days = days("rows_days", &self.rows_days, before.rows_days);
        let bodies_days = days("bodies_days", &self.bodies_days, before.bodies_days);
        if errors.is_empty() && bodies_days > rows_days {
            let says = "Payloads cannot be kept longer than the deliveries they belong to.";
            errors.push(FieldError::new("bodies_days", says));
        }
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        let (developers_rotate, support_access) = (self.developers_rotate, self.support_access);
        Ok(AccountSettings { developers_rotate, support_access, bodies_days, rows_days })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_chosen_within_what_the_operator_allows_and_may_stay_as_they_are() {
        let before = AccountSettings::default();
        let form = |bodies: &str, rows: &str| AccountForm {
            bodies_days: bodies.into(),
            rows_days: rows.into(),
            ..AccountForm::default()
        };
        let fields = |form: AccountForm| {
            let error = form.settings(before, 60).unwrap_err();
            error.fields().iter().map(|error| error.field.clone()).collect::<Vec<_>>()
        };
        assert_eq!(fields(form("61", "many")), ["rows_days", "bodies_days"]);
        assert_eq!(fields(form("31", "30")), ["bodies_days"]);
        let after = form("60", "60").settings(before, 60).unwrap();
        assert_eq!((after.bodies_days, after.rows_days), (60, 60));
        let kept = form("30", "90").settings(before, 60).unwrap();
        assert_eq!((kept.bodies_days, kept.rows_days), (BODIES_DAYS, ROWS_DAYS));
    }
}
