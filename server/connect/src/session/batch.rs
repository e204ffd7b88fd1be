//! What a session produces.

use domain::{UnixMs, connector::Gap};
use serde::{Deserialize, Serialize};

use crate::{call::Changes, event::CallEvent};

/// What has to be saved in one transaction: otherwise a killed connector would post an event twice, or never.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Events to post.
    pub events: Vec<CallEvent>,
    /// Calls that changed.
    pub changes: Changes,
    /// Gaps that began or ended.
    pub gaps: Vec<Gap>,
    /// How far the phone system has been observed.
    pub observed: Observed,
}

/// How far a phone system has been observed: from here the next session continues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Up to when, on our clock.
    pub until: UnixMs,
    /// When the phone system started, in its own words: another value means that it restarted.
    pub boot: Option<String>,
}
