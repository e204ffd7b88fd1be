//! What a session keeps in the database, so that the next one continues from it.

use std::collections::BTreeMap;

use connect::{
    call::{OpenCall, Snapshot, keep_latest},
    session::{Batch, Observed, Saved},
};
use serde::{Deserialize, Serialize};

use crate::connector_unposted::{Posted, Unposted};

/// What the next session continues from.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    open: BTreeMap<String, OpenCall>,
    /// Keys of the calls that ended most recently, oldest first.
    finished: Vec<String>,
    observed: Option<Observed>,
    /// What may not have been posted.
    pub unposted: Unposted,
    #[serde(skip)]
    changes: Changes,
}

/// Counts changes, so that it is known which of them are saved.
#[derive(Debug, Clone, Copy, Default)]
struct Changes {
    all: u64,
    /// The latest that has an event or a gap.
    with_event: u64,
    saved: u64,
}

/// What is not saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsaved {
    /// Nothing.
    Nothing,
    /// Changes of calls, how far the phone system was observed, or that something was posted.
    Changes,
    /// Events or gaps, too: they are not posted before.
    Events,
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
        keep_latest(&mut self.finished);
        self.observed = Some(batch.observed.clone());
        self.unposted.add(&batch.events, &batch.gaps);
        self.changes.all += 1;
        if !(batch.events.is_empty() && batch.gaps.is_empty()) {
            self.changes.with_event = self.changes.all;
        }
    }

    /// Forgets what was posted.
    pub(super) fn posted(&mut self, posted: Posted) {
        self.unposted.forget(posted);
        self.changes.all += 1;
    }

    /// How many changes there were.
    pub(super) const fn changes(&self) -> u64 {
        self.changes.all
    }

    /// All changes up to this one are saved.
    pub(super) fn saved_up_to(&mut self, change: u64) {
        self.changes.saved = self.changes.saved.max(change);
    }

    /// What is not saved.
    pub(super) const fn unsaved(&self) -> Unsaved {
        match self.changes {
            Changes { with_event, saved, .. } if with_event > saved => Unsaved::Events,
            Changes { all, saved, .. } if all > saved => Unsaved::Changes,
            _ => Unsaved::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use connect::call;
    use domain::{
        UnixMs,
        connector::{Gap, GapReason},
    };

    use super::*;

    #[test]
    fn a_call_that_ended_is_kept_once_however_often_it_is_saved() {
        let changes = call::Changes { open: Vec::new(), ended: vec!["a".to_owned()] };
        let observed = Observed { until: UnixMs(1), boot: None };
        let batch = Batch { events: Vec::new(), changes, gaps: Vec::new(), observed };
        let mut kept = Kept::default();
        kept.add(&batch);
        kept.add(&batch);
        assert_eq!(kept.finished, ["a"]);
    }

    #[test]
    fn what_changes_while_it_is_saved_is_not_saved() {
        let batch = |gaps: Vec<Gap>| {
            let observed = Observed { until: UnixMs(1), boot: None };
            Batch { events: Vec::new(), changes: call::Changes::default(), gaps, observed }
        };
        let gap =
            Gap { from: UnixMs(1), to: None, reason: GapReason::Other, calls_closed: 0, filled: 0, incomplete: 0 };
        let mut kept = Kept::default();
        assert_eq!(kept.unsaved(), Unsaved::Nothing);
        kept.add(&batch(vec![gap]));
        assert_eq!(kept.unsaved(), Unsaved::Events);
        let saving = kept.changes();
        kept.add(&batch(Vec::new()));
        kept.saved_up_to(saving);
        assert_eq!(kept.unsaved(), Unsaved::Changes);
        kept.saved_up_to(kept.changes());
        assert_eq!(kept.unsaved(), Unsaved::Nothing);
        kept.posted(kept.unposted.first().posted());
        assert_eq!((kept.unsaved(), kept.unposted.is_empty()), (Unsaved::Changes, true));
    }
}
