//! The provider's staff and those who are invited to it.

use serde::{Deserialize, Serialize};

use crate::{
    account::{StaffRole, User},
    error::{Error, Result},
    id::UserId,
    member::{Invitation, Roster},
    time::UnixMs,
};

/// One of the staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffMember {
    /// The person.
    pub user: User,
    /// What they are.
    pub role: StaffRole,
}

/// An invitation to the staff.
pub type StaffInvitation = Invitation<StaffRole>;

/// Staff and open invitations.
pub type StaffRoster = Roster<StaffMember, StaffRole>;

impl StaffRoster {
    /// The one with this id.
    ///
    /// # Errors
    /// `NotFound`
    pub fn member(&self, user: &UserId) -> Result<&StaffMember> {
        self.members.iter().find(|one| one.user.id == *user).ok_or_else(|| Error::NotFound("Staff".into()))
    }
}

/// What whoever holds an invitation's link is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffInvited {
    /// The address it went to.
    pub email: String,
    /// The role it gives.
    pub role: StaffRole,
    /// Address of whoever invited.
    pub invited_by: String,
    /// Until when it can be accepted.
    pub expires: UnixMs,
    /// Whether somebody signs in with that address already.
    pub known: bool,
}
