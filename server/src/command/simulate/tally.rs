//! What became of the events that were played.

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
use crate::command::Failed;

/// How many refusals are told in full.
const TOLD_MAX: usize = 5;

/// Counts answers.
#[derive(Default)]
pub struct Tally {
    accepted: AtomicU64,
    refused: AtomicU64,
    deliveries: AtomicU64,
    told: Mutex<Vec<String>>,
}

/// The last line on stdout.
#[derive(Serialize)]
pub struct Report {
    calls: u32,
    accepted: u64,
    refused: u64,
    deliveries: u64,
    duration_ms: u64,
}

impl Tally {
    /// Counts an answer; says whether the event was accepted.
    pub fn count(&self, answer: Result<Accepted, String>) -> bool {
        match answer {
            Ok(accepted) => {
                self.accepted.fetch_add(1, Relaxed);
                self.deliveries.fetch_add(accepted.deliveries, Relaxed);
                true
            }
            Err(said) => {
                self.refused.fetch_add(1, Relaxed);
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                if told.len() < TOLD_MAX {
                    told.push(said);
                }
                false
            }
        }
    }

    /// The counts.
    pub fn report(&self, calls: u32, took: Duration) -> Report {
        Report {
            calls,
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            deliveries: self.deliveries.load(Relaxed),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Failed when anything was refused.
    pub fn verdict(&self) -> Result<(), Failed> {
        let refused = self.refused.load(Relaxed);
        if refused == 0 {
            return Ok(());
        }
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).join("\n  ");
        let events = counted(i64::try_from(refused).unwrap_or(i64::MAX), "event");
        Err(anyhow::anyhow!("{events} refused:\n  {told}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_refusal_is_told_in_the_singular() {
        let tally = Tally::default();
        assert!(tally.verdict().is_ok());
        assert!(!tally.count(Err("the first".to_owned())));
        assert_eq!(tally.verdict().unwrap_err().to_string(), "1 event refused:\n  the first");
        assert!(!tally.count(Err("the second".to_owned())));
        assert_eq!(tally.verdict().unwrap_err().to_string(), "2 events refused:\n  the first\n  the second");
    }
}
