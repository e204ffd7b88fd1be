//! Memory reserved for deliveries whose transaction has not ended. Several transactions run at once and each leases many:
//! what one of them will bring counts for the others from the moment it is leased.

use std::sync::{Arc, Mutex, PoisonError};

use super::{leased::LeasedDelivery, memory_budget::Source, queues::Queues, sender::Sender};

/// Reserved memory. What was not used is freed on drop, for example after a failed commit.
pub(super) struct Reservation {
    queues: Arc<Mutex<Queues>>,
    deliveries: Vec<(Arc<str>, usize)>,
}

impl Reservation {
    /// Reserves memory for a delivery of this many bytes. False when it does not fit: it then waits in the database.
    pub(super) fn reserve(&mut self, endpoint: &Arc<str>, bytes: usize, source: Source) -> bool {
        let fits = self.queues.lock().unwrap_or_else(PoisonError::into_inner).reserve(endpoint, bytes, source);
        if fits {
            self.deliveries.push((endpoint.clone(), bytes));
        }
        fits
    }

    /// Queues the leased deliveries. Returns how many were refused because they are queued already.
    fn fill(mut self, leased: Vec<LeasedDelivery>) -> usize {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        self.deliveries.drain(..).for_each(|(endpoint, bytes)| queues.free(&endpoint, bytes));
        leased.into_iter().map(|delivery| queues.push(delivery)).filter(|new| !new).count()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        self.deliveries.drain(..).for_each(|(endpoint, bytes)| queues.free(&endpoint, bytes));
    }
}

impl Sender {
    /// An empty reservation.
    pub(super) fn reservation(&self) -> Reservation {
        Reservation { queues: self.dispatch.queues.clone(), deliveries: Vec::new() }
    }

    /// Queues leased deliveries whose transaction is committed.
    pub(super) fn enqueue_leased(&self, reservation: Reservation, leased: Vec<LeasedDelivery>) {
        if reservation.fill(leased) > 0 {
            // The lease exists, and it is not certain that the queued copy will end it.
            self.mark_uncertain();
        }
    }
}
