//! The results of an import.

use connect::records::Counts;
use domain::time::counted;
use serde::Serialize;

use super::batch::Posted;
use crate::command::CommandError;

/// What became of rows and events, as printed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    #[serde(flatten)]
    pub(super) counts: RowsJson,
    /// Events that were accepted.
    pub(super) accepted: u64,
    /// Events that were known already.
    pub(super) known: u64,
    /// Calls that no route leads to an account.
    pub(super) unrouted: u64,
    /// Events that were rejected.
    pub(super) rejected: u64,
    #[serde(skip)]
    pub(super) paused: u64,
    #[serde(skip)]
    pub(super) stopped_early: bool,
}

/// What became of rows.
#[derive(Debug, Default, Serialize)]
pub(super) struct RowsJson {
    rows: u64,
    events: u64,
    ignored: u64,
    not_understood: u64,
}

impl From<Counts> for RowsJson {
    fn from(counts: Counts) -> Self {
        let Counts { rows, events, ignored, not_understood } = counts;
        Self { rows, events, ignored, not_understood }
    }
}

impl Tally {
    /// Counts a result; returns the reason of a rejected event.
    pub(super) fn count(&mut self, posted: Posted) -> Option<String> {
        match posted {
            Posted::Accepted => self.accepted += 1,
            Posted::Known => self.known += 1,
            Posted::Unrouted => self.unrouted += 1,
            Posted::Paused => self.paused += 1,
            Posted::Rejected(reason) => {
                self.rejected += 1;
                return Some(reason);
            }
        }
        None
    }

    /// An error if not everything in the file is stored now, or of no interest.
    pub(super) fn verdict(&self) -> Result<(), CommandError> {
        let number = |n: u64, noun: &str| counted(i64::try_from(n).unwrap_or(i64::MAX), noun);
        let troubles = [
            (self.counts.not_understood, number(self.counts.not_understood, "row") + " not understood"),
            (self.rejected, number(self.rejected, "event") + " rejected"),
            (self.unrouted, number(self.unrouted, "event") + " without a route: add routes and import the file again"),
            (self.paused, number(self.paused, "event") + " dropped: the connector is paused"),
            (u64::from(self.stopped_early), "the file was not read to its end".to_owned()),
        ];
        let troubles: Vec<_> = troubles.into_iter().filter(|(n, _)| *n > 0).map(|(_, text)| text).collect();
        if troubles.is_empty() { Ok(()) } else { Err(anyhow::anyhow!(troubles.join("; ")).into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_succeeds_if_everything_is_stored_or_of_no_interest() {
        let mut tally = Tally::default();
        assert!(tally.count(Posted::Known).is_none() && tally.count(Posted::Accepted).is_none());
        tally.counts.ignored = 3;
        assert!(tally.verdict().is_ok());
        tally.counts.not_understood = 1;
        assert_eq!(tally.count(Posted::Rejected("422: no".to_owned())).as_deref(), Some("422: no"));
        assert_eq!(tally.verdict().unwrap_err().to_string(), "1 row not understood; 1 event rejected");
    }
}
