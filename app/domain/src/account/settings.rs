//! The settings of an account.

use serde::{Deserialize, Serialize};

use crate::{
    country::{Country, country},
    error::{Error, FieldError, Result, noted, whole},
};

/// Default retention of payloads and responses, in days.
pub const BODIES_DAYS: u32 = 30;
/// Default retention of events, deliveries and attempts, in days.
pub const ROWS_DAYS: u32 = 90;
/// Default maximum retention an account may choose, in days.
pub const RETENTION_MAX_DAYS: u32 = 365;

/// The settings chosen by an account's admins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSettings {
    /// Whether developers may rotate credentials. By default only admins may.
    pub developers_rotate: bool,
    /// Whether the provider's support staff may read the account.
    pub support_access: bool,
    /// Retention of payloads and responses, in days.
    pub bodies_days: u32,
    /// Retention of events, deliveries and attempts, in days.
    pub rows_days: u32,
    /// Where its numbers are dialled: it decides how national spellings are read.
    pub country: Option<Country>,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            developers_rotate: false,
            support_access: true,
            bodies_days: BODIES_DAYS,
            rows_days: ROWS_DAYS,
            country: None,
        }
    }
}

/// The settings form, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountForm {
    /// Display name.
    #[serde(default)]
    pub name: String,
    /// Whether developers may rotate credentials.
    #[serde(default)]
    pub developers_rotate: bool,
    /// Whether the provider's support staff may read the account.
    #[serde(default)]
    pub support_access: bool,
    /// Retention of payloads and responses, in days; empty for no change.
    #[serde(default)]
    pub bodies_days: String,
    /// Retention of events, deliveries and attempts, in days; empty for no change.
    #[serde(default)]
    pub rows_days: String,
    /// Code of the country; may be empty.
    #[serde(default)]
    pub country: String,
}

/// What an account's name and settings should be, before any rule is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountInput {
    /// Display name.
    pub name: String,
    /// Whether developers may rotate credentials.
    pub developers_rotate: bool,
    /// Whether the provider's support staff may read the account.
    pub support_access: bool,
    /// Retention of payloads and responses, in days; no change by default.
    pub bodies_days: Option<u32>,
    /// Retention of events, deliveries and attempts, in days; no change by default.
    pub rows_days: Option<u32>,
    /// Where its numbers are dialled.
    pub country: Option<Country>,
}

impl AccountForm {
    /// Reads the form.
    ///
    /// # Errors
    /// `Invalid` for days that are not a number, and for an unknown country.
    pub fn input(&self) -> Result<AccountInput> {
        let (mut wrong, message) = (Vec::new(), "Choose a whole number of days.");
        let rows_days = noted(&mut wrong, whole(&self.rows_days, "rows_days", message)).flatten();
        let bodies_days = noted(&mut wrong, whole(&self.bodies_days, "bodies_days", message)).flatten();
        let country = noted(&mut wrong, country(&self.country, "country")).flatten();
        let (developers_rotate, support_access) = (self.developers_rotate, self.support_access);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        Ok(AccountInput { name: self.name.clone(), developers_rotate, support_access, bodies_days, rows_days, country })
    }
}

impl AccountInput {
    /// Applies the input to the current settings. Payloads are never kept longer than the deliveries they belong to. An
    /// unchanged value is always accepted, even if the operator has since lowered the maximum, which then applies anyway.
    ///
    /// # Errors
    /// `Invalid` per field, for example for more days than the operator allows.
    pub fn settings(&self, before: AccountSettings, most_days: u32) -> Result<AccountSettings> {
        let mut errors = Vec::new();
        let mut days = |field: &str, days: Option<u32>, before: u32| {
            let days = days.unwrap_or(before);
            if days != before && !(1..=most_days).contains(&days) {
                errors.push(FieldError::new(field, format!("Choose 1 to {most_days} days.")));
            }
            days
        };
        let rows_days = days("rows_days", self.rows_days, before.rows_days);
        let bodies_days = days("bodies_days", self.bodies_days, before.bodies_days);
        if errors.is_empty() && bodies_days > rows_days {
            let message = "Payloads can't be kept longer than the deliveries they belong to.";
            errors.push(FieldError::new("bodies_days", message));
        }
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        let (developers_rotate, support_access) = (self.developers_rotate, self.support_access);
        let country = self.country;
        Ok(AccountSettings { developers_rotate, support_access, bodies_days, rows_days, country })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_stays_within_the_operators_maximum_but_an_unchanged_value_is_accepted() {
        let before = AccountSettings::default();
        let form = |bodies: &str, rows: &str| AccountForm {
            bodies_days: bodies.into(),
            rows_days: rows.into(),
            ..AccountForm::default()
        };
        let settings = |form: AccountForm| form.input()?.settings(before, 60);
        let fields = |form: AccountForm| {
            let error = settings(form).unwrap_err();
            error.fields().iter().map(|error| error.field.clone()).collect::<Vec<_>>()
        };
        assert_eq!(fields(form("61", "62")), ["rows_days", "bodies_days"]);
        assert_eq!(fields(form("few", "many")), ["rows_days", "bodies_days"]);
        assert_eq!(fields(form("31", "30")), ["bodies_days"]);
        let after = settings(form("60", "60")).unwrap();
        assert_eq!((after.bodies_days, after.rows_days), (60, 60));
        let kept = settings(form("30", "90")).unwrap();
        assert_eq!((kept.bodies_days, kept.rows_days), (BODIES_DAYS, ROWS_DAYS));
        let in_country = |code: &str| settings(AccountForm { country: code.into(), ..form("30", "90") });
        assert_eq!(in_country("gb").unwrap().country, Country::parse("GB"));
        assert_eq!(in_country("England").unwrap_err().fields()[0].field, "country");
    }
}
