//! The provider's staff and invitations to it.

use serde::{Deserialize, Serialize};

use crate::{
    account::{StaffRole, User},
    error::{Error, Result},
    id::UserId,
    member::{Invitation, MemberList},
    time::UnixMs,
};

/// A staff member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffMember {
    /// The user.
    pub user: User,
    /// Their role.
    pub role: StaffRole,
}

/// An invitation to the staff.
pub type StaffInvitation = Invitation<StaffRole>;

/// Staff and pending invitations.
pub type StaffList = MemberList<StaffMember, StaffRole>;

impl StaffList {
    /// The staff member with this id.
    ///
    /// # Errors
    /// `NotFound`
    pub fn member(&self, user: &UserId) -> Result<&StaffMember> {
        self.members.iter().find(|one| one.user.id == *user).ok_or_else(|| Error::NotFound("Staff member".into()))
    }
}

/// An invitation as shown to whoever opens its link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffInvitationDetails {
    /// The invited email address.
    pub email: String,
    /// The role it gives.
    pub role: StaffRole,
    /// Email address of the inviting user.
    pub invited_by: String,
    /// When it expires.
    pub expires: UnixMs,
    /// Whether a user with that address already exists.
    pub known: bool,
}
