//! The status of an endpoint: its state and its health in one word.

use crate::time::UnixMs;

use super::{EndpointState, EndpointSummary};

/// The status of an endpoint. Derived, so nothing stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointStatus {
    /// Its latest attempt succeeded.
    Healthy,
    /// Its latest attempts failed, but only recently.
    Degraded,
    /// It has been failing for a while.
    Failing,
    /// It was resumed, or its URL changed, and nothing has succeeded since.
    Unproven,
    /// Nothing has been sent to it.
    Idle,
    /// Paused.
    Paused,
    /// Disabled after days of failures.
    Disabled,
    /// Its account is suspended.
    Suspended,
    /// Deleted.
    Deleted,
}

impl EndpointStatus {
    /// The endpoint's current status.
    #[must_use]
    pub fn of(summary: &EndpointSummary, now: UnixMs) -> Self {
        let health = &summary.endpoint.health;
        match summary.endpoint.state {
            EndpointState::Deleted => Self::Deleted,
            _ if summary.suspended => Self::Suspended,
            EndpointState::Paused => Self::Paused,
            EndpointState::Disabled => Self::Disabled,
            EndpointState::Active if health.is_failing(now) => Self::Failing,
            EndpointState::Active if health.failures_in_row > 0 => Self::Degraded,
            EndpointState::Active if health.proven => Self::Healthy,
            EndpointState::Active if health.last_attempt_at.is_some() => Self::Unproven,
            EndpointState::Active => Self::Idle,
        }
    }

    /// The name in REST.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Unproven => "unproven",
            Self::Idle => "idle",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// Whether the latest failure still needs attention.
    #[must_use]
    pub const fn needs_attention(self) -> bool {
        matches!(self, Self::Degraded | Self::Failing | Self::Disabled)
    }

    /// Whether events have not been arriving for a while.
    #[must_use]
    pub const fn is_down(self) -> bool {
        matches!(self, Self::Failing | Self::Disabled)
    }
}
