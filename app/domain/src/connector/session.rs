//! Sessions with phone systems inside the server: one at a time for each connector, on whichever node it runs.

use serde::{Deserialize, Serialize};

use crate::time::UnixMs;

/// The number of a session. Each session of a connector, on any node, has a higher one than the session before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionNumber(pub i64);

/// The latest session of a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatestSession {
    /// Its number.
    pub number: SessionNumber,
    /// Until when no other session may begin.
    pub held_until: UnixMs,
}

/// A session that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunSession {
    /// Its number.
    pub number: SessionNumber,
    /// The open calls that were last saved.
    pub open_calls: Option<Vec<u8>>,
}

/// Whether something was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving {
    /// It was.
    Done,
    /// It was not: another session has begun.
    Superseded,
    /// It was not: it is larger than [`super::OPEN_CALLS_MAX_BYTES`].
    TooLarge,
}
