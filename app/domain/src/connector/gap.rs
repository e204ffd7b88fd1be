//! Gaps: times in which a connector did not see its phone system.

use serde::{Deserialize, Serialize};

use super::system::names;
use crate::{
    error::{Error, FieldError, Result},
    time::UnixMs,
};

/// Why a connector did not see its phone system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GapReason {
    /// The connection broke.
    ConnectionLost,
    /// The phone system restarted.
    PbxRestart,
    /// The connector restarted.
    ConnectorRestart,
    /// The connector had no more room for events that Offhook did not accept.
    SpoolFull,
    /// Something else.
    Other,
}

names! { GapReason {
    ConnectionLost = "connection_lost", "Connection lost";
    PbxRestart = "pbx_restart", "Phone system restarted";
    ConnectorRestart = "connector_restart", "Connector restarted";
    SpoolFull = "spool_full", "Offhook could not be reached for too long";
    Other = "other", "Other";
} }

/// A gap, and what was done about the calls in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When it began. A later report with the same time replaces this one.
    pub from: UnixMs,
    /// When it ended; `None` while it lasts.
    pub to: Option<UnixMs>,
    /// Why.
    pub reason: GapReason,
    /// Calls that were open before and had ended after it.
    pub calls_closed: u32,
    /// Of the calls in it, those whose end was found in call records.
    pub filled: u32,
    /// Of the calls in it, those whose end is not known.
    pub incomplete: u32,
}

impl Gap {
    /// Checks that it can have been.
    ///
    /// # Errors
    /// `Invalid` for a gap that ends before it begins, or begins in the future.
    pub fn check(&self, now: UnixMs) -> Result<()> {
        let mut errors = Vec::new();
        if self.from.0 < 0 || self.from > now.plus_ms(crate::time::HOUR_MS) {
            errors.push(FieldError::new("from", "A gap can't begin in the future."));
        }
        if self.to.is_some_and(|to| to < self.from) {
            errors.push(FieldError::new("to", "A gap can't end before it begins."));
        }
        if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
    }
}
