//! What was reported of calls that have not ended: a bounded memory of one connector.

use std::collections::{HashMap, VecDeque};

use domain::error::FieldError;
use uuid::Uuid;

use super::{apply::Outcome, ended::Known};
use crate::event::CallEvent;

/// Most calls that are remembered. The oldest is forgotten first; its end then lacks what only its beginning stated.
const CALLS_MAX: usize = 10_000;

/// Calls that began or were answered.
#[derive(Debug, Default)]
pub struct Calls {
    known: HashMap<Uuid, Known>,
    order: VecDeque<Uuid>,
}

impl Calls {
    /// The event that an outcome gives, if any. The end of a call is remembered as well: a phone system that sends a request
    /// again gets the same event.
    ///
    /// # Errors
    /// The fields that are missing or wrong.
    pub fn fold(&mut self, outcome: Outcome) -> Result<Option<CallEvent>, Vec<FieldError>> {
        match outcome {
            Outcome::Started(event) => {
                self.of(event.payload.call_id()).begin(&event);
                Ok(Some(*event))
            }
            Outcome::Answered { call_id, at_s, extension } => {
                self.of(call_id).answer(at_s, extension);
                Ok(None)
            }
            Outcome::Ended(ended) => ended.complete(self.known.get(&ended.call_id)).map(Some),
            Outcome::Ignored | Outcome::Unmatched => Ok(None),
            Outcome::Failed(errors) => Err(errors),
        }
    }

    fn of(&mut self, call_id: Uuid) -> &mut Known {
        if !self.known.contains_key(&call_id) {
            if self.order.len() >= CALLS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
            self.order.push_back(call_id);
        }
        self.known.entry(call_id).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_call_is_forgotten_first() {
        let mut calls = Calls::default();
        for number in 0..=CALLS_MAX as u128 {
            let outcome = Outcome::Answered { call_id: Uuid::from_u128(number), at_s: 0, extension: None };
            assert_eq!(calls.fold(outcome), Ok(None));
        }
        assert_eq!(calls.known.len(), CALLS_MAX);
        assert!(!calls.known.contains_key(&Uuid::from_u128(0)));
        assert!(calls.known.contains_key(&Uuid::from_u128(CALLS_MAX as u128)));
    }
}
