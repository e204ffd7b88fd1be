//! What a phone system states after a gap: the channels that exist, and its call records.

use std::{collections::HashSet, fmt};

use domain::time::UnixMs;

use super::input::{Action, Bridge, Cause, DialStatus, Facts, Mailbox};
use crate::event::Incomplete;

/// A channel that exists now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    /// What is stated about it.
    pub facts: Facts,
    /// The bridge it is in. Its kind counts only if the phone system states it; AMI does not, and says mixing.
    pub bridge: Option<Bridge>,
    /// Whole seconds since it began.
    pub duration_s: Option<u64>,
}

/// The moment when a list of channels was requested. Events that came later are newer than the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListingMark(pub(super) u64);

/// Why channels are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Only to be sure: the connection was never lost.
    Comparison,
    /// Events since this time are lost.
    Gap {
        /// When the connection was lost, or when the state was last saved.
        lost_at: UnixMs,
    },
    /// The same, and the phone system has restarted.
    PbxRestart {
        /// When the connection was lost.
        lost_at: UnixMs,
    },
}

/// What exists now.
#[derive(Debug)]
pub struct Resync {
    /// The time now, on the clock of the events.
    pub at: UnixMs,
    /// Why.
    pub since: Since,
    /// When the list was requested.
    pub mark: ListingMark,
    /// All channels of which the state is stated.
    pub channels: Vec<ChannelRow>,
    /// IDs of the others that exist: what is known about them has not changed.
    pub unchanged: HashSet<String>,
    /// Call records of the gap, if there are any.
    pub records: Vec<CallRecord>,
}

/// What came of it.
#[derive(Debug, Default, PartialEq)]
pub struct Resynced {
    /// What to do.
    pub actions: Vec<Action>,
    /// Calls that ended in the gap, and those that began and ended in it.
    pub closed: usize,
    /// Of these, those whose end is from a call record.
    pub filled: usize,
    /// Of these, those whose end is not known.
    pub incomplete: usize,
    /// Calls that began in the gap.
    pub begun: usize,
}

impl Resync {
    /// IDs of the channels that exist.
    pub(super) fn there(&self) -> HashSet<&str> {
        self.channels.iter().map(|row| row.facts.id.as_str()).chain(self.unchanged.iter().map(String::as_str)).collect()
    }
}

impl Since {
    /// When the calls ended that are gone.
    pub(super) fn end(self, at: UnixMs) -> UnixMs {
        match self {
            Self::Comparison => at,
            Self::Gap { lost_at } | Self::PbxRestart { lost_at } => lost_at.min(at),
        }
    }

    pub(super) fn incomplete(self) -> Incomplete {
        if matches!(self, Self::PbxRestart { .. }) { Incomplete::PbxRestart } else { Incomplete::Gap }
    }
}

/// One call, as the phone system recorded it.
#[derive(Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// ID of its group.
    pub linked_id: String,
    /// When it began.
    pub began_at: UnixMs,
    /// When it ended.
    pub ended_at: UnixMs,
    /// Name of the channel that began it.
    pub channel: String,
    /// Names of the channels that were called.
    pub peers: Vec<String>,
    /// The caller's number. Records do not state whether it may be shown.
    pub caller: String,
    /// The dialled number.
    pub dialled: String,
    /// The dialplan's context.
    pub context: String,
    /// How it ended.
    pub end: RecordEnd,
}

/// How a call ended, as the phone system recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordEnd {
    /// Someone talked.
    Answered {
        /// Whole seconds.
        talk_s: u64,
        /// Name of the channel that talked last.
        peer: String,
        /// The number that was called to reach it, if it is outside.
        number: Option<String>,
    },
    /// The caller left a message.
    Voicemail {
        /// Where.
        mailbox: Mailbox,
        /// Its length in whole seconds.
        message_s: u64,
    },
    /// No one talked.
    Unanswered(DialStatus, Option<Cause>),
}

impl fmt::Debug for CallRecord {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRecord").field("linked_id", &self.linked_id).finish_non_exhaustive()
    }
}
