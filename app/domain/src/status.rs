//! The status of a delivery.

use serde::{Deserialize, Serialize};

/// The status of a delivery. `docs/states.md` draws the transitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The endpoint responded with a 2xx.
    Delivered,
    /// An attempt is in progress.
    Sending,
    /// An attempt failed; the next one is scheduled.
    Retrying,
    /// Ended without success.
    Failed,
    /// Waiting because its endpoint is paused or disabled, or its account suspended.
    Held,
    /// Accepted, not attempted yet.
    Queued,
    /// Ended because the event was out of date.
    Expired,
    /// Cancelled by a user.
    Cancelled,
}

impl Status {
    /// All statuses, in the order of legends.
    pub const ALL: [Self; 8] = [
        Self::Delivered,
        Self::Sending,
        Self::Retrying,
        Self::Failed,
        Self::Held,
        Self::Queued,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The name in REST and in URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Sending => "sending",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The label for display.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Delivered => "Delivered",
            Self::Sending => "Sending",
            Self::Retrying => "Retrying",
            Self::Failed => "Failed",
            Self::Held => "Held",
            Self::Queued => "Queued",
            Self::Expired => "Expired",
            Self::Cancelled => "Cancelled",
        }
    }

    /// The status with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether the status is final unless the delivery is resent.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Expired | Self::Cancelled)
    }
}
