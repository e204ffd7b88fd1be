//! How the attempts to reach someone ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::input::{Cause, DialStatus};

/// Attempts that have not ended are kept up to this number per call; their ends may get lost.
const PENDING_MAX: usize = 500;

/// How an attempt ended; the best last. Of several phones, one that rang says more than one that was busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum LegResult {
    /// The caller, or another phone, was first.
    Cancelled,
    /// It could not be connected.
    Failed,
    /// Busy or rejected.
    Busy,
    /// It rang.
    NotAnswered,
}

/// Derives the result of an attempt. The status alone is not enough: `NOANSWER` also means a wrong number (404) and a
/// rejected call (603).
pub(super) fn leg_result(status: DialStatus, cause: Option<Cause>) -> Option<LegResult> {
    match (status, cause) {
        (DialStatus::Answered, _) => None,
        (DialStatus::Cancelled, _) => Some(LegResult::Cancelled),
        (_, Some(17 | 21)) => Some(LegResult::Busy),
        (_, Some(18 | 19 | 102)) => Some(LegResult::NotAnswered),
        (DialStatus::Busy, None | Some(0 | 16 | 26 | 127)) => Some(LegResult::Busy),
        (DialStatus::NotAnswered, None | Some(0 | 16 | 26 | 127)) => Some(LegResult::NotAnswered),
        _ => Some(LegResult::Failed),
    }
}

/// An attempt to reach a channel.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Attempt {
    /// The number, if it leads outside.
    dialled: Option<String>,
    status: Option<DialStatus>,
    cause: Option<Cause>,
}

/// A result with its cause.
pub(super) type Caused = (LegResult, Option<Cause>);

/// All attempts of a call. Only those that have not ended are kept one by one: a queue rings phones for hours.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Attempts {
    pending: Vec<(String, Attempt)>,
    ended: BTreeMap<LegResult, Option<Cause>>,
    last: Option<Caused>,
}

impl Attempts {
    /// A channel is being called.
    pub(super) fn begin(&mut self, channel_id: &str, dialled: Option<String>) {
        if self.pending.len() >= PENDING_MAX {
            self.pending.remove(0);
        }
        if self.find(channel_id).is_none() {
            self.pending.reserve_exact(1);
            self.pending.push((channel_id.to_owned(), Attempt { dialled, ..Attempt::default() }));
        }
    }

    /// The number that was dialled to reach a channel.
    pub(super) fn dialled(&self, channel_id: &str) -> Option<&String> {
        self.find(channel_id).and_then(|attempt| attempt.dialled.as_ref())
    }

    fn find(&self, channel_id: &str) -> Option<&Attempt> {
        self.pending.iter().find(|(id, _)| id == channel_id).map(|(_, attempt)| attempt)
    }

    fn find_mut(&mut self, channel_id: &str) -> Option<&mut Attempt> {
        self.pending.iter_mut().find(|(id, _)| id == channel_id).map(|(_, attempt)| attempt)
    }

    /// A channel is no longer being called. The first report counts: a queue sends two per phone.
    pub(super) fn end(&mut self, channel_id: &str, status: DialStatus) {
        if let Some(attempt) = self.find_mut(channel_id) {
            attempt.status = attempt.status.or(Some(status));
        }
    }

    /// A channel is being called no longer, and its own end came first.
    pub(super) fn end_late(&mut self, channel_id: &str, status: DialStatus) {
        self.end(channel_id, status);
        self.settle(channel_id);
    }

    /// Why a channel hung up. The first cause counts, except 0, which means unknown.
    pub(super) fn caused(&mut self, channel_id: &str, cause: Option<Cause>) {
        if let Some(attempt) = self.find_mut(channel_id) {
            attempt.cause = attempt.cause.or(cause.filter(|cause| *cause != 0));
        }
    }

    /// Counts the attempt, if its end was reported: its channel no longer exists.
    pub(super) fn settle(&mut self, channel_id: &str) {
        let is_over = |(id, attempt): &(String, Attempt)| id == channel_id && attempt.status.is_some();
        if let Some(at) = self.pending.iter().position(is_over) {
            let (_, attempt) = self.pending.remove(at);
            self.count(&attempt);
        }
    }

    fn count(&mut self, attempt: &Attempt) {
        if let Some(result) = attempt.status.and_then(|status| leg_result(status, attempt.cause)) {
            self.ended.entry(result).or_insert(attempt.cause);
            self.last = Some((result, attempt.cause));
        }
    }

    /// Adds a result that a call record states.
    pub(super) fn record(&mut self, status: DialStatus, cause: Option<Cause>) {
        self.count(&Attempt { dialled: None, status: Some(status), cause });
    }

    /// Counts all attempts: the call has ended.
    pub(super) fn settle_all(&mut self) {
        for (_, attempt) in std::mem::take(&mut self.pending) {
            self.count(&attempt);
        }
    }

    pub(super) fn best(&self) -> Option<Caused> {
        self.ended.last_key_value().map(|(result, cause)| (*result, *cause))
    }

    pub(super) fn last(&self) -> Option<Caused> {
        self.last
    }

    /// IDs of the channels whose attempts have not ended.
    pub(super) fn channels(&self) -> impl Iterator<Item = &String> {
        self.pending.iter().map(|(id, _)| id)
    }

    pub(super) fn is_pending(&self, channel_id: &str) -> bool {
        self.find(channel_id).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_corrects_the_status() {
        use DialStatus::{Answered, Busy, Cancelled, Failed, NotAnswered};
        for (status, cause, result) in [
            (NotAnswered, Some(0), Some(LegResult::NotAnswered)),
            (NotAnswered, Some(21), Some(LegResult::Busy)),
            (NotAnswered, Some(1), Some(LegResult::Failed)),
            (NotAnswered, Some(19), Some(LegResult::NotAnswered)),
            (Busy, None, Some(LegResult::Busy)),
            (Failed, Some(102), Some(LegResult::NotAnswered)),
            (Failed, Some(16), Some(LegResult::Failed)),
            (Cancelled, Some(17), Some(LegResult::Cancelled)),
            (Answered, Some(16), None),
        ] {
            assert_eq!(leg_result(status, cause), result, "{status:?} {cause:?}");
        }
    }

    #[test]
    fn a_phone_that_rang_says_more_than_one_that_was_busy_and_the_first_end_counts() {
        let mut attempts = Attempts::default();
        for channel in ["a", "b"] {
            attempts.begin(channel, None);
        }
        attempts.end("a", DialStatus::NotAnswered);
        attempts.end("a", DialStatus::Cancelled);
        attempts.caused("b", Some(0));
        attempts.caused("b", Some(17));
        attempts.end("b", DialStatus::Busy);
        attempts.settle("b");
        assert_eq!(attempts.best(), Some((LegResult::Busy, Some(17))));
        attempts.settle_all();
        assert_eq!(attempts.best(), Some((LegResult::NotAnswered, None)));
        assert_eq!(attempts.last(), Some((LegResult::NotAnswered, None)));
    }

    #[test]
    fn attempts_whose_end_is_lost_are_bounded() {
        let mut attempts = Attempts::default();
        for n in 0..PENDING_MAX * 2 {
            attempts.begin(&n.to_string(), None);
        }
        assert_eq!(attempts.channels().count(), PENDING_MAX);
    }
}
