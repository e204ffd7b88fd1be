//! What every page knows about the request: the user, the account, the time zone.

use domain::UnixMs;
use domain::account::{Membership, User};
use domain::actor::Permission;
use domain::support::SupportSession;
use serde::{Deserialize, Serialize};

use crate::error::UiError;
use crate::flash::Flash;
use crate::zone::Zone;

/// The theme a user has chosen; otherwise the system's theme applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The name in the cookie and in `data-theme`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == name)
    }
}

/// A request for a page, signed in or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Path and query.
    pub path: String,
    /// Name of the time zone.
    pub zone: String,
    /// The chosen theme.
    pub theme: Option<Theme>,
    /// The reference for all relative times on the page.
    pub now: UnixMs,
    /// The outcome of the previous form; default if there was none.
    pub flash: Flash,
}

impl Visit {
    /// The reader's time zone.
    #[must_use]
    pub fn zone(&self) -> Zone {
        Zone::or_utc(&self.zone)
    }
}

/// A request for a page of an account. Pages find it in their context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The request.
    pub visit: Visit,
    /// The signed-in user.
    pub user: User,
    /// Their accounts, sorted by name.
    pub memberships: Vec<Membership>,
    /// The current account, and their role in it.
    pub here: Membership,
    /// The support session; none for members of the account.
    pub support: Option<SupportSession>,
    /// Whether they are an operator as well.
    pub operates: bool,
    /// Support contact; empty if the operator has not set one.
    pub contact: String,
}

impl Frame {
    /// The account ID used in paths.
    #[must_use]
    pub fn acct(&self) -> &str {
        self.here.account.id.as_str()
    }

    /// Whether to show controls for this. The backend checks again when they are used.
    #[must_use]
    pub const fn may(&self, permission: Permission) -> bool {
        self.here.may(permission)
    }

    /// Refuses a page whose form could not be submitted.
    ///
    /// # Errors
    /// `Forbidden`, naming the roles that may.
    pub fn need(&self, permission: Permission) -> Result<(), UiError> {
        match &self.here.account.suspended {
            _ if self.may(permission) => Ok(()),
            Some(suspension) if !permission.is_read_only() => {
                Err(domain::Error::Suspended(suspension.message()).into())
            }
            _ => Err(domain::actor::refused_to_user(permission).into()),
        }
    }

    /// The user's role in words.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        if self.support.is_some() { "provider support" } else { self.here.role.as_str() }
    }

    /// The reference for all relative times on the page.
    #[must_use]
    pub const fn now(&self) -> UnixMs {
        self.visit.now
    }
}

/// An error as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageError {
    /// The error.
    pub error: UiError,
    /// The request ID, for questions to support.
    pub request_id: Option<String>,
    /// Whether the server accepts and sends events.
    pub ready: bool,
}
