//! The result of a password at sign-in.

use serde::{Deserialize, Serialize};

use super::User;
use crate::{id::UserId, time::UnixMs};

/// A sign-in with a correct password that still needs a code. It is kept in the session and grants nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignIn {
    /// The user.
    pub user: UserId,
    /// When it expires.
    pub until: UnixMs,
    /// Hash of the stored password hash, so that a changed password invalidates it.
    pub mark: String,
}

/// The result of a correct password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordOutcome {
    /// The user is signed in.
    SignedIn(User),
    /// A code is required.
    NeedsSecondFactor(PendingSignIn),
}

impl PasswordOutcome {
    /// The user, if the password was enough.
    #[must_use]
    pub fn enough(self) -> Option<User> {
        if let Self::SignedIn(user) = self { Some(user) } else { None }
    }

    /// The pending sign-in, if a code is required.
    #[must_use]
    pub fn half(self) -> Option<PendingSignIn> {
        if let Self::NeedsSecondFactor(pending) = self { Some(pending) } else { None }
    }
}
