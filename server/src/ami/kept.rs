//! What a session keeps in the database, so that the next one continues from it.

use std::collections::{BTreeMap, HashSet};

use connect::{
    call::{OpenCall, Snapshot},
    event::CallEvent,
    session::{Batch, Observed, Saved},
};
use domain::connector::Gap;
use serde::{Deserialize, Serialize};

/// Calls that ended most recently, of which it is saved that they did: channels of theirs may still exist after a restart. All
/// of it is written with every batch, so it is less than what a session remembers.
const FINISHED_KEPT: usize = 500;

/// What the next session continues from.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    open: BTreeMap<String, OpenCall>,
    /// Keys of the calls that ended most recently, oldest first.
    finished: Vec<String>,
    observed: Option<Observed>,
    /// Events that may not have been posted.
    pub unposted: Vec<CallEvent>,
    /// Gaps that may not have been reported.
    pub unreported: Vec<Gap>,
}

impl Kept {
    /// The part of it that the session knows.
    pub(super) fn saved(&self) -> Saved {
        let (open, finished) = (self.open.values().cloned().collect(), self.finished.clone());
        Saved { calls: Snapshot { open, finished }, observed: self.observed.clone() }
    }

    /// Adding a batch twice is the same as adding it once.
    pub(super) fn add(&mut self, batch: &Batch) {
        self.open.extend(batch.changes.open.iter().map(|call| (call.key().to_owned(), call.clone())));
        for key in &batch.changes.ended {
            self.open.remove(key);
            if !self.finished.contains(key) {
                self.finished.push(key.clone());
            }
        }
        let excess = self.finished.len().saturating_sub(FINISHED_KEPT);
        self.finished.drain(..excess);
        self.observed = Some(batch.observed.clone());
        let known: HashSet<String> = self.unposted.iter().map(|event| event.id.clone()).collect();
        self.unposted.extend(batch.events.iter().filter(|event| !known.contains(&event.id)).cloned());
        for gap in &batch.gaps {
            if !self.unreported.contains(gap) {
                self.unreported.push(gap.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use connect::{
        call::Changes,
        event::{Identity, Payload, Route, Started},
    };

    use domain::UnixMs;

    use super::*;

    #[test]
    fn what_is_saved_again_after_an_error_is_posted_once() {
        let call_id = Identity::new("lab").call_id("a");
        let started = Started { call_id, callee_number: "01632960100".into(), caller_number: "01632960001".into() };
        let event = CallEvent::new(1, Payload::IncomingCall(started), Route::default());
        let changes = Changes { open: Vec::new(), ended: vec!["a".to_owned()] };
        let observed = Observed { until: UnixMs(1), boot: None };
        let batch = Batch { events: vec![event.clone()], changes, gaps: Vec::new(), observed };
        let mut kept = Kept::default();
        kept.add(&batch);
        kept.add(&batch);
        assert_eq!(
            (kept.unposted.as_slice(), kept.finished.as_slice()),
            ([event].as_slice(), ["a".to_owned()].as_slice())
        );
    }
}
