//! The calls of a phone system, the events and gaps that follow, and what of it has not been saved yet. It is the same for
//! every phone system; only how events arrive differs.

use domain::{
    UnixMs,
    connector::{Gap, GapReason},
    time::SECOND_MS,
};

use super::{Batch, OBSERVED_EVERY_MS, Observed, PbxClock, Saved};
use crate::{
    call::{Action, Calls, Resync, Settings, Since},
    event::CallEvent,
};

/// A restart of the connector that took less is no gap if it cost no call, in milliseconds.
const NEGLIGIBLE_MS: i64 = 5 * SECOND_MS;

/// Since when events are missing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss {
    /// On our clock.
    pub at: UnixMs,
    reason: GapReason,
}

impl Loss {
    /// A restart of the connector this short, as after a change of its settings, is no gap unless it cost a call.
    fn is_negligible(self, now: UnixMs) -> bool {
        self.reason == GapReason::ConnectorRestart && now.since_ms(self.at) < NEGLIGIBLE_MS
    }
}

/// Calls, events and gaps.
#[derive(Debug)]
pub(crate) struct Journal {
    pub calls: Calls,
    pub clock: PbxClock,
    /// Since when a complete comparison has shown that nothing is missing.
    pub connected_since: Option<UnixMs>,
    pub loss: Option<Loss>,
    boot: Option<String>,
    has_restarted: bool,
    events: Vec<CallEvent>,
    gaps: Vec<Gap>,
    saved_at: UnixMs,
}

impl Journal {
    /// Continues from what was saved.
    pub(crate) fn new(settings: Settings, saved: Saved) -> Self {
        let reason = GapReason::ConnectorRestart;
        Self {
            calls: Calls::restore(settings, saved.calls),
            clock: PbxClock::default(),
            connected_since: None,
            loss: saved.observed.as_ref().map(|observed| Loss { at: observed.until, reason }),
            boot: saved.observed.and_then(|observed| observed.boot),
            has_restarted: false,
            events: Vec::new(),
            gaps: Vec::new(),
            saved_at: UnixMs::default(),
        }
    }

    /// An event to post. Its time is the phone system's.
    pub(crate) fn post(&mut self, mut event: CallEvent) {
        event.timestamp_s = self.clock.our_second(event.timestamp_s);
        self.events.push(event);
    }

    /// When the phone system started, in its own words: another value means that it restarted.
    pub(crate) fn started_at(&mut self, boot: String) {
        self.has_restarted |= self.boot.as_ref().is_some_and(|before| *before != boot);
        self.boot = Some(boot);
    }

    /// The connection is gone; it was heard last at this time.
    pub(crate) fn lost(&mut self, heard_at: UnixMs) {
        if self.is_observing() {
            let reason = GapReason::ConnectionLost;
            self.loss = Some(Loss { at: heard_at, reason });
            self.gaps.push(Gap { from: heard_at, to: None, reason, calls_closed: 0, filled: 0, incomplete: 0 });
        }
        self.connected_since = None;
    }

    /// Since when events are missing, on the phone system's clock.
    pub(crate) fn since(&self, lost_at: UnixMs) -> Since {
        let lost_at = self.clock.theirs(lost_at);
        if self.has_restarted { Since::PbxRestart { lost_at } } else { Since::Gap { lost_at } }
    }

    /// Compares what is known with what exists, and returns what to do. The gap, if there was one, has ended.
    pub(crate) fn resync(&mut self, now: UnixMs, listing: Resync) -> Vec<Action> {
        let done = self.calls.resync(Resync { at: self.clock.theirs(now), ..listing });
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let loss = self.loss.take();
        if let Some(loss) = loss.filter(|loss| done.closed > 0 || self.has_restarted || !loss.is_negligible(now)) {
            self.gaps.push(Gap {
                from: loss.at,
                to: Some(now.max(loss.at)),
                reason: if self.has_restarted { GapReason::PbxRestart } else { loss.reason },
                calls_closed: count(done.closed),
                filled: count(done.filled),
                incomplete: count(done.incomplete),
            });
        }
        self.has_restarted = false;
        self.connected_since.get_or_insert(now);
        done.actions
    }

    /// What has to be saved, if anything.
    pub(crate) fn take_batch(&mut self, now: UnixMs) -> Option<Batch> {
        let changes = self.calls.take_changes();
        let is_due = self.is_observing() && now.since_ms(self.saved_at) >= OBSERVED_EVERY_MS;
        let is_empty =
            self.events.is_empty() && self.gaps.is_empty() && changes.open.is_empty() && changes.ended.is_empty();
        if is_empty && !is_due {
            return None;
        }
        self.saved_at = now;
        let (events, gaps) = (std::mem::take(&mut self.events), std::mem::take(&mut self.gaps));
        Some(Batch { events, changes, gaps, observed: self.observed(now) })
    }

    /// What has to be saved at the end.
    pub(crate) fn last_batch(&mut self, now: UnixMs) -> Option<Batch> {
        self.saved_at = UnixMs::default();
        self.take_batch(now)
    }

    /// How many events wait to be saved.
    pub(crate) fn unsaved(&self) -> usize {
        self.events.len()
    }

    /// How far the phone system has been observed.
    pub(crate) fn observed(&self, now: UnixMs) -> Observed {
        Observed { until: self.loss.map_or(now, |loss| loss.at), boot: self.boot.clone() }
    }

    /// Whether nothing is missing.
    pub(crate) fn is_observing(&self) -> bool {
        self.loss.is_none() && self.connected_since.is_some()
    }
}
