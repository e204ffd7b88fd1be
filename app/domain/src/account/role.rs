//! What people may do: roles in an account, and in the provider's staff.

use serde::{Deserialize, Serialize};

use crate::actor::Permission;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_changes_nothing_and_no_person_posts_events() {
        assert!(Role::Viewer.may(Permission::ReadDeliveries));
        assert!(!Role::Viewer.may(Permission::WriteEndpoints) && !Role::Viewer.may(Permission::RevealCredentials));
        assert!(Role::ALL.iter().all(|role| !role.may(Permission::WriteEvents)));
    }
}
