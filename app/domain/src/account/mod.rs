//! Accounts, their members, and how people come in.

mod port;
mod role;
mod settings;
mod sign_up;

use serde::{Deserialize, Serialize};

pub use self::{
    port::Accounts,
    role::{Role, StaffRole},
    settings::{AccountForm, AccountSettings, BODIES_DAYS, RETENTION_MAX_DAYS, ROWS_DAYS},
    sign_up::{
        EMAIL_MAX_CHARS, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, SignUp, email_complaint, normal_email,
        password_complaint,
    },
};
use crate::{
    actor::Permission,
    id::{AccountId, UserId},
    time::UnixMs,
};

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
