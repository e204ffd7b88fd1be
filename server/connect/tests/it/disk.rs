//! What a connector has saved, and finds again when it is killed.

use connect::{
    call::{OpenCall, Snapshot},
    session::{Batch, Observed, Saved},
};

/// The disk of a connector.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// Open calls as text, by key.
    open: Vec<(String, String)>,
    finished: Vec<String>,
    observed: Option<Observed>,
}

impl Disk {
    /// Saves what a batch changes; its events and gaps are the test's.
    pub(crate) fn write(&mut self, batch: &Batch) {
        self.observed = Some(batch.observed.clone());
        for call in &batch.changes.open {
            self.open.retain(|(key, _)| key != call.key());
            self.open.push((call.key().to_owned(), serde_json::to_string(call).unwrap()));
        }
        for key in &batch.changes.ended {
            self.open.retain(|(open, _)| open != key);
            self.finished.push(key.clone());
        }
    }

    /// What a connector that starts reads from it.
    pub(crate) fn read(&self) -> Saved {
        let open: Vec<OpenCall> = self.open.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
        Saved { calls: Snapshot { open, finished: self.finished.clone() }, observed: self.observed.clone() }
    }

    /// How many calls are open.
    pub(crate) fn open_calls(&self) -> usize {
        self.open.len()
    }
}
