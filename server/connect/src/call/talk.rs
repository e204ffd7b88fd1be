//! Talk: when, for how long, and with whom. "The outside leg is up" is not talk: queues and menus answer, too.

use domain::time::{SECOND_MS, UnixMs};
use serde::{Deserialize, Serialize};

use crate::event::Party;

/// The talk of a call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Talk {
    /// When the first talk began.
    pub answered_at: Option<UnixMs>,
    /// When the current talk began.
    pub since: Option<UnixMs>,
    total_ms: i64,
    with: Option<With>,
}

/// Who joined last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct With {
    pub channel_id: String,
    pub party: Party,
    /// When the channel came within reach, as a count of entries into bridges.
    pub arrived: u64,
}

impl Talk {
    /// Someone is within reach: `latest` joined last.
    pub(super) fn hear(&mut self, at: UnixMs, latest: With) {
        self.since.get_or_insert(at);
        self.answered_at.get_or_insert(at);
        if self.with.as_ref().is_none_or(|with| latest.arrived > with.arrived) {
            self.with = Some(latest);
        }
    }

    /// Whoever joined last is still within reach.
    pub(super) fn keep(&mut self, at: UnixMs, arrived: u64) {
        self.since.get_or_insert(at);
        if let Some(with) = &mut self.with {
            with.arrived = with.arrived.max(arrived);
        }
    }

    /// No one is within reach.
    pub(super) fn fall_silent(&mut self, at: UnixMs) {
        if let Some(since) = self.since.take() {
            self.total_ms += at.since_ms(since).max(0);
        }
    }

    /// Replaces what was measured by what a call record states.
    pub(super) fn record(&mut self, answered_at: UnixMs, seconds: u64, party: Option<Party>) {
        self.answered_at.get_or_insert(answered_at);
        self.since = None;
        self.total_ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(SECOND_MS);
        if let Some(party) = party {
            self.with = Some(With { channel_id: String::new(), party, arrived: u64::MAX });
        }
    }

    /// Whole seconds.
    pub(super) fn seconds(&self) -> u64 {
        u64::try_from(self.total_ms / SECOND_MS).unwrap_or(0)
    }

    pub(super) fn party(&self) -> Option<&Party> {
        self.with.as_ref().map(|with| &with.party)
    }

    pub(super) fn channel_id(&self) -> Option<&str> {
        self.with.as_ref().map(|with| with.channel_id.as_str())
    }

    /// The count of entries into bridges begins anew after a restart: whoever is there has been there.
    pub(super) fn restart_count(&mut self) {
        if let Some(with) = &mut self.with {
            with.arrived = 0;
        }
    }
}
