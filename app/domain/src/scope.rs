//! Scopes: what an API token may do.

use serde::{Deserialize, Serialize};

use crate::permission::Permission;

/// What an API token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Post events.
    #[serde(rename = "events:write")]
    EventsWrite,
    /// Read events.
    #[serde(rename = "events:read")]
    EventsRead,
    /// Change endpoints.
    #[serde(rename = "endpoints:write")]
    EndpointsWrite,
    /// Read endpoints.
    #[serde(rename = "endpoints:read")]
    EndpointsRead,
    /// Resend deliveries.
    #[serde(rename = "deliveries:write")]
    DeliveriesWrite,
    /// Read deliveries and attempts.
    #[serde(rename = "deliveries:read")]
    DeliveriesRead,
    /// Rotate auth tokens and signing secrets.
    #[serde(rename = "credentials:write")]
    CredentialsWrite,
    /// Create, rotate and revoke API tokens.
    #[serde(rename = "tokens:write")]
    TokensWrite,
    /// Read the audit log.
    #[serde(rename = "audit:read")]
    AuditRead,
    /// Read connectors.
    #[serde(rename = "connectors:read")]
    ConnectorsRead,
    /// Manage connectors, and report their state.
    #[serde(rename = "connectors:write")]
    ConnectorsWrite,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 11] = [
        Self::EventsWrite,
        Self::EventsRead,
        Self::EndpointsWrite,
        Self::EndpointsRead,
        Self::DeliveriesWrite,
        Self::DeliveriesRead,
        Self::CredentialsWrite,
        Self::TokensWrite,
        Self::AuditRead,
        Self::ConnectorsRead,
        Self::ConnectorsWrite,
    ];

    /// The name in REST and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventsWrite => "events:write",
            Self::EventsRead => "events:read",
            Self::EndpointsWrite => "endpoints:write",
            Self::EndpointsRead => "endpoints:read",
            Self::DeliveriesWrite => "deliveries:write",
            Self::DeliveriesRead => "deliveries:read",
            Self::CredentialsWrite => "credentials:write",
            Self::TokensWrite => "tokens:write",
            Self::AuditRead => "audit:read",
            Self::ConnectorsRead => "connectors:read",
            Self::ConnectorsWrite => "connectors:write",
        }
    }

    /// The scope with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// Those that a token of the platform may have.
    pub const PLATFORM: [Self; 3] = [Self::EventsWrite, Self::ConnectorsRead, Self::ConnectorsWrite];

    /// Whether the scope includes the permission. Write scopes don't imply read access.
    #[must_use]
    pub const fn grants(self, permission: Permission) -> bool {
        matches!(
            (self, permission),
            (Self::EventsWrite, Permission::WriteEvents)
                | (Self::EventsRead, Permission::ReadEvents)
                | (Self::EndpointsWrite, Permission::WriteEndpoints)
                | (Self::EndpointsRead, Permission::ReadEndpoints)
                | (Self::DeliveriesWrite, Permission::WriteDeliveries)
                | (Self::DeliveriesRead, Permission::ReadDeliveries)
                | (Self::CredentialsWrite, Permission::RotateCredentials)
                | (Self::TokensWrite, Permission::ManageTokens)
                | (Self::AuditRead, Permission::ReadAudit)
                | (Self::ConnectorsRead, Permission::ReadConnectors)
                | (Self::ConnectorsWrite, Permission::ManageConnectors)
        )
    }
}

impl Scope {
    /// A one-line description for display.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::EventsWrite => "Post events",
            Self::EventsRead => "Read events and calls",
            Self::EndpointsWrite => "Create, change, pause, test and delete endpoints",
            Self::EndpointsRead => "Read endpoints, without their credentials",
            Self::DeliveriesWrite => "Resend and recover deliveries",
            Self::DeliveriesRead => "Read deliveries and attempts",
            Self::CredentialsWrite => "Rotate auth tokens and signing secrets",
            Self::TokensWrite => "Create, rotate and revoke API tokens, with at most its own scopes",
            Self::AuditRead => "Read the audit log",
            Self::ConnectorsRead => "Read connectors, their state and gaps",
            Self::ConnectorsWrite => "Create, change and delete connectors, and report their state and gaps",
        }
    }
}
