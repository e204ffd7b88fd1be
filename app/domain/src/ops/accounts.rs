//! Accounts as operators see them, and the forms to create, rename, suspend and limit them.

use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, Limits, email_complaint, normal_email},
    endpoint::ENDPOINTS_MAX,
    error::{Error, FieldError, Result, noted, whole},
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
/// Maximum number of endpoints an operator may allow one account.
const ENDPOINTS_ALLOWED_MAX: u32 = 5_000;
/// Maximum events per second an operator may allow an account. Without a limit of its own, it applies per token.
pub const EVENTS_PER_S: u32 = 50_000;

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
    /// Number of its members.
    pub members: u64,
    /// The installation's maximum retention in days.
    pub retention_max_days: u32,
}

/// A checked name and the platform's reference.
pub type NameAndReference = (String, Option<String>);

/// The form for creating an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    /// Display name.
    #[serde(default)]
    pub name: String,
    /// The platform's own reference; may be empty.
    #[serde(default)]
    pub reference: String,
    /// Email address of the first admin; may be empty.
    #[serde(default)]
    pub admin: String,
}

impl NewAccount {
    /// Checks the form and returns name and reference, and the email address of the first admin.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(&self) -> Result<(NameAndReference, Option<String>)> {
        let admin = Some(normal_email(&self.admin)).filter(|email| !email.is_empty());
        let naming = AccountNameForm { name: self.name.clone(), reference: self.reference.clone() }.check();
        let wrong = admin.as_deref().and_then(email_complaint);
        let wrong = wrong.map(|complaint| FieldError::new("admin", complaint.message));
        match (naming, wrong) {
            (Ok(naming), None) => Ok((naming, admin)),
            (Err(Error::Invalid(complaints)), wrong) => {
                Err(Error::Invalid(complaints.into_iter().chain(wrong).collect()))
            }
            (Ok(_), Some(wrong)) => Err(Error::Invalid(vec![wrong])),
            (Err(error), _) => Err(error),
        }
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

/// The form for an account's limits. An empty field means the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsForm {
    /// Maximum number of endpoints.
    #[serde(default)]
    pub endpoints_max: String,
    /// Maximum events per second across its tokens.
    #[serde(default)]
    pub events_per_s: String,
    /// Maximum retention in days.
    #[serde(default)]
    pub retention_max_days: String,
}

impl LimitsForm {
    /// The form prefilled with these limits.
    #[must_use]
    pub fn of(limits: Limits) -> Self {
        let text = |limit: Option<u32>| limit.map(|n| n.to_string()).unwrap_or_default();
        Self {
            endpoints_max: text(limits.endpoints_max),
            events_per_s: text(limits.events_per_s),
            retention_max_days: text(limits.retention_max_days),
        }
    }

    /// Reads the form.
    ///
    /// # Errors
    /// `Invalid` for a field that is not a number.
    pub fn input(&self) -> Result<Limits> {
        let (mut wrong, message) = (Vec::new(), "Enter a whole number, or leave blank for the default.");
        let mut limit = |field, text| noted(&mut wrong, whole(text, field, message)).flatten();
        let limits = Limits {
            endpoints_max: limit("endpoints_max", &self.endpoints_max),
            events_per_s: limit("events_per_s", &self.events_per_s),
            retention_max_days: limit("retention_max_days", &self.retention_max_days),
        };
        if wrong.is_empty() { Ok(limits) } else { Err(Error::Invalid(wrong)) }
    }
}

impl Limits {
    /// Checks the bounds. Retention may be shorter than the installation's maximum, not longer.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(self, most_days: u32) -> Result<Self> {
        let bounds = [
            ("endpoints_max", self.endpoints_max, ENDPOINTS_ALLOWED_MAX, "a number"),
            ("events_per_s", self.events_per_s, EVENTS_PER_S, "a number"),
            ("retention_max_days", self.retention_max_days, most_days, "days"),
        ];
        let wrong = bounds.into_iter().filter(|(_, limit, most, _)| limit.is_some_and(|n| !(1..=*most).contains(&n)));
        let complaint = |(field, _, most, what)| {
            FieldError::new(field, format!("Enter {what} from 1 to {most}, or leave blank for the default."))
        };
        let complaints: Vec<_> = wrong.map(complaint).collect();
        if complaints.is_empty() { Ok(self) } else { Err(Error::Invalid(complaints)) }
    }

    /// The maximum number of endpoints that applies.
    #[must_use]
    pub fn endpoints(self) -> u32 {
        self.endpoints_max.unwrap_or(ENDPOINTS_MAX)
    }

    /// The maximum retention that applies, in days, within the installation's maximum.
    #[must_use]
    pub fn retention_days(self, most_days: u32) -> u32 {
        self.retention_max_days.map_or(most_days, |days| days.min(most_days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(error: &Error) -> Vec<&str> {
        error.fields().iter().map(|error| error.field.as_str()).collect()
    }

    #[test]
    fn a_new_account_lists_every_invalid_field() {
        let form = NewAccount { admin: "ana".into(), reference: "x".repeat(121), ..NewAccount::default() };
        assert_eq!(fields(&form.check().unwrap_err()), ["name", "reference", "admin"]);
        let form = NewAccount { name: " Acme ".into(), ..NewAccount::default() };
        assert_eq!(form.check(), Ok((("Acme".into(), None), None)));
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
    fn a_limit_is_within_its_bounds_or_blank() {
        let form =
            LimitsForm { endpoints_max: "0".into(), events_per_s: "50,001".into(), retention_max_days: "31".into() };
        assert_eq!(
            fields(&form.input().unwrap().check(30).unwrap_err()),
            ["endpoints_max", "events_per_s", "retention_max_days"]
        );
        let form = LimitsForm { events_per_s: "1,000".into(), ..LimitsForm::default() };
        let limits = form.input().unwrap().check(30).unwrap();
        assert_eq!((limits.endpoints(), limits.events_per_s, limits.retention_days(30)), (500, Some(1_000), 30));
        assert_eq!(LimitsForm::of(limits).input(), Ok(limits));
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
