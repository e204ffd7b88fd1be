//! Room in memory for deliveries whose transaction has not ended. Several transactions run at once, and each takes many: what
//! one of them will bring counts for the others from the moment it is leased.

use std::sync::{Arc, Mutex, PoisonError};

use super::{
    Sender,
    lane::{Job, Queues},
    room::Source,
};

/// Reserved room. What was not filled is given back when this is dropped, as after a commit that failed.
pub struct Reserved {
    queues: Arc<Mutex<Queues>>,
    places: Vec<(Arc<str>, usize)>,
}

impl Reserved {
    /// Reserves room for a delivery of so many bytes. False when it has none: it waits in the database.
    pub fn one(&mut self, endpoint: &Arc<str>, bytes: usize, source: Source) -> bool {
        let fits = self.queues.lock().unwrap_or_else(PoisonError::into_inner).reserve(endpoint, bytes, source);
        if fits {
            self.places.push((endpoint.clone(), bytes));
        }
        fits
    }

    /// Puts deliveries in hand. Returns how many were refused, since they are in hand already.
    fn fill(mut self, jobs: Vec<Job>) -> usize {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        self.places.drain(..).for_each(|(endpoint, bytes)| queues.give_back(&endpoint, bytes));
        jobs.into_iter().map(|job| queues.push(job)).filter(|new| !new).count()
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        self.places.drain(..).for_each(|(endpoint, bytes)| queues.give_back(&endpoint, bytes));
    }
}

impl Sender {
    /// No room yet.
    pub(super) fn reserve(&self) -> Reserved {
        Reserved { queues: self.queues.clone(), places: Vec::new() }
    }

    /// Puts deliveries in hand whose transaction is committed.
    pub(super) fn take_in_hand(&self, reserved: Reserved, jobs: Vec<Job>) {
        if reserved.fill(jobs) > 0 {
            // The lease stands, and whether the one in hand will end it is not sure.
            self.mark_uncertain();
        }
    }
}
