//! Permissions: what an actor can be allowed to do.

use serde::{Deserialize, Serialize};

/// A permission. Roles and scopes say who has it: `Role::may`, `Scope::grants` and `StaffRole::may`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// Post events.
    WriteEvents,
    /// Read events and calls.
    ReadEvents,
    /// Read endpoints, without their credentials.
    ReadEndpoints,
    /// Create, change, pause, resume, test and delete endpoints; use the test line.
    WriteEndpoints,
    /// Read deliveries and attempts.
    ReadDeliveries,
    /// Resend and cancel deliveries.
    WriteDeliveries,
    /// Reveal an auth token or signing secret.
    RevealCredentials,
    /// Rotate auth tokens and signing secrets.
    RotateCredentials,
    /// Create, rotate and revoke API tokens.
    ManageTokens,
    /// Invite, change and remove members.
    ManageMembers,
    /// Change the account's settings.
    ManageAccount,
    /// Read the audit log.
    ReadAudit,
    /// Read connectors: their settings, state, gaps and routes.
    ReadConnectors,
    /// Create, change, pause and delete connectors, rotate their secrets, and report their state.
    ManageConnectors,
    /// Read customers' accounts in support sessions.
    UseSupport,
    /// Manage the installation: accounts, platform tokens, staff, policies.
    Ops,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 16] = [
        Self::WriteEvents,
        Self::ReadEvents,
        Self::ReadEndpoints,
        Self::WriteEndpoints,
        Self::ReadDeliveries,
        Self::WriteDeliveries,
        Self::RevealCredentials,
        Self::RotateCredentials,
        Self::ManageTokens,
        Self::ManageMembers,
        Self::ManageAccount,
        Self::ReadAudit,
        Self::ReadConnectors,
        Self::ManageConnectors,
        Self::UseSupport,
        Self::Ops,
    ];

    /// Whether the permission only reads, and so remains in a suspended account.
    #[must_use]
    pub const fn is_read_only(self) -> bool {
        matches!(
            self,
            Self::ReadEvents | Self::ReadEndpoints | Self::ReadDeliveries | Self::ReadAudit | Self::ReadConnectors
        )
    }
}

/// The message for whoever tries to use an account that is suspended for this reason.
#[must_use]
pub fn suspension_message(reason: &str) -> String {
    let stop = if reason.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("This account is suspended: {reason}{stop} Ask your provider.")
}
