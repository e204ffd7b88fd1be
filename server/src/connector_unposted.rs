//! What a session of a connector has saved and perhaps not posted. The next session posts it again: an event has the same ID
//! again.

use std::collections::HashSet;

use connect::event::CallEvent;
use domain::connector::Gap;
use serde::{Deserialize, Serialize};

/// Most events that wait because they can't be posted. Beyond, no more are taken from the phone system.
pub const UNPOSTED_MAX: usize = 5_000;
/// Most events that are posted before they are forgotten: a restart in between posts them again.
const POSTED_AT_ONCE_MAX: usize = 500;

/// Events and gaps, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Unposted {
    /// Events that may not have been posted.
    pub events: Vec<CallEvent>,
    /// Gaps that may not have been reported.
    pub gaps: Vec<Gap>,
}

/// The first of them, which have been posted.
#[derive(Debug, Clone, Copy)]
pub struct Posted {
    events: usize,
    gaps: usize,
    /// The time that it took to post the events, in milliseconds; `None` without any.
    pub lag_ms: Option<u32>,
}

impl Unposted {
    /// Adding the same twice is the same as adding it once.
    pub fn add(&mut self, events: &[CallEvent], gaps: &[Gap]) {
        let known: HashSet<String> = self.events.iter().map(|event| event.id.clone()).collect();
        self.events.extend(events.iter().filter(|event| !known.contains(&event.id)).cloned());
        for gap in gaps {
            if !self.gaps.contains(gap) {
                self.gaps.push(gap.clone());
            }
        }
    }

    /// Whether everything was posted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.gaps.is_empty()
    }

    /// The oldest of it, to be posted next.
    #[must_use]
    pub fn first(&self) -> Self {
        Self { events: self.events.iter().take(POSTED_AT_ONCE_MAX).cloned().collect(), gaps: self.gaps.clone() }
    }

    /// All of it, once it is posted.
    #[must_use]
    pub const fn posted(&self) -> Posted {
        Posted { events: self.events.len(), gaps: self.gaps.len(), lag_ms: None }
    }

    /// Forgets what was posted. More may have been added meanwhile, and all of it is forgotten once the connector is deleted.
    pub fn forget(&mut self, posted: Posted) {
        self.events.drain(..posted.events.min(self.events.len()));
        self.gaps.drain(..posted.gaps.min(self.gaps.len()));
    }
}

#[cfg(test)]
mod tests {
    use connect::event::{Identity, Payload, Route, Started};
    use domain::{UnixMs, connector::GapReason};

    use super::*;

    fn event(call: &str) -> CallEvent {
        let call_id = Identity::new("lab").call_id(call);
        let started = Started { call_id, callee_number: "01632960100".into(), caller_number: "01632960001".into() };
        CallEvent::new(1, Payload::IncomingCall(started), Route::default())
    }

    #[test]
    fn what_is_saved_again_after_an_error_is_posted_once() {
        let gap =
            Gap { from: UnixMs(1), to: None, reason: GapReason::Other, calls_closed: 0, filled: 0, incomplete: 0 };
        let mut unposted = Unposted::default();
        for _ in 0..2 {
            unposted.add(&[event("a")], std::slice::from_ref(&gap));
        }
        assert_eq!((unposted.events.as_slice(), unposted.gaps.as_slice()), ([event("a")].as_slice(), [gap].as_slice()));
    }

    #[test]
    fn what_is_added_while_the_rest_is_posted_stays() {
        let mut unposted = Unposted::default();
        unposted.add(&[event("a")], &[]);
        let posted = unposted.first().posted();
        unposted.add(&[event("b")], &[]);
        unposted.forget(posted);
        assert_eq!((unposted.events.as_slice(), unposted.is_empty()), ([event("b")].as_slice(), false));
    }

    #[test]
    fn what_is_posted_when_the_connector_is_deleted_is_forgotten_once() {
        let gap =
            Gap { from: UnixMs(1), to: None, reason: GapReason::Other, calls_closed: 0, filled: 0, incomplete: 0 };
        let mut unposted = Unposted::default();
        unposted.add(&[event("a"), event("b")], &[gap]);
        let posted = unposted.first().posted();
        unposted = Unposted::default();
        unposted.forget(posted);
        assert!(unposted.is_empty());
    }

    #[test]
    fn many_events_are_posted_in_parts() {
        let mut unposted = Unposted::default();
        let events: Vec<CallEvent> = (0..=POSTED_AT_ONCE_MAX).map(|n| event(&n.to_string())).collect();
        unposted.add(&events, &[]);
        let first = unposted.first();
        assert_eq!(first.events, events[..POSTED_AT_ONCE_MAX]);
        unposted.forget(first.posted());
        assert_eq!(unposted.events, events[POSTED_AT_ONCE_MAX..]);
    }
}
