//! What is kept on disk, so that a restarted connector continues: open calls and who rang. Channels and bridges are not:
//! the phone system lists them.

use serde::{Deserialize, Serialize};

use super::{Calls, open::OpenCall, settings::Settings};

/// Ended calls of which it is saved that they ended, where all of it is written each time: channels of theirs may still exist
/// after a restart. A session remembers more.
const FINISHED_SAVED_MAX: usize = 500;

/// Keeps the calls that ended most recently, where all of it is written each time.
pub fn keep_latest(finished: &mut Vec<String>) {
    finished.drain(..finished.len().saturating_sub(FINISHED_SAVED_MAX));
}

/// All that a restarted connector needs. A number whose presentation is not known yet is not in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// The open calls.
    pub open: Vec<OpenCall>,
    /// Keys of the calls that ended most recently, oldest first.
    pub finished: Vec<String>,
}

/// What changed since the last time: to be saved in the transaction that spools the events.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Calls that began or changed.
    pub open: Vec<OpenCall>,
    /// Keys of the calls that ended.
    pub ended: Vec<String>,
}

impl Calls {
    /// Continues from what was saved. Call [`Calls::resync`] next.
    #[must_use]
    pub fn restore(settings: Settings, saved: Snapshot) -> Self {
        let mut calls = Self::new(settings);
        for mut call in saved.open {
            call.talk.restart_count();
            calls.book.insert(call);
        }
        for key in saved.finished {
            calls.book.remember(key);
        }
        calls.book.take_touched();
        calls
    }

    /// Everything that a restarted connector needs.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { open: self.book.calls().cloned().collect(), finished: self.book.finished().cloned().collect() }
    }

    /// What changed since this was last called.
    pub fn take_changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        for (key, call) in self.book.take_touched() {
            match call {
                Some(call) => changes.open.push(call.clone()),
                None => changes.ended.push(key),
            }
        }
        changes
    }
}
