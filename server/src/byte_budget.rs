//! How many bytes of bodies all requests hold together. A request takes its part as its body arrives, so that an announced
//! body that never comes costs nothing; and the beginning of each body costs nothing either, so that a few callers with
//! large bodies keep nobody from posting ordinary events. Those are bounded by the number of connections.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of each body that are not counted: far more than an ordinary event has.
const FREE_BYTES: usize = 16 * 1_024;

/// A number of bytes that requests share.
pub struct ByteBudget(Arc<Semaphore>);

/// The bytes of one body, returned when they are dropped.
#[derive(Debug, Default)]
pub struct HeldBytes {
    bytes: usize,
    counted: Option<OwnedSemaphorePermit>,
}

impl ByteBudget {
    /// A budget of this many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// Adds bytes to those of a body. False if too few are left.
    #[must_use]
    pub fn take(&self, bytes: usize, held: &mut HeldBytes) -> bool {
        let counted = |bytes: usize| bytes.saturating_sub(FREE_BYTES);
        let more = counted(held.bytes + bytes) - counted(held.bytes);
        let Ok(more) = u32::try_from(more) else { return false };
        let Ok(taken) = Arc::clone(&self.0).try_acquire_many_owned(more) else { return false };
        held.bytes += bytes;
        match &mut held.counted {
            Some(counted) => counted.merge(taken),
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
        let (mut one, mut other) = (HeldBytes::default(), HeldBytes::default());
        assert!(budget.take(FREE_BYTES + 4, &mut one) && budget.take(4, &mut one));
        assert!(!budget.take(FREE_BYTES + 3, &mut other), "2 are left");
        assert!(budget.take(FREE_BYTES, &mut other) && budget.take(2, &mut other));
        assert!(budget.take(FREE_BYTES, &mut HeldBytes::default()), "the beginning of a body needs none");
        drop(one);
        assert!(budget.take(8, &mut other) && !budget.take(1, &mut other));
    }
}
