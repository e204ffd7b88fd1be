//! Order within a call, and when a failing delivery gives it up.

use serde::{Deserialize, Serialize};

use crate::time::MINUTE_MS;

/// How long later events of a call wait for one that fails, from its first failed attempt, in milliseconds.
pub const ORDER_PATIENCE_MS: i64 = 2 * MINUTE_MS;

/// Why later events of its call no longer wait for a delivery that is still being retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderGivenUp {
    /// The server rejected it, so it is unlikely to accept it soon.
    Rejected,
    /// It did not succeed within [`ORDER_PATIENCE_MS`].
    NoSuccess,
}

impl OrderGivenUp {
    /// All reasons.
    pub const ALL: [Self; 2] = [Self::Rejected, Self::NoSuccess];

    /// The name in REST and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::NoSuccess => "no_success",
        }
    }

    /// The reason with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// The sentence on the delivery's page.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Rejected => {
                "Later events of this call don't wait for this one, because your server rejected it. They may arrive first."
            }
            Self::NoSuccess => {
                "Later events of this call don't wait for this one, because it didn't succeed within 2 minutes. They may \
                 arrive first."
            }
        }
    }
}

/// Whether a status means that the same request would be rejected again: 4xx, except 408 (timeout), 425 (too early) and
/// 429 (too many requests), which ask for a retry (RFC 9110, RFC 8470, RFC 6585).
#[must_use]
pub const fn is_rejection(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 408 | 425 | 429)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_definite_4xx_is_a_rejection() {
        for rejected in [400, 401, 403, 404, 409, 410, 422, 499] {
            assert!(is_rejection(rejected), "{rejected}");
        }
        for other in [200, 302, 399, 408, 425, 429, 500, 503] {
            assert!(!is_rejection(other), "{other}");
        }
    }

    #[test]
    fn every_reason_is_parsed_as_it_is_stored() {
        assert!(OrderGivenUp::ALL.iter().all(|reason| OrderGivenUp::parse(reason.as_str()) == Some(*reason)));
    }
}
