//! What a session produces, and from what the next one continues.

use domain::{
    UnixMs,
    connector::{Gap, GapReason},
};
use serde::{Deserialize, Serialize};

use super::systems::Systems;
use crate::{
    call::{KnownChannel, Snapshot},
    event::CallEvent,
};

/// What has to be saved in one transaction, before its events are posted.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Events to post. Those of a call are in order.
    pub events: Vec<CallEvent>,
    /// What the next session continues from.
    pub state: Saved,
    /// Gaps that began or ended.
    pub gaps: Vec<Gap>,
}

/// What the next session continues from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Saved {
    /// Open calls.
    pub calls: Snapshot,
    /// The channels that existed: what Asterisk keeps for us continues from them.
    #[serde(default)]
    pub channels: Vec<KnownChannel>,
    /// How far Asterisk was observed; `None` if it never was.
    pub observed: Option<Observed>,
    /// Which Asterisk it was.
    pub(super) systems: Systems,
}

/// How far an Asterisk was observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Up to when, on our clock.
    pub until: UnixMs,
    /// Why it is not observed any more. Without a reason, the session had no time to say so.
    pub lost: Option<GapReason>,
}
