//! Figures for `/metrics`: what is counted while the engine works, and how the queue stands when somebody asks.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use domain::{UnixMs, error::Result, installation::health::CommitFigures};

use crate::{Engine, sender::following, store::deliveries::backlog};

/// How long an answer about the queue in the database is good for, in milliseconds: asking counts rows.
const QUEUE_KEPT_MS: i64 = 5_000;
/// Upper ends of the cells for durations, in seconds.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];
/// Upper ends of the cells for rows of a commit.
const ROWS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// One figure for `/metrics`.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Name, beginning with `offhook_`.
    pub name: &'static str,
    /// What it says, with its unit.
    pub help: &'static str,
    /// The value.
    pub value: Value,
}

/// What a figure says.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Only grows.
    Counter(f64),
    /// Grows and falls.
    Gauge(f64),
    /// How values were spread.
    Histogram {
        /// How many were at most this, by the upper end of each cell.
        upto: Vec<(f64, u64)>,
        /// How many there were.
        count: u64,
        /// All of them added up.
        sum: f64,
    },
}

/// How values are spread over fixed cells.
#[derive(Debug)]
pub struct Histogram {
    ends: &'static [f64],
    cells: Vec<AtomicU64>,
    /// In millionths, so that it can be added up without a lock.
    sum_millionths: AtomicU64,
}

impl Histogram {
    fn new(ends: &'static [f64]) -> Self {
        let cells = (0..=ends.len()).map(|_| AtomicU64::new(0)).collect();
        Self { ends, cells, sum_millionths: AtomicU64::new(0) }
    }

    fn add(&self, value: f64) {
        let cell = self.ends.iter().position(|end| value <= *end).unwrap_or(self.ends.len());
        self.cells[cell].fetch_add(1, Relaxed);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds and rows of one commit")]
        self.sum_millionths.fetch_add((value * 1e6) as u64, Relaxed);
    }

    fn value(&self) -> Value {
        let mut count = 0;
        let upto = self.ends.iter().zip(&self.cells).map(|(end, cell)| {
            count += cell.load(Relaxed);
            (*end, count)
        });
        let upto: Vec<_> = upto.collect();
        count += self.cells[self.ends.len()].load(Relaxed);
        Value::Histogram { upto, count, sum: number(self.sum_millionths.load(Relaxed)) / 1e6 }
    }
}

/// Group commits of one side: how many rows, and how long from the first statement to the end of the commit.
#[derive(Debug)]
pub struct Commits {
    rows: Histogram,
    seconds: Histogram,
}

impl Default for Commits {
    fn default() -> Self {
        Self { rows: Histogram::new(&ROWS), seconds: Histogram::new(&SECONDS) }
    }
}

impl Commits {
    /// How many there have been.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.rows.cells.iter().map(|cell| cell.load(Relaxed)).sum()
    }

    /// All of them together.
    #[must_use]
    pub fn figures(&self) -> CommitFigures {
        let millionths = |histogram: &Histogram| histogram.sum_millionths.load(Relaxed);
        CommitFigures {
            commits: self.count(),
            rows: millionths(&self.rows) / 1_000_000,
            total_us: millionths(&self.seconds),
        }
    }

    /// A commit of so many rows that took so long.
    pub fn add(&self, rows: usize, seconds: f64) {
        self.rows.add(number(rows as u64));
        self.seconds.add(seconds);
    }
}

/// How the queue in the database stood a moment ago.
#[derive(Debug, Default)]
pub struct QueueSeen(Mutex<Option<(UnixMs, backlog::Backlog)>>);

impl Engine {
    /// Figures for `/metrics`.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read.
    pub async fn figures(&self) -> Result<Vec<Figure>> {
        let mut figures = self.counted();
        figures.extend(self.in_hand());
        figures.extend(queue(&self.queue_now().await?, self.now()));
        figures.push(behind(following::behind_ms(self.sender()).await?));
        Ok(figures)
    }

    fn counted(&self) -> Vec<Figure> {
        let counters = &self.sender().counters;
        let counter = |name, help, value: &AtomicU64| {
            let value = Value::Counter(number(value.load(Relaxed)));
            Figure { name, help, value }
        };
        let spread = |name, help, histogram: &Histogram| Figure { name, help, value: histogram.value() };
        let (ingest, record, clean) = (&counters.ingest, &counters.record, &counters.clean);
        vec![
            counter("offhook_events_accepted_total", "Events accepted.", &counters.events),
            counter("offhook_attempts_delivered_total", "Attempts answered with 2xx.", &counters.delivered),
            counter("offhook_attempts_failed_total", "Attempts that failed.", &counters.failed_attempts),
            counter("offhook_deliveries_claimed_total", "Deliveries fetched from the database.", &counters.claimed),
            counter(
                "offhook_outcomes_fenced_total",
                "Outcomes dropped because another node took over.",
                &counters.fenced,
            ),
            spread("offhook_ingest_commit_events", "Events of a group commit.", &ingest.rows),
            spread("offhook_ingest_commit_seconds", "Time of a group commit of events, seconds.", &ingest.seconds),
            spread("offhook_record_commit_outcomes", "Outcomes of a group commit.", &record.rows),
            spread("offhook_record_commit_seconds", "Time of a group commit of outcomes, seconds.", &record.seconds),
            spread("offhook_clean_commit_rows", "Rows of a step of retention.", &clean.rows),
            spread("offhook_clean_commit_seconds", "Time of a step of retention, seconds.", &clean.seconds),
        ]
    }

    /// Deliveries in this node's memory, and attempts whose outcome is not recorded yet.
    pub(crate) fn queued(&self) -> (u64, u64) {
        let queues = self.sender().queues();
        (queues.len() as u64, queues.in_flight() as u64)
    }

    fn in_hand(&self) -> [Figure; 3] {
        let (in_memory, in_flight) = self.queued();
        [
            gauge("offhook_deliveries_in_memory", "Deliveries in this node's memory.", in_memory),
            gauge("offhook_attempts_in_flight", "Attempts whose outcome is not recorded yet.", in_flight),
            gauge("offhook_ingest_waiting", "Events waiting for a commit.", self.ingest().waiting() as u64),
        ]
    }

    pub(crate) async fn queue_now(&self) -> Result<backlog::Backlog> {
        let now = self.now();
        let kept = *self.queue_seen().0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, waiting)) = kept
            && now.since_ms(at).abs() < QUEUE_KEPT_MS
        {
            return Ok(waiting);
        }
        let waiting = backlog::count(self.db()).await?;
        *self.queue_seen().0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, waiting));
        Ok(waiting)
    }
}

fn queue(waiting: &backlog::Backlog, now: UnixMs) -> [Figure; 4] {
    let oldest_ms = waiting.oldest_due_ms.unwrap_or(0);
    let lag_ms = waiting.oldest_due_ms.map_or(0, |due| now.0.saturating_sub(due).max(0));
    [
        gauge(
            "offhook_deliveries_waiting",
            "Deliveries of active endpoints that wait in the database.",
            waiting.active,
        ),
        gauge("offhook_deliveries_held", "Deliveries held for paused and disabled endpoints.", waiting.held),
        seconds(
            "offhook_oldest_due_seconds",
            "When the longest due delivery was due, Unix time; 0 for none.",
            oldest_ms,
        ),
        seconds("offhook_lag_seconds", "How long the longest due delivery has been due.", lag_ms),
    ]
}

fn behind(ms: i64) -> Figure {
    let help = "Age of the oldest delivery that searches for phone numbers do not find by their index yet; 0 for none.";
    seconds("offhook_numbers_behind_seconds", help, ms)
}

fn seconds(name: &'static str, help: &'static str, ms: i64) -> Figure {
    Figure { name, help, value: Value::Gauge(number(ms.unsigned_abs()) / 1e3) }
}

fn gauge(name: &'static str, help: &'static str, value: u64) -> Figure {
    Figure { name, help, value: Value::Gauge(number(value)) }
}

#[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^52")]
const fn number(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_add_up_and_what_is_longer_than_all_is_counted() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        [0.5, 1.0, 1.5, 7.0].into_iter().for_each(|value| histogram.add(value));
        let expected = Value::Histogram { upto: vec![(1.0, 2), (2.0, 3)], count: 4, sum: 10.0 };
        assert_eq!(histogram.value(), expected);
    }
}
