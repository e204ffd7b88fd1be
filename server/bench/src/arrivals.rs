//! What the receivers received.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::clock::{sleep_ms, stopwatch};

/// What arrived and when, by the number at the end of the event id.
pub(crate) struct Arrivals {
    started: Instant,
    arrived_us: Vec<AtomicU64>,
    distinct: AtomicU64,
    repeats: AtomicU64,
}

impl Arrivals {
    /// For events numbered below `events`.
    pub(crate) fn new(events: u64) -> Arc<Self> {
        let arrived_us = (0..events).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { started: stopwatch(), arrived_us, distinct: AtomicU64::new(0), repeats: AtomicU64::new(0) })
    }

    /// Microseconds since the start; never 0.
    pub(crate) fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// Records an arrival by its event id.
    pub(crate) fn record_id(&self, id: &str) {
        let number = id.rsplit('-').next().and_then(|n| n.parse().ok());
        number.into_iter().for_each(|n| self.record(n));
    }

    /// Records that the event with this number arrived.
    pub(crate) fn record(&self, n: u64) {
        let Some(cell) = usize::try_from(n).ok().and_then(|n| self.arrived_us.get(n)) else { return };
        if cell.compare_exchange(0, self.now_us(), Relaxed, Relaxed).is_ok() {
            self.distinct.fetch_add(1, Relaxed);
        } else {
            self.repeats.fetch_add(1, Relaxed);
        }
    }

    /// When an event arrived, in microseconds since the start.
    pub(crate) fn arrived_us(&self, n: u64) -> Option<u64> {
        let cell = self.arrived_us.get(usize::try_from(n).ok()?)?;
        Some(cell.load(Relaxed)).filter(|us| *us > 0)
    }

    /// When the last event arrived.
    pub(crate) fn last_us(&self) -> u64 {
        self.arrived_us.iter().map(|cell| cell.load(Relaxed)).max().unwrap_or_default()
    }

    /// Number of distinct events that arrived.
    pub(crate) fn distinct(&self) -> u64 {
        self.distinct.load(Relaxed)
    }

    /// Number of repeated arrivals.
    pub(crate) fn repeats(&self) -> u64 {
        self.repeats.load(Relaxed)
    }

    /// Waits until this many have arrived; gives up if nothing arrives for `patience`.
    pub(crate) async fn wait_for(&self, events: u64, patience: Duration) -> bool {
        let (mut seen, mut since) = (self.distinct(), stopwatch());
        while self.distinct() < events {
            if self.distinct() > seen {
                (seen, since) = (self.distinct(), stopwatch());
            }
            if since.elapsed() > patience {
                return false;
            }
            sleep_ms(2).await;
        }
        true
    }
}
