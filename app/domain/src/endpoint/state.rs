//! Where an endpoint stands.

use serde::{Deserialize, Serialize};

/// Where an endpoint stands. `docs/states.md` draws the ways between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointState {
    /// Receives events.
    Active,
    /// Paused by a person, or because it answered 410: events are held.
    Paused,
    /// Disabled after days of failures: events are held.
    Disabled,
    /// Deleted; stays readable with its deliveries.
    Deleted,
}

impl EndpointState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::Paused, Self::Disabled, Self::Deleted];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Why an endpoint is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PauseReason {
    /// A person paused it.
    Person,
    /// It answered 410 Gone.
    Gone,
}
