//! Accounts as the operator sees them, and the forms that open, rename, suspend and limit them.

use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, Limits, email_complaint, normal_email},
    endpoint::ENDPOINTS_MAX,
    error::{Error, FieldError, Result},
    id::AccountId,
    name,
    query::{Writer, pairs},
    time::UnixMs,
};

/// Longest reference in characters.
pub const REFERENCE_MAX_CHARS: usize = 120;
/// Shortest reason of a suspension in characters: the account's people read it.
pub const REASON_MIN_CHARS: usize = 4;
/// Longest reason in characters.
pub const REASON_MAX_CHARS: usize = 300;
/// Most endpoints that an operator may allow one account.
pub const ENDPOINTS_ALLOWED_MAX: u32 = 5_000;
/// Most events per second that the tokens of an account may post; also what holds without a limit, for each token.
pub const EVENTS_PER_S: u32 = 50_000;

/// Which accounts to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Part of the name, the whole reference, or the id.
    pub text: Option<String>,
    /// Where the page begins, from the page before.
    pub cursor: Option<String>,
    /// How many rows; see [`crate::query::page_size`].
    pub limit: u32,
}

impl AccountFilter {
    /// Reads a query string. What it does not understand is left out.
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

    /// The query string that reads back as this filter.
    #[must_use]
    pub fn to_query(&self) -> String {
        Writer::default()
            .with("q", self.text.as_deref().unwrap_or_default())
            .page(self.cursor.as_deref(), self.limit)
            .finish()
    }
}

/// An account in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// The account.
    pub account: Account,
    /// When it was created.
    pub created_at: UnixMs,
    /// Endpoints it has.
    pub endpoints: u64,
    /// Attempts of the last 24 hours that were answered with 2xx.
    pub delivered_24h: u64,
    /// Attempts of the last 24 hours that failed, and deliveries that ended as failed.
    pub failed_24h: u64,
}

/// One page of accounts, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountsPage {
    /// The accounts.
    pub rows: Vec<AccountRow>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCard {
    /// As the list has it.
    pub row: AccountRow,
    /// People who belong to it.
    pub members: u64,
    /// Most days that any account may keep what belongs to it.
    pub retention_max_days: u32,
}

/// A name and the platform's reference, as they are stored.
pub type Named = (String, Option<String>);

/// What the form holds that opens an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// The platform's own reference; may be empty.
    #[serde(default)]
    pub reference: String,
    /// Address of the first admin; may be empty.
    #[serde(default)]
    pub admin: String,
}

impl NewAccount {
    /// Name and reference, and the address of the first admin.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be accepted.
    pub fn check(&self) -> Result<(Named, Option<String>)> {
        let admin = Some(normal_email(&self.admin)).filter(|email| !email.is_empty());
        let naming = Naming { name: self.name.clone(), reference: self.reference.clone() }.check();
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

/// What the form holds that renames an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Naming {
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// The platform's own reference; may be empty.
    #[serde(default)]
    pub reference: String,
}

impl Naming {
    /// Name and reference as they are stored.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be accepted.
    pub fn check(&self) -> Result<Named> {
        match (name::checked("name", &self.name), checked_reference(&self.reference)) {
            (Ok(name), Ok(reference)) => Ok((name, reference)),
            (name, reference) => Err(Error::Invalid(name.err().into_iter().chain(reference.err()).collect())),
        }
    }
}

/// What a platform calls an account stands where its id may stand too, so that neither may look like the other.
fn checked_reference(reference: &str) -> std::result::Result<Option<String>, FieldError> {
    let reference = reference.trim();
    if reference.chars().count() > REFERENCE_MAX_CHARS || reference.chars().any(char::is_control) {
        return Err(FieldError::new(
            "reference",
            "A reference has at most 120 characters, none of them a control character.",
        ));
    }
    if reference.starts_with(AccountId::PREFIX) {
        return Err(FieldError::new("reference", "A reference does not begin with acct_, as the ids of accounts do."));
    }
    Ok(Some(reference.to_owned()).filter(|text| !text.is_empty()))
}

/// The reason of a suspension as it is stored.
///
/// # Errors
/// `Invalid`
pub fn checked_reason(reason: &str) -> Result<String> {
    let reason = reason.trim();
    if (REASON_MIN_CHARS..=REASON_MAX_CHARS).contains(&reason.chars().count()) {
        return Ok(reason.to_owned());
    }
    Err(Error::invalid("reason", "Give the reason in 4 to 300 characters. The account’s people read it."))
}

/// What the form for limits holds; an empty field means no limit of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsForm {
    /// Most endpoints.
    #[serde(default)]
    pub endpoints_max: String,
    /// Most events per second by its tokens.
    #[serde(default)]
    pub events_per_s: String,
    /// Most days that it may keep what belongs to it.
    #[serde(default)]
    pub retention_max_days: String,
}

impl LimitsForm {
    /// The form as it is filled in for these limits.
    #[must_use]
    pub fn of(limits: Limits) -> Self {
        let text = |limit: Option<u32>| limit.map(|n| n.to_string()).unwrap_or_default();
        Self {
            endpoints_max: text(limits.endpoints_max),
            events_per_s: text(limits.events_per_s),
            retention_max_days: text(limits.retention_max_days),
        }
    }

    /// The limits. Retention may be shorter than the installation's bound, not longer.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be accepted.
    pub fn check(&self, most_days: u32) -> Result<Limits> {
        let mut complaints = Vec::new();
        let mut limit = |field: &str, text: &str, most: u32, what: &str| {
            let text = text.trim().replace([',', ' '], "");
            if text.is_empty() {
                return None;
            }
            let number = text.parse().ok().filter(|n| (1..=most).contains(n));
            if number.is_none() {
                let words = format!("Give {what} from 1 to {most}, or nothing for what all accounts have.");
                complaints.push(FieldError::new(field, words));
            }
            number
        };
        let limits = Limits {
            endpoints_max: limit("endpoints_max", &self.endpoints_max, ENDPOINTS_ALLOWED_MAX, "a number"),
            events_per_s: limit("events_per_s", &self.events_per_s, EVENTS_PER_S, "a number"),
            retention_max_days: limit("retention_max_days", &self.retention_max_days, most_days, "days"),
        };
        if complaints.is_empty() { Ok(limits) } else { Err(Error::Invalid(complaints)) }
    }
}

impl Limits {
    /// Most endpoints of the account.
    #[must_use]
    pub fn endpoints(self) -> u32 {
        self.endpoints_max.unwrap_or(ENDPOINTS_MAX)
    }

    /// Most days that the account may keep what belongs to it, within the installation's bound.
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
    fn a_new_account_names_every_field_that_is_wrong() {
        let form = NewAccount { admin: "ana".into(), reference: "x".repeat(121), ..NewAccount::default() };
        assert_eq!(fields(&form.check().unwrap_err()), ["name", "reference", "admin"]);
        let form = NewAccount { name: " Acme ".into(), ..NewAccount::default() };
        assert_eq!(form.check(), Ok((("Acme".into(), None), None)));
    }

    #[test]
    fn a_reference_cannot_pass_for_an_accounts_id() {
        let of = |reference: &str| Naming { name: "Acme".into(), reference: reference.into() }.check();
        for wrong in ["acct_01kb4qz1a2b3c4d5e6f7g8h9jk", " acct_", "a\u{0}b"] {
            assert_eq!(fields(&of(wrong).unwrap_err()), ["reference"], "{wrong:?}");
        }
        assert_eq!(of(" customer-7 ").unwrap().1.as_deref(), Some("customer-7"));
    }

    #[test]
    fn a_limit_is_within_its_bound_or_left_out() {
        let form =
            LimitsForm { endpoints_max: "0".into(), events_per_s: "50,001".into(), retention_max_days: "31".into() };
        assert_eq!(fields(&form.check(30).unwrap_err()), ["endpoints_max", "events_per_s", "retention_max_days"]);
        let form = LimitsForm { events_per_s: "1,000".into(), ..LimitsForm::default() };
        let limits = form.check(30).unwrap();
        assert_eq!((limits.endpoints(), limits.events_per_s, limits.retention_days(30)), (500, Some(1_000), 30));
        assert_eq!(LimitsForm::of(limits).check(30), Ok(limits));
    }

    #[test]
    fn a_suspension_has_a_reason() {
        assert_eq!(fields(&checked_reason(" no ").unwrap_err()), ["reason"]);
        assert_eq!(checked_reason(" Unpaid since May ").unwrap(), "Unpaid since May");
    }

    #[test]
    fn a_filter_reads_back_as_it_was_written() {
        let filter = AccountFilter::parse("?q=acme+ltd&cursor=acct_1&limit=20");
        assert_eq!(AccountFilter::parse(&filter.to_query()), filter);
    }
}
