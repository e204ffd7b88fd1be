//! An open call: everything that is remembered about it, and kept across restarts.

use std::fmt;

use domain::time::UnixMs;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    id_set::IdSet,
    input::{Cause, Mailbox},
    number,
    results::Attempts,
    talk::Talk,
};
use crate::event::{ANONYMOUS, CallType, Party, Route};

/// A call that has not ended.
#[derive(Clone, Serialize, Deserialize)]
pub struct OpenCall {
    /// What identifies it: the ID of its first channel; with `:out` for outgoing and `:int` for internal calls.
    pub(super) key: String,
    /// Its UUID.
    pub(super) id: Uuid,
    pub(super) kind: CallType,
    /// The second in its first channel's ID.
    pub(super) began_s: i64,
    pub(super) began_at: UnixMs,
    /// Its channels to the outside; for an internal call, the caller's.
    pub(super) legs: IdSet,
    /// The channels that made it, if it is outgoing.
    pub(super) origin: IdSet,
    pub(super) caller: Caller,
    /// The number that was dialled.
    pub(super) called: String,
    /// The extension that made it.
    pub(super) extension: Option<String>,
    pub(super) route: Route,
    pub(super) rung: Rung,
    pub(super) attempts: Attempts,
    pub(super) talk: Talk,
    /// Where the caller left a message.
    pub(super) mailbox: Option<Mailbox>,
    pub(super) last_dial_end: Option<UnixMs>,
    /// Whether the caller asked to hang up before anyone talked.
    pub(super) gave_up: bool,
    /// Cause of the latest hang-up of an outside leg.
    pub(super) cause: Option<Cause>,
    /// Whether the outside leg was answered, perhaps by a queue or a menu.
    pub(super) is_up: bool,
    /// The bridge in which it is parked.
    pub(super) parked_in: Option<String>,
    /// Whether the event for its start has been posted.
    pub(super) is_announced: bool,
}

impl fmt::Debug for OpenCall {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenCall").field("key", &self.key).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What is known when a call begins.
pub(super) struct Opening {
    pub key: String,
    pub id: Uuid,
    pub kind: CallType,
    pub at: UnixMs,
    pub legs: IdSet,
    pub origin: IdSet,
    pub caller: Caller,
    pub called: String,
    pub extension: Option<String>,
    pub route: Route,
}

impl OpenCall {
    pub(super) fn new(opening: Opening) -> Self {
        let Opening { key, id, kind, at, legs, origin, caller, called, extension, route } = opening;
        let began_s = super::ids::began_s(&key).unwrap_or_else(|| at.unix_seconds());
        Self {
            key,
            id,
            kind,
            began_s,
            began_at: at,
            legs,
            origin,
            caller,
            called,
            extension,
            route,
            rung: Rung::default(),
            attempts: Attempts::default(),
            talk: Talk::default(),
            mailbox: None,
            last_dial_end: None,
            gave_up: false,
            cause: None,
            is_up: false,
            parked_in: None,
            is_announced: false,
        }
    }

    /// What identifies the call among those of its phone system.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// IDs of all its channels that matter.
    pub(super) fn channels(&self) -> impl Iterator<Item = &String> {
        self.legs.iter().chain(&self.origin).chain(self.attempts.channels())
    }

    /// Whether events of this channel's group belong to the call.
    pub(super) fn holds(&self, channel_id: &str) -> bool {
        self.legs.contains(channel_id) || self.origin.contains(channel_id)
    }

    /// Forgets a channel that ended.
    pub(super) fn release(&mut self, channel_id: &str) {
        self.legs.remove(channel_id);
        self.origin.remove(channel_id);
        self.attempts.settle(channel_id);
    }
}

/// The caller's number.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Option<String>", into = "Option<String>")]
pub(super) enum Caller {
    /// Not yet known whether it may be shown. Never written to disk; after a restart it is asked for again.
    Pending(String),
    /// May be shown, or is `anonymous`.
    Known(String),
}

impl Caller {
    /// The number, if it may be shown.
    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Pending(_) => ANONYMOUS,
            Self::Known(number) => number,
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        matches!(self, Self::Pending(_))
    }

    /// The number may be shown.
    pub(super) fn allow(&mut self) {
        if let Self::Pending(number) = self {
            *self = Self::Known(number::caller(number));
        }
    }

    pub(super) fn withhold(&mut self) {
        if let Self::Pending(_) = self {
            *self = Self::Known(ANONYMOUS.to_owned());
        }
    }
}

impl From<Option<String>> for Caller {
    fn from(number: Option<String>) -> Self {
        number.map_or_else(|| Self::Pending(String::new()), Self::Known)
    }
}

impl From<Caller> for Option<String> {
    fn from(caller: Caller) -> Self {
        match caller {
            Caller::Pending(_) => None,
            Caller::Known(number) => Some(number),
        }
    }
}

/// Which phones rang.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Rung {
    /// None so far.
    #[default]
    Nobody,
    /// One, perhaps more than once.
    One(Party),
    /// Several.
    Several,
}

impl Rung {
    pub(super) fn add(&mut self, party: Party) {
        *self = match std::mem::take(self) {
            Self::Nobody => Self::One(party),
            Self::One(before) if before == party => Self::One(before),
            _ => Self::Several,
        };
    }
}
