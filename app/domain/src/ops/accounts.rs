//! Accounts as operators see them, and the forms to create, rename, suspend and limit them.

use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, AccountUsage, email_complaint, normal_email},
    country::{Country, country},
    error::{Error, FieldError, Result, noted},
    id::AccountId,
    name,
    query::{Writer, pairs},
    time::UnixMs,
};

/// Maximum length of a reference in characters.
const REFERENCE_MAX_CHARS: usize = 120;
/// Minimum length of the reason of a suspension in characters. The account's members read it.
pub const REASON_MIN_CHARS: usize = 4;
/// Maximum length of the reason in characters.
pub const REASON_MAX_CHARS: usize = 300;

/// A filter for accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Part of the name, the complete reference, or the id.
    pub text: Option<String>,
    /// Where the page starts, from the previous page.
    pub cursor: Option<String>,
    /// Number of rows; see [`crate::query::page_size`].
    pub limit: u32,
}

impl AccountFilter {
    /// Parses a query string. Unknown and invalid parameters are ignored.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        pairs(query).fold(Self::default(), |mut filter, (key, value)| {
            match key.as_str() {
                "q" => filter.text = Some(value),
                "cursor" => filter.cursor = Some(value),
                "limit" => filter.limit = value.parse().unwrap_or(0),
                _ => {}
            }
            filter
        })
    }

    /// The query string that parses to this filter.
    #[must_use]
    pub fn to_query(&self) -> String {
        Writer::default()
            .with("q", self.text.as_deref().unwrap_or_default())
            .page(self.cursor.as_deref(), self.limit)
            .finish()
    }
}

/// An account as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// The account.
    pub account: Account,
    /// When it was created.
    pub created_at: UnixMs,
    /// Number of its endpoints.
    pub endpoints: u64,
    /// Attempts in the last 24 hours with a 2xx response.
    pub delivered_24h: u64,
    /// Failed attempts in the last 24 hours, and deliveries that ended as failed.
    pub failed_24h: u64,
}

/// One page of accounts, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountsPage {
    /// The accounts.
    pub rows: Vec<AccountRow>,
    /// Where the next page starts; `None` on the last page.
    pub next: Option<String>,
}

/// One account in detail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDetail {
    /// The account as listed.
    pub row: AccountRow,
    /// What it uses of its limits.
    pub usage: AccountUsage,
    /// The installation's maximum retention in days.
    pub retention_max_days: u32,
}

/// A checked name and the platform's reference.
pub type NameAndReference = (String, Option<String>);

/// Name and reference of a new account, its country, and the email address of its first admin.
pub type NewAccountChecked = (NameAndReference, Option<Country>, Option<String>);

/// The form for creating an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    /// Display name.
    #[serde(default)]
    pub name: String,
    /// The platform's own reference; may be empty.
    #[serde(default)]
    pub reference: String,
    /// Code of the country in which its numbers are dialled; may be empty.
    #[serde(default)]
    pub country: String,
    /// Email address of the first admin; may be empty.
    #[serde(default)]
    pub admin: String,
}

impl NewAccount {
    /// Checks the form.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(&self) -> Result<NewAccountChecked> {
        let naming = AccountNameForm { name: self.name.clone(), reference: self.reference.clone() }.check();
        let mut errors = naming.as_ref().err().map(|error| error.fields().to_vec()).unwrap_or_default();
        let country = noted(&mut errors, country(&self.country, "country")).flatten();
        let admin = Some(normal_email(&self.admin)).filter(|email| !email.is_empty());
        if let Some(complaint) = admin.as_deref().and_then(email_complaint) {
            errors.push(FieldError::new("admin", complaint.message));
        }
        if errors.is_empty() { Ok((naming?, country, admin)) } else { Err(Error::Invalid(errors)) }
    }
}

/// The form for renaming an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountNameForm {
    /// Display name.
    #[serde(default)]
    pub name: String,
    /// The platform's own reference; may be empty.
    #[serde(default)]
    pub reference: String,
}

impl AccountNameForm {
    /// Checks the form and returns name and reference.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(&self) -> Result<NameAndReference> {
        match (name::checked("name", &self.name), checked_reference(&self.reference)) {
            (Ok(name), Ok(reference)) => Ok((name, reference)),
            (name, reference) => Err(Error::Invalid(name.err().into_iter().chain(reference.err()).collect())),
        }
    }
}

/// A reference is accepted wherever an id is, so it must not look like one.
fn checked_reference(reference: &str) -> std::result::Result<Option<String>, FieldError> {
    let reference = reference.trim();
    if reference.chars().count() > REFERENCE_MAX_CHARS || reference.chars().any(char::is_control) {
        return Err(FieldError::new(
            "reference",
            "Enter a reference of at most 120 characters without control characters.",
        ));
    }
    if reference.starts_with(AccountId::PREFIX) {
        return Err(FieldError::new("reference", "A reference can't start with acct_, because account ids do."));
    }
    Ok(Some(reference.to_owned()).filter(|text| !text.is_empty()))
}

/// Checks the reason of a suspension and returns it trimmed.
///
/// # Errors
/// `Invalid`
pub fn checked_reason(reason: &str) -> Result<String> {
    let reason = reason.trim();
    if (REASON_MIN_CHARS..=REASON_MAX_CHARS).contains(&reason.chars().count()) {
        return Ok(reason.to_owned());
    }
    Err(Error::invalid("reason", "Enter a reason of 4 to 300 characters. The account’s members will see it."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(error: &Error) -> Vec<&str> {
        error.fields().iter().map(|error| error.field.as_str()).collect()
    }

    #[test]
    fn a_new_account_lists_every_invalid_field() {
        let form = NewAccount {
            admin: "ana".into(),
            reference: "x".repeat(121),
            country: "UK".into(),
            ..NewAccount::default()
        };
        assert_eq!(fields(&form.check().unwrap_err()), ["name", "reference", "country", "admin"]);
        let form = NewAccount { name: " Acme ".into(), ..NewAccount::default() };
        assert_eq!(form.check(), Ok((("Acme".into(), None), None, None)));
    }

    #[test]
    fn a_reference_cannot_look_like_an_account_id() {
        let of = |reference: &str| AccountNameForm { name: "Acme".into(), reference: reference.into() }.check();
        for wrong in ["acct_01kb4qz1a2b3c4d5e6f7g8h9jk", " acct_", "a\u{0}b"] {
            assert_eq!(fields(&of(wrong).unwrap_err()), ["reference"], "{wrong:?}");
        }
        assert_eq!(of(" customer-7 ").unwrap().1.as_deref(), Some("customer-7"));
    }

    #[test]
    fn a_suspension_needs_a_reason() {
        assert_eq!(fields(&checked_reason(" no ").unwrap_err()), ["reason"]);
        assert_eq!(checked_reason(" Unpaid since May ").unwrap(), "Unpaid since May");
    }

    #[test]
    fn a_filter_round_trips_through_its_query_string() {
        let filter = AccountFilter::parse("?q=acme+ltd&cursor=acct_1&limit=20");
        assert_eq!(AccountFilter::parse(&filter.to_query()), filter);
    }
}
