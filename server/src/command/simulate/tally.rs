//! The results of the events that were posted.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use domain::time::counted;
use serde::Serialize;

use super::client::Accepted;
use crate::command::CommandError;

/// How many rejections are reported in full.
const REASONS_MAX: usize = 5;

/// Counts results.
#[derive(Default)]
pub(super) struct Tally {
    accepted: AtomicU64,
    refused: AtomicU64,
    deliveries: AtomicU64,
    reasons: Mutex<Vec<String>>,
}

/// The result on stdout.
#[derive(Serialize)]
pub(super) struct Report {
    calls: u32,
    accepted: u64,
    refused: u64,
    deliveries: u64,
    duration_ms: u64,
}

impl Tally {
    /// Counts a result, and returns whether the event was accepted.
    pub(super) fn count(&self, result: Result<Accepted, String>) -> bool {
        match result {
            Ok(accepted) => {
                self.accepted.fetch_add(1, Relaxed);
                self.deliveries.fetch_add(accepted.deliveries, Relaxed);
                true
            }
            Err(reason) => {
                self.refused.fetch_add(1, Relaxed);
                let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
                if reasons.len() < REASONS_MAX {
                    reasons.push(reason);
                }
                false
            }
        }
    }

    /// The counts.
    pub(super) fn report(&self, calls: u32, took: Duration) -> Report {
        Report {
            calls,
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            deliveries: self.deliveries.load(Relaxed),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// An error if any event was rejected.
    pub(super) fn verdict(&self) -> Result<(), CommandError> {
        let refused = self.refused.load(Relaxed);
        if refused == 0 {
            return Ok(());
        }
        let reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner).join("\n  ");
        let events = counted(i64::try_from(refused).unwrap_or(i64::MAX), "event");
        Err(anyhow::anyhow!("{events} rejected:\n  {reasons}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_rejection_is_reported_in_the_singular() {
        let tally = Tally::default();
        assert!(tally.verdict().is_ok());
        assert!(!tally.count(Err("the first".to_owned())));
        assert_eq!(tally.verdict().unwrap_err().to_string(), "1 event rejected:\n  the first");
        assert!(!tally.count(Err("the second".to_owned())));
        assert_eq!(tally.verdict().unwrap_err().to_string(), "2 events rejected:\n  the first\n  the second");
    }
}
