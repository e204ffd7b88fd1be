//! What was reported of calls whose end may leave it out: a bounded memory of one connector, which is stored between requests.

use std::collections::{HashMap, VecDeque};

use domain::error::FieldError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{apply::Outcome, ended::Known};
use crate::event::CallEvent;

/// Most open calls that are remembered, about 4 MiB. The oldest is forgotten first; its end then lacks what only its
/// beginning stated.
const OPEN_MAX: usize = 10_000;
/// Most calls that have ended: a phone system that sends a request again gets the same event.
const ENDED_MAX: usize = 100;
/// How long a call is remembered after its latest request, in seconds. Ends get lost.
const REMEMBERED_S: i64 = 24 * 3_600;

/// Calls that began or were answered.
#[derive(Debug, Default)]
pub struct Calls {
    known: HashMap<Uuid, Remembered>,
    /// In the order of their first requests.
    open: VecDeque<Uuid>,
    /// In the order of their ends.
    ended: VecDeque<Uuid>,
    is_changed: bool,
}

/// All that is remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Snapshot(Vec<(Uuid, Remembered)>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Remembered {
    at_s: i64,
    is_ended: bool,
    #[serde(flatten)]
    known: Known,
}

impl Calls {
    /// Continues with the calls of a snapshot.
    #[must_use]
    pub fn restore(snapshot: Snapshot) -> Self {
        let mut calls = Self::default();
        for (call_id, remembered) in snapshot.0 {
            let queue = if remembered.is_ended { &mut calls.ended } else { &mut calls.open };
            queue.push_back(call_id);
            calls.known.insert(call_id, remembered);
        }
        calls
    }

    /// All calls, if any has changed since they were restored.
    #[must_use]
    pub fn changed(&self) -> Option<Snapshot> {
        let of = |call_id: &Uuid| self.known.get(call_id).map(|remembered| (*call_id, remembered.clone()));
        self.is_changed.then(|| Snapshot(self.ended.iter().chain(&self.open).filter_map(of).collect()))
    }

    /// How many calls have begun and not ended.
    #[must_use]
    pub fn count_open(&self) -> usize {
        self.open.len()
    }

    /// Whether folding this outcome may change what is remembered.
    #[must_use]
    pub fn concerns(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Started(_) | Outcome::Answered { .. } => true,
            Outcome::Ended(ended) => self.known.get(&ended.call_id).is_some_and(|remembered| !remembered.is_ended),
            Outcome::Ignored | Outcome::Unmatched | Outcome::Failed(_) => false,
        }
    }

    /// The event that an outcome gives, if any, at this Unix time in seconds.
    ///
    /// # Errors
    /// The fields that are missing or wrong.
    pub fn fold(&mut self, outcome: Outcome, now_s: i64) -> Result<Option<CallEvent>, Vec<FieldError>> {
        match outcome {
            Outcome::Started(event) => {
                self.of(event.payload.call_id(), now_s).begin(&event);
                Ok(Some(*event))
            }
            Outcome::Answered { call_id, at_s, extension } => {
                self.of(call_id, now_s).answer(at_s, extension);
                Ok(None)
            }
            Outcome::Ended(ended) => {
                let event = ended.complete(self.known.get(&ended.call_id).map(|remembered| &remembered.known))?;
                self.end(ended.call_id);
                Ok(Some(event))
            }
            Outcome::Ignored | Outcome::Unmatched => Ok(None),
            Outcome::Failed(errors) => Err(errors),
        }
    }

    fn of(&mut self, call_id: Uuid, now_s: i64) -> &mut Known {
        self.is_changed = true;
        if !self.known.contains_key(&call_id) {
            self.forget(now_s);
            self.open.push_back(call_id);
        }
        let new = || Remembered { at_s: now_s, is_ended: false, known: Known::default() };
        let remembered = self.known.entry(call_id).or_insert_with(new);
        remembered.at_s = now_s;
        &mut remembered.known
    }

    fn end(&mut self, call_id: Uuid) {
        let Some(remembered) = self.known.get_mut(&call_id).filter(|remembered| !remembered.is_ended) else { return };
        remembered.is_ended = true;
        self.is_changed = true;
        self.open.retain(|open| *open != call_id);
        self.ended.push_back(call_id);
        if self.ended.len() > ENDED_MAX
            && let Some(oldest) = self.ended.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Makes room for another call.
    fn forget(&mut self, now_s: i64) {
        for queue in [&mut self.open, &mut self.ended] {
            let known = &mut self.known;
            let is_old = |call_id: &Uuid, known: &HashMap<Uuid, Remembered>| {
                known.get(call_id).is_none_or(|remembered| remembered.at_s < now_s - REMEMBERED_S)
            };
            while queue.front().is_some_and(|oldest| queue.len() >= OPEN_MAX || is_old(oldest, known))
                && let Some(oldest) = queue.pop_front()
            {
                known.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(number: u128) -> Outcome {
        Outcome::Answered { call_id: Uuid::from_u128(number), at_s: 0, extension: None }
    }

    fn restored(calls: &Calls) -> Calls {
        Calls::restore(calls.changed().unwrap())
    }

    #[test]
    fn the_oldest_call_is_forgotten_first() {
        let mut calls = Calls::default();
        for number in 0..=OPEN_MAX as u128 {
            assert_eq!(calls.fold(answered(number), 0), Ok(None));
        }
        assert_eq!((calls.known.len(), calls.count_open()), (OPEN_MAX, OPEN_MAX));
        assert!(!calls.known.contains_key(&Uuid::from_u128(0)));
        assert!(calls.known.contains_key(&Uuid::from_u128(OPEN_MAX as u128)));
    }

    #[test]
    fn a_snapshot_of_the_most_calls_fits_into_its_limit() {
        let mut calls = Calls::default();
        for number in 0..OPEN_MAX as u128 {
            calls.fold(answered(number), 0).unwrap();
            let known = &mut calls.known.get_mut(&Uuid::from_u128(number)).unwrap().known;
            known.extension = Some("x".repeat(64));
            known.beginning = Some(super::super::ended::Beginning {
                direction: crate::event::CallType::Outgoing,
                caller: "0".repeat(64),
                callee: "0".repeat(64),
                route: crate::event::Route {
                    dialled: None,
                    presented: Some("0".repeat(64)),
                    extension: Some("x".repeat(64)),
                    context: Some("x".repeat(64)),
                },
            });
        }
        let saved = serde_json::to_vec(&calls.changed().unwrap()).unwrap();
        assert!(saved.len() <= domain::connector::OPEN_CALLS_MAX_BYTES, "not even compressed");
    }

    #[test]
    fn calls_continue_from_a_snapshot_and_only_changes_are_saved() {
        let mut calls = Calls::default();
        assert!(calls.changed().is_none());
        calls.fold(answered(1), 5).unwrap();
        calls.fold(answered(2), 6).unwrap();
        calls.end(Uuid::from_u128(1));
        let mut calls = restored(&calls);
        assert!(calls.changed().is_none());
        assert_eq!((calls.count_open(), calls.ended.len()), (1, 1));
        assert!(calls.known[&Uuid::from_u128(1)].is_ended);
        calls.end(Uuid::from_u128(1));
        assert!(calls.changed().is_none(), "it had ended before");
    }

    #[test]
    fn a_call_without_an_end_is_forgotten_after_a_day() {
        let mut calls = Calls::default();
        calls.fold(answered(1), 0).unwrap();
        calls.fold(answered(2), REMEMBERED_S).unwrap();
        assert_eq!(calls.count_open(), 2);
        calls.fold(answered(3), REMEMBERED_S + 1).unwrap();
        assert!(!calls.known.contains_key(&Uuid::from_u128(1)) && calls.count_open() == 2);
    }
}
