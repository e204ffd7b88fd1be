//! What an administrator decides about a phone system, and what follows from a channel's name.

use std::collections::BTreeSet;

use super::kind::Kind;
use crate::event::Identity;

/// The settings of one phone system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The phone system's own name. Together with the trunks it determines all IDs, so that two connectors agree.
    pub system: String,
    /// Endpoints that lead outside.
    pub trunks: BTreeSet<String>,
    /// Whether calls between extensions are reported.
    pub internal: InternalCalls,
}

/// Whether calls between extensions are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InternalCalls {
    /// They are not.
    #[default]
    Ignore,
    /// Their end is.
    Report,
}

impl Settings {
    /// The kind and endpoint of a channel of this name.
    pub(crate) fn kind(&self, channel: &str) -> (Kind, String) {
        super::kind::classify(channel, &self.trunks)
    }

    pub(super) fn identity(&self) -> Identity {
        Identity::asterisk(&self.system, self.trunks.iter().map(String::as_str))
    }
}
