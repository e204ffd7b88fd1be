//! Where this node has committed rows that the phone index may have passed already.
//!
//! Nodes write at the same time, so a delivery may be committed after one with a greater id. The indexer moves a watermark
//! over the ids; what this node commits behind it is remembered here until the indexer has gone back for it.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::store::{
    db::Dialect,
    deliveries::queue::NewDelivery,
    events::{NewEventRow, phone_index::Stream},
};

/// Rows that this node has committed since the phone index last covered them.
#[derive(Default)]
pub(crate) struct CommittedRows {
    added: Notify,
    starts: Mutex<[Starts; 2]>,
}

/// Positions just before the first committed row of one stream.
#[derive(Default)]
struct Starts {
    /// Since the latest round.
    fresh: Option<String>,
    /// Before it. Any move of the watermark that ran when these rows were committed has ended since.
    aged: Option<String>,
}

impl CommittedRows {
    /// These rows have been committed.
    pub(super) fn add(&self, dialect: Dialect, events: &[NewEventRow], deliveries: &[NewDelivery]) {
        if events.is_empty() {
            return;
        }
        // On SQLite commits come in the order of ids.
        if dialect == Dialect::Postgres {
            let unsent = events.iter().filter(|event| event.deliveries == 0).map(|event| event.position.as_str());
            self.note(deliveries.iter().map(|delivery| delivery.id.as_str()).min(), unsent.min());
        }
        self.added.notify_one();
    }

    /// Returns when rows may have been committed since.
    pub(crate) async fn added(&self) {
        self.added.notified().await;
    }

    /// The first rows of each stream that have been committed together.
    fn note(&self, deliveries: Option<&str>, unsent: Option<&str>) {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        for (starts, first) in starts.iter_mut().zip([deliveries, unsent]) {
            // A text sorts after each of its prefixes.
            let before = first.and_then(|first| first.get(..first.len().checked_sub(1)?)).map(str::to_owned);
            starts.fresh = earlier(starts.fresh.take(), before);
        }
    }

    /// Where a round has to start if the watermark is ahead of this node.
    pub(crate) fn take(&self, stream: Stream) -> Option<String> {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let starts = &mut starts[stream as usize];
        std::mem::replace(&mut starts.aged, starts.fresh.take())
    }

    /// Keeps a position for the next round.
    pub(crate) fn keep(&self, stream: Stream, position: Option<String>) {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let aged = &mut starts[stream as usize].aged;
        *aged = earlier(aged.take(), position);
    }
}

fn earlier(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_rows_are_revisited_one_round_later() {
        let committed = CommittedRows::default();
        committed.note(Some("dlv_05"), None);
        committed.note(Some("dlv_03"), None);
        assert_eq!(committed.take(Stream::Deliveries), None);
        committed.note(Some("dlv_07"), Some("09"));
        assert_eq!(committed.take(Stream::Deliveries).as_deref(), Some("dlv_0"));
        assert_eq!((committed.take(Stream::Unsent), committed.take(Stream::Unsent).as_deref()), (None, Some("0")));
    }
}
