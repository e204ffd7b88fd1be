//! Accounts, their members, and how people come in.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    actor::{Actor, Permission},
    error::{Error, FieldError, Result},
    id::{AccountId, UserId},
    second_factor::FirstStep,
    time::UnixMs,
};

/// Shortest password in characters.
pub const PASSWORD_MIN_CHARS: usize = 12;
/// Longest password in characters; argon2 would take more, a form should not.
pub const PASSWORD_MAX_CHARS: usize = 256;
/// Longest name of an account, person or endpoint, in characters.
pub const NAME_MAX_CHARS: usize = 120;
/// Longest e-mail address in characters (RFC 5321 section 4.5.3.1).
pub const EMAIL_MAX_CHARS: usize = 254;

/// What a person may do in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads; sees no secrets and changes nothing.
    Viewer,
    /// Endpoints, tests, resends; reveals credentials.
    Developer,
    /// All of it, and members, tokens and rotation.
    Admin,
}

impl Role {
    /// All roles, least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Developer, Self::Admin];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The table of who may do what.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::ReadEvents | Permission::ReadEndpoints | Permission::ReadDeliveries => true,
            Permission::WriteEndpoints | Permission::WriteDeliveries | Permission::RevealCredentials => {
                matches!(self, Self::Developer | Self::Admin)
            }
            Permission::RotateCredentials
            | Permission::ManageTokens
            | Permission::ManageMembers
            | Permission::ManageAccount
            | Permission::ReadAudit => matches!(self, Self::Admin),
            Permission::WriteEvents | Permission::UseSupport | Permission::Operate => false,
        }
    }

    /// [`Self::may`], in an account that may let its developers rotate credentials.
    #[must_use]
    pub const fn may_in(self, permission: Permission, developers_rotate: bool) -> bool {
        let rotates = matches!((self, permission), (Self::Developer, Permission::RotateCredentials));
        self.may(permission) || (developers_rotate && rotates)
    }
}

/// Provider staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StaffRole {
    /// Reads any account inside a support session.
    Support,
    /// Runs the installation.
    Operator,
}

impl StaffRole {
    /// All roles, least first.
    pub const ALL: [Self; 2] = [Self::Support, Self::Operator];

    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::Operator => "operator",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What staff may do outside of any account.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        match self {
            Self::Support => matches!(permission, Permission::UseSupport),
            Self::Operator => matches!(permission, Permission::Operate),
        }
    }
}

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

/// Days that payloads and answers are kept, unless the account says otherwise.
pub const BODIES_DAYS: u32 = 30;
/// Days that events, deliveries and attempts are kept, unless the account says otherwise.
pub const ROWS_DAYS: u32 = 90;
/// Most days that an account may choose, unless the operator says otherwise.
pub const RETENTION_MAX_DAYS: u32 = 365;

impl Default for AccountSettings {
    fn default() -> Self {
        Self { developers_rotate: false, support_access: true, bodies_days: BODIES_DAYS, rows_days: ROWS_DAYS }
    }
}

/// An account that its provider has put to rest: events are taken in and held, and nothing in it can be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Since when.
    pub since: UnixMs,
    /// Why, in words for the account's people.
    pub reason: String,
}

impl Suspension {
    /// What whoever wants something of the account is told.
    #[must_use]
    pub fn words(&self) -> String {
        suspended_words(&self.reason)
    }
}

/// The same where only the reason is known.
#[must_use]
pub fn suspended_words(reason: &str) -> String {
    let stop = if reason.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("This account is suspended: {reason}{stop} Ask your provider.")
}

/// What the operator allows an account, where it differs from what all accounts may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most endpoints.
    pub endpoints_max: Option<u32>,
    /// Most events per second that its API tokens may post, all of them together.
    pub events_per_s: Option<u32>,
    /// Most days that it may keep what belongs to it.
    pub retention_max_days: Option<u32>,
}

/// A customer of the phone platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Id.
    pub id: AccountId,
    /// Name for people.
    pub name: String,
    /// The platform's own reference, unique; what a platform token may name instead of the id.
    pub reference: Option<String>,
    /// What its admins decided.
    pub settings: AccountSettings,
    /// Since when and why the provider has suspended it.
    pub suspended: Option<Suspension>,
    /// What the operator allows it.
    pub limits: Limits,
}

impl Account {
    /// A new account.
    #[must_use]
    pub fn new(id: AccountId, name: String, reference: Option<String>) -> Self {
        let (settings, limits) = (AccountSettings::default(), Limits::default());
        Self { id, name, reference, settings, suspended: None, limits }
    }
}

/// A signed-in person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Name for people; may be empty.
    pub name: String,
    /// Address they sign in with, in lower case.
    pub email: String,
}

/// A person's place in one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The account.
    pub account: Account,
    /// The role there.
    pub role: Role,
}

impl Membership {
    /// Whether the person may do this there. In an account that is suspended everybody only reads.
    #[must_use]
    pub const fn may(&self, permission: Permission) -> bool {
        let awake = self.account.suspended.is_none() || permission.only_reads();
        awake && self.role.may_in(permission, self.account.settings.developers_rotate)
    }
}

/// What the sign-up form holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUp {
    /// The person's name.
    #[serde(default)]
    pub name: String,
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Password as typed.
    #[serde(default)]
    pub password: String,
    /// Name of the new account.
    #[serde(default)]
    pub account: String,
}

impl SignUp {
    /// The same with white space trimmed and the address in lower case.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be accepted.
    pub fn check(self) -> Result<Self> {
        let name = self.name.trim().to_owned();
        let email = normal_email(&self.email);
        let account = self.account.trim().to_owned();
        let complaints = [
            (name.chars().count() > NAME_MAX_CHARS)
                .then(|| FieldError::new("name", "A name has at most 120 characters.")),
            email_complaint(&email),
            password_complaint("password", &self.password),
            account_complaint(&account),
        ];
        let errors: Vec<_> = complaints.into_iter().flatten().collect();
        if errors.is_empty() {
            Ok(Self { name, email, password: self.password, account })
        } else {
            Err(Error::Invalid(errors))
        }
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
    /// The form's settings beside those there are. Bodies never stay longer than what they belong to.
    ///
    /// # Errors
    /// `Invalid` per field: days past what the operator allows.
    pub fn settings(&self, before: AccountSettings, most_days: u32) -> Result<AccountSettings> {
        let mut errors = Vec::new();
        let mut days = |field: &str, text: &str, before: u32| match text.trim() {
            "" => before,
            text => text.parse().ok().filter(|days| (1..=most_days).contains(days)).unwrap_or_else(|| {
                errors.push(FieldError::new(field, format!("Choose 1 to {most_days} days.")));
                before
            }),
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

/// An e-mail address as it is stored and compared.
#[must_use]
pub fn normal_email(text: &str) -> String {
    text.trim().to_lowercase()
}

/// What is wrong with an e-mail address. Only its outline is checked; mail proves the rest.
#[must_use]
pub fn email_complaint(email: &str) -> Option<FieldError> {
    let outline = email.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@')
    });
    let fits = outline && email.len() <= EMAIL_MAX_CHARS && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    (!fits).then(|| FieldError::new("email", "Enter an e-mail address such as ana@acme.example."))
}

/// What is wrong with a new password.
#[must_use]
pub fn password_complaint(field: &str, password: &str) -> Option<FieldError> {
    let chars = password.chars().count();
    let message = if chars < PASSWORD_MIN_CHARS {
        "Use at least 12 characters. A few words in a row are easy to remember."
    } else if chars > PASSWORD_MAX_CHARS {
        "Use at most 256 characters."
    } else if password.chars().skip(1).zip(password.chars()).all(|(a, b)| a == b) {
        "One character over and over is easy to guess. Use a few words in a row."
    } else {
        return None;
    };
    Some(FieldError::new(field, message))
}

fn account_complaint(name: &str) -> Option<FieldError> {
    match name.chars().count() {
        0 => Some(FieldError::new("account", "Name the account: your company or team.")),
        1..=NAME_MAX_CHARS => None,
        _ => Some(FieldError::new("account", "An account's name has at most 120 characters.")),
    }
}

/// Accounts and people: the part of the port that lets people in.
#[async_trait]
pub trait Accounts {
    /// Creates a person, their account, and makes them its admin.
    ///
    /// # Errors
    /// `Forbidden` when sign-up is closed, `Invalid` per field (also for a taken address).
    async fn sign_up(&self, form: SignUp) -> Result<(User, Account)>;
    /// The person with this address and password, or the question for their second factor. Takes as long for an unknown address as for a wrong password.
    ///
    /// # Errors
    /// `Unauthenticated` with one neutral sentence, `TooMany` after too many failures of this address or client.
    async fn sign_in(&self, email: &str, password: &str, client_ip: &str) -> Result<FirstStep>;
    /// A signed-in person and the accounts they belong to, by account name.
    ///
    /// # Errors
    /// `Unauthenticated` when the person is gone.
    async fn memberships(&self, user: &UserId) -> Result<(User, Vec<Membership>)>;
    /// The person as an actor in this account.
    ///
    /// # Errors
    /// `NotFound` when they do not belong to it.
    async fn actor(&self, user: &UserId, account: &AccountId) -> Result<Actor>;
    /// The person as one of the provider's staff, outside of any account.
    ///
    /// # Errors
    /// `NotFound` for everybody else: for them there is no such page.
    async fn staff(&self, user: &UserId) -> Result<Actor>;
    /// The account that the actor works in.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not manage it.
    async fn account_settings(&self, actor: &Actor) -> Result<Account>;
    /// Changes its name and settings. Without support access, support sessions that run there end.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not manage it, `Invalid` for the name.
    async fn change_account(&self, actor: &Actor, form: &AccountForm) -> Result<Account>;
    /// Whether anybody may sign up.
    fn sign_up_open(&self) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_up_names_every_field_that_is_wrong() {
        let form = SignUp { email: "ana".into(), password: "short".into(), ..SignUp::default() };
        let fields: Vec<_> = form.check().unwrap_err().fields().iter().map(|e| e.field.clone()).collect();
        assert_eq!(fields, ["email", "password", "account"]);
    }

    #[test]
    fn an_address_is_compared_in_lower_case_without_space() {
        let form = SignUp {
            email: " Ana@Acme.Example ".into(),
            password: "correct horse battery".into(),
            account: "Acme".into(),
            ..SignUp::default()
        };
        assert_eq!(form.check().unwrap().email, "ana@acme.example");
    }

    #[test]
    fn a_viewer_changes_nothing_and_no_person_posts_events() {
        assert!(Role::Viewer.may(Permission::ReadDeliveries));
        assert!(!Role::Viewer.may(Permission::WriteEndpoints) && !Role::Viewer.may(Permission::RevealCredentials));
        assert!(Role::ALL.iter().all(|role| !role.may(Permission::WriteEvents)));
    }
}
