//! Roles: of members in an account, and of the provider's staff.

use serde::{Deserialize, Serialize};

use crate::permission::Permission;

/// A member's role in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Read-only, without secrets.
    Viewer,
    /// Manages endpoints, sends tests, resends, reveals credentials.
    Developer,
    /// Everything, including members, tokens and rotation.
    Admin,
}

impl Role {
    /// All roles, least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Developer, Self::Admin];

    /// The name in REST and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Admin => "admin",
        }
    }

    /// The role with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether the role has the permission.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::ReadEvents | Permission::ReadEndpoints | Permission::ReadDeliveries => true,
            Permission::WriteEndpoints
            | Permission::WriteDeliveries
            | Permission::RevealCredentials
            | Permission::ReadConnectors => {
                matches!(self, Self::Developer | Self::Admin)
            }
            Permission::RotateCredentials
            | Permission::ManageTokens
            | Permission::ManageMembers
            | Permission::ManageAccount
            | Permission::ReadAudit
            | Permission::ManageConnectors => matches!(self, Self::Admin),
            Permission::WriteEvents | Permission::UseSupport | Permission::Ops => false,
        }
    }

    /// [`Self::may`], taking into account whether the account lets developers rotate credentials.
    #[must_use]
    pub const fn may_in(self, permission: Permission, developers_rotate: bool) -> bool {
        let rotates = matches!((self, permission), (Self::Developer, Permission::RotateCredentials));
        self.may(permission) || (developers_rotate && rotates)
    }
}

/// A role of the provider's staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StaffRole {
    /// Reads any account inside a support session.
    Support,
    /// Manages the installation.
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

    /// The role with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether the role has the permission outside any account.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        match self {
            Self::Support => matches!(permission, Permission::UseSupport),
            Self::Operator => matches!(permission, Permission::Ops),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_are_read_only_and_no_role_posts_events() {
        assert!(Role::Viewer.may(Permission::ReadDeliveries));
        assert!(!Role::Viewer.may(Permission::WriteEndpoints) && !Role::Viewer.may(Permission::RevealCredentials));
        assert!(Role::ALL.iter().all(|role| !role.may(Permission::WriteEvents)));
    }
}
