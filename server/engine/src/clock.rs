//! The real clock and the real source of ids. Everything else gets them as parameters.

use crate::random;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use domain::{
    UnixMs,
    id::{Entropy, Ids},
    time::Clock,
};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> UnixMs {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that follows another: the local one, corrected by how far it was found to be ahead.
pub struct SteeredClock {
    local: Arc<dyn Clock>,
    ahead_ms: AtomicI64,
}

impl SteeredClock {
    /// A clock that is not corrected yet.
    pub fn new(local: Arc<dyn Clock>) -> Self {
        Self { local, ahead_ms: AtomicI64::new(0) }
    }

    /// The time without the correction.
    pub fn local(&self) -> UnixMs {
        self.local.now()
    }

    /// How far the local clock is ahead, in milliseconds; negative when it is behind.
    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// The local clock was found to be ahead by this much. Returns what it was before.
    pub(crate) fn correct(&self, ahead_ms: i64) -> i64 {
        self.ahead_ms.swap(ahead_ms, Ordering::Relaxed)
    }
}

impl Clock for SteeredClock {
    fn now(&self) -> UnixMs {
        self.local.now().plus_ms(-self.ahead_ms())
    }
}

/// A moment to measure a duration from. It is independent of the clock that rules use, which may be set back.
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts a stopwatch")]
pub fn stopwatch() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Sleeps between two rounds of a loop; no rule depends on it.
#[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
pub async fn sleep_ms(ms: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
}

/// Ids that only grow: within one millisecond, when the clock steps back, and when that happens between two runs.
pub struct GrowingIds {
    clock: Arc<dyn Clock>,
    last: Mutex<(UnixMs, Entropy)>,
}

/// Bits of a `UUIDv7` that are not time, version or variant.
const ENTROPY_BITS: u32 = 74;
/// Greatest random step between two ids of one millisecond, in bits: ids stay hard to guess and never run out.
const STEP_BITS: u32 = 48;

impl GrowingIds {
    /// A source that uses this clock and continues after `latest`, the greatest id of earlier runs.
    pub fn new(clock: Arc<dyn Clock>, latest: Option<(UnixMs, Entropy)>) -> Self {
        Self { clock, last: Mutex::new(latest.unwrap_or((UnixMs(0), 0))) }
    }
}

impl Ids for GrowingIds {
    fn next(&self) -> (UnixMs, Entropy) {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let random: u128 = random::any();
        *last = if now > last.0 {
            // The top bit stays free, so that steps within the millisecond have room.
            (now, random >> (129 - ENTROPY_BITS))
        } else {
            let next = last.1 + 1 + (random >> (128 - STEP_BITS));
            if next >> ENTROPY_BITS == 0 { (last.0, next) } else { (last.0.plus_ms(1), random >> (129 - ENTROPY_BITS)) }
        };
        *last
    }
}

#[cfg(test)]
mod tests {
    use domain::id::DeliveryId;

    use super::*;

    struct Stepping(AtomicI64);
    impl Clock for Stepping {
        fn now(&self) -> UnixMs {
            // Forward, unchanged, back: whatever a clock may do.
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            UnixMs(1_000_000 + n % 7 - n % 5)
        }
    }

    #[test]
    fn ids_only_grow_even_when_the_clock_steps_back() {
        let ids = GrowingIds::new(Arc::new(Stepping(AtomicI64::new(0))), None);
        let made: Vec<DeliveryId> =
            (0..10_000).map(|_| ids.next()).map(|(at, entropy)| DeliveryId::new(at, entropy)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_later_run_continues_after_the_previous_one() {
        let before = (UnixMs(9_000_000), 7);
        let ids = GrowingIds::new(Arc::new(Stepping(AtomicI64::new(0))), Some(before));
        let (at, entropy) = ids.next();
        assert!(at == before.0 && entropy > before.1);
    }
}
