//! The state of an endpoint.

use serde::{Deserialize, Serialize};

/// The state of an endpoint. `docs/states.md` draws the transitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointState {
    /// Receives events.
    Active,
    /// Paused by a user, or because it returned 410. Its events are held.
    Paused,
    /// Disabled after days of failures. Its events are held.
    Disabled,
    /// Deleted; remains readable with its deliveries.
    Deleted,
}

impl EndpointState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Active, Self::Paused, Self::Disabled, Self::Deleted];

    /// The name in REST and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }

    /// The state with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Why an endpoint is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PauseReason {
    /// A user paused it.
    Person,
    /// It returned 410 Gone.
    Gone,
}
