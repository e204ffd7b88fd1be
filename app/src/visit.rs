//! What every page knows about the visit: who looks, at which account, by which clock.

use domain::UnixMs;
use domain::account::{Membership, User};
use domain::actor::Permission;
use domain::support::SupportSession;
use serde::{Deserialize, Serialize};

use crate::error::UiError;
use crate::flash::Flash;
use crate::zone::Zone;

/// Light or dark, where a person chose one; the system's otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Ink on paper.
    Light,
    /// The same by night.
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

/// One view of one page, signed in or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Path and query of the page.
    pub path: String,
    /// Name of the time zone.
    pub zone: String,
    /// The theme, where one was chosen.
    pub theme: Option<Theme>,
    /// The moment that all times on the page are measured from.
    pub now: UnixMs,
    /// What became of the form before this page; default when there was none.
    pub flash: Flash,
}

impl Visit {
    /// The zone that times are written in.
    #[must_use]
    pub fn zone(&self) -> Zone {
        Zone::or_utc(&self.zone)
    }
}

/// A view of one of an account's pages. Pages find it in their context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The view.
    pub visit: Visit,
    /// Who looks.
    pub user: User,
    /// The accounts they belong to, by name.
    pub memberships: Vec<Membership>,
    /// The account they look at, and their role there.
    pub here: Membership,
    /// The support session in which the provider's staff look; none for members of the account.
    pub support: Option<SupportSession>,
    /// Whether they are an operator too, and have pages outside of accounts.
    pub operates: bool,
    /// Whom the people of an account ask, where the operator has said; empty otherwise.
    pub contact: String,
}

impl Frame {
    /// The account's id as it stands in paths.
    #[must_use]
    pub fn acct(&self) -> &str {
        self.here.account.id.as_str()
    }

    /// Whether a control for this is shown. The engine decides again when it is used.
    #[must_use]
    pub const fn may(&self, permission: Permission) -> bool {
        self.here.may(permission)
    }

    /// For pages that are of no use without this, so that nobody fills in a form for nothing.
    ///
    /// # Errors
    /// `Forbidden` naming what is needed.
    pub fn need(&self, permission: Permission) -> Result<(), UiError> {
        match &self.here.account.suspended {
            _ if self.may(permission) => Ok(()),
            Some(suspension) if !permission.only_reads() => Err(domain::Error::Suspended(suspension.words()).into()),
            _ => Err(permission.refused_to_person().into()),
        }
    }

    /// What the person is here, in words.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        if self.support.is_some() { "provider support" } else { self.here.role.as_str() }
    }

    /// The moment that all times on the page are measured from.
    #[must_use]
    pub const fn now(&self) -> UnixMs {
        self.visit.now
    }
}

/// What a page says about an error besides the error itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageError {
    /// The error.
    pub error: UiError,
    /// The request's id, for those who ask the people who run this.
    pub request_id: Option<String>,
}
