//! What a session keeps in the database, so that the next one continues from it.

use std::collections::BTreeMap;

use connect::{
    call::{OpenCall, Snapshot},
    session::{Batch, Observed, Saved},
};
use serde::{Deserialize, Serialize};

use crate::connector_unposted::Unposted;

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
    /// What may not have been posted.
    pub unposted: Unposted,
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
        self.unposted.add(&batch.events, &batch.gaps);
    }
}

#[cfg(test)]
mod tests {
    use connect::call::Changes;
    use domain::UnixMs;

    use super::*;

    #[test]
    fn a_call_that_ended_is_kept_once_however_often_it_is_saved() {
        let changes = Changes { open: Vec::new(), ended: vec!["a".to_owned()] };
        let observed = Observed { until: UnixMs(1), boot: None };
        let batch = Batch { events: Vec::new(), changes, gaps: Vec::new(), observed };
        let mut kept = Kept::default();
        kept.add(&batch);
        kept.add(&batch);
        assert_eq!(kept.finished, ["a"]);
    }
}
