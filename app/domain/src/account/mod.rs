//! Accounts, their members, and signing in.

mod limits;
mod port;
mod settings;
mod sign_in;
mod sign_up;
mod sign_up_policy;
mod storage;

use serde::{Deserialize, Serialize};

pub use self::{
    limits::{AccountUsage, Limit, Limits, LimitsForm},
    port::Accounts,
    settings::{AccountForm, AccountInput, AccountSettings, BODIES_DAYS, RETENTION_MAX_DAYS, ROWS_DAYS},
    sign_in::{PasswordOutcome, PendingSignIn},
    sign_up::{
        EMAIL_MAX_CHARS, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, SIGN_UP_MS, SignUp, SignUpOutcome, email_complaint,
        normal_email, password_complaint,
    },
    sign_up_policy::{RequestOrigin, SignUpPolicy},
    storage::{MB, StorageLevel, hours_that_fit},
};
pub use crate::role::{Role, StaffRole};
use crate::{
    id::{AccountId, UserId},
    permission::{Permission, suspension_message},
    time::UnixMs,
};

/// A suspension by the provider: events are accepted and held, and the account is read-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Since when.
    pub since: UnixMs,
    /// Why, shown to the account's members.
    pub reason: String,
}

impl Suspension {
    /// The message for whoever tries to use the account.
    #[must_use]
    pub fn message(&self) -> String {
        suspension_message(&self.reason)
    }
}

/// A customer of the phone platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Id.
    pub id: AccountId,
    /// Display name.
    pub name: String,
    /// The platform's own unique reference. Platform tokens can use it instead of the id.
    pub reference: Option<String>,
    /// Settings chosen by its admins.
    pub settings: AccountSettings,
    /// Set while the provider has suspended it.
    pub suspended: Option<Suspension>,
    /// Limits set by the operator.
    pub limits: Limits,
}

impl Account {
    /// A new account with default settings and no limits of its own.
    #[must_use]
    pub fn new(id: AccountId, name: String, reference: Option<String>) -> Self {
        let (settings, limits) = (AccountSettings::default(), Limits::default());
        Self { id, name, reference, settings, suspended: None, limits }
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Display name; may be empty.
    pub name: String,
    /// Email address they sign in with, in lower case.
    pub email: String,
}

/// A user's membership of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The account.
    pub account: Account,
    /// The user's role in it.
    pub role: Role,
}

impl Membership {
    /// Whether the user has this permission there. A suspended account is read-only for everyone.
    #[must_use]
    pub const fn may(&self, permission: Permission) -> bool {
        let awake = self.account.suspended.is_none() || permission.is_read_only();
        awake && self.role.may_in(permission, self.account.settings.developers_rotate)
    }
}
