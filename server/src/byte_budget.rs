//! How many bytes of bodies all requests hold together. A request takes its share as its body arrives, so that an
//! announced body that never comes costs nothing.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A number of bytes that requests share.
pub struct ByteBudget(Arc<Semaphore>);

/// A part of a budget, returned when it is dropped.
#[derive(Debug, Default)]
pub struct Share(Option<OwnedSemaphorePermit>);

impl ByteBudget {
    /// A budget of this many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// Adds bytes to a share. False if too few are left.
    #[must_use]
    pub fn take(&self, bytes: usize, share: &mut Share) -> bool {
        let Ok(bytes) = u32::try_from(bytes) else { return false };
        let Ok(taken) = Arc::clone(&self.0).try_acquire_many_owned(bytes) else { return false };
        match &mut share.0 {
            Some(held) => held.merge(taken),
            none => *none = Some(taken),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_can_be_taken_again() {
        let budget = ByteBudget::new(10);
        let (mut one, mut other) = (Share::default(), Share::default());
        assert!(budget.take(4, &mut one) && budget.take(4, &mut one));
        assert!(!budget.take(3, &mut other), "2 are left");
        assert!(budget.take(2, &mut other));
        drop(one);
        assert!(budget.take(8, &mut other) && !budget.take(1, &mut other));
    }
}
