//! The endpoints that had calls, so that an administrator can choose the trunks among them.

use std::collections::BTreeSet;

use domain::connector::{SEEN_MAX, TRUNK_MAX_CHARS};

use crate::call::{Kind, Settings};

/// Channels without one to the outside, after which the names of the trunks are probably wrong.
const ALL_INSIDE_MIN: u32 = 6;

/// The endpoints so far.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    seen: BTreeSet<String>,
    inside: u32,
    has_outside: bool,
}

impl Endpoints {
    /// A channel of this name exists.
    pub(crate) fn see(&mut self, channel: &str, settings: &Settings) {
        let (kind, endpoint) = settings.kind(channel);
        match kind {
            Kind::Plumbing => return,
            Kind::Outside => self.has_outside = true,
            Kind::Extension => self.inside = self.inside.saturating_add(1),
        }
        let is_printable = !endpoint.is_empty() && !endpoint.chars().any(char::is_control);
        if self.seen.len() < SEEN_MAX && is_printable && endpoint.chars().count() <= TRUNK_MAX_CHARS {
            self.seen.insert(endpoint);
        }
    }

    /// Counts from now on: other endpoints are the trunks.
    pub(crate) const fn count_again(&mut self) {
        (self.inside, self.has_outside) = (0, false);
    }

    /// All, by name.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.iter().cloned().collect()
    }

    /// Whether a trunk had a call.
    pub(crate) const fn has_outside(&self) -> bool {
        self.has_outside
    }

    /// Whether there were calls, and none used a trunk.
    pub(crate) const fn match_no_trunk(&self) -> bool {
        !self.has_outside && self.inside >= ALL_INSIDE_MIN
    }
}
