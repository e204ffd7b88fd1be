//! What an administrator decides about a phone system, and what follows from a channel's name.

use std::collections::BTreeSet;

use super::kind::Kind;
use crate::event::Identity;

/// Ends the key of a group's first outgoing call.
pub(super) const OUTGOING: &str = ":out";

/// The settings of one phone system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which it is.
    pub phone_system: PhoneSystem,
    /// The phone system's own name. Together with the trunks it determines all IDs, so that two connectors agree.
    pub system: String,
    /// Endpoints that lead outside.
    pub trunks: BTreeSet<String>,
    /// Whether calls between extensions are reported.
    pub internal: InternalCalls,
}

/// A phone system that names its channels and calls in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneSystem {
    /// Asterisk, and FreePBX.
    Asterisk,
    /// FreeSWITCH, and FusionPBX.
    FreeSwitch,
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
        match self.phone_system {
            PhoneSystem::Asterisk => Identity::asterisk(&self.system, self.trunks.iter().map(String::as_str)),
            PhoneSystem::FreeSwitch => Identity::new(&self.system),
        }
    }

    /// What a call is called in the phone system. FreeSWITCH's call records (`mod_json_cdr`, `mod_cdr_csv`) name every call by
    /// its first channel, outgoing ones, too: a record that is posted or imported must not add a second call.
    pub(super) fn name_of<'a>(&self, key: &'a str) -> &'a str {
        match self.phone_system {
            PhoneSystem::Asterisk => key,
            PhoneSystem::FreeSwitch => key.strip_suffix(OUTGOING).unwrap_or(key),
        }
    }
}
