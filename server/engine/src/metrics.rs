//! What is counted while the engine works, and the form in which `/metrics` gets it.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use domain::{UnixMs, cause::Cause, ops::health::CommitStats};

use crate::store::{db::Db, deliveries::backlog, error::StoreResult};

/// How long the counts of the backlog are cached, in milliseconds: counting reads rows.
const BACKLOG_CACHED_MS: i64 = 5_000;
/// Upper bounds of the buckets for durations, in seconds.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];
/// Upper bounds of the buckets for rows of a commit.
const ROWS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// One metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Name, beginning with `offhook_`.
    pub name: &'static str,
    /// What it measures, with its unit.
    pub help: &'static str,
    /// The value.
    pub value: Value,
}

impl Metric {
    pub(crate) fn counter(name: &'static str, help: &'static str, counter: &AtomicU64) -> Self {
        Self { name, help, value: Value::Counter(number(counter.load(Relaxed))) }
    }

    pub(crate) const fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, value: Value::Gauge(number(value)) }
    }

    pub(crate) fn seconds(name: &'static str, help: &'static str, ms: i64) -> Self {
        Self { name, help, value: Value::Gauge(number(ms.unsigned_abs()) / 1e3) }
    }

    pub(crate) fn signed_seconds(name: &'static str, help: &'static str, ms: i64) -> Self {
        let Self { value, .. } = Self::seconds(name, help, ms);
        match value {
            Value::Gauge(seconds) if ms < 0 => Self { name, help, value: Value::Gauge(-seconds) },
            value => Self { name, help, value },
        }
    }

    pub(crate) fn histogram(name: &'static str, help: &'static str, histogram: &Histogram) -> Self {
        Self { name, help, value: histogram.value() }
    }

    /// A metric with one label.
    pub(crate) fn by<T: Into<String>>(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        values: impl IntoIterator<Item = (T, Value)>,
    ) -> Self {
        let values = values.into_iter().map(|(of, value)| (vec![(label, of.into())], value));
        Self { name, help, value: Value::Family(values.collect()) }
    }
}

/// Names and values of labels.
pub type Labels = Vec<(&'static str, String)>;

/// The value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Several of one kind, distinguished by labels. Their values come from a fixed set or have a limit: each is a time
    /// series.
    Family(Vec<(Labels, Self)>),
    /// Only grows.
    Counter(f64),
    /// Grows and falls.
    Gauge(f64),
    /// A distribution.
    Histogram {
        /// Upper bound of each bucket, and how many values were at most that.
        buckets: Vec<(f64, u64)>,
        /// How many values there were.
        count: u64,
        /// Their sum.
        sum: f64,
    },
}

impl Value {
    /// A counter.
    #[must_use]
    pub const fn counter(value: u64) -> Self {
        Self::Counter(number(value))
    }

    /// A gauge.
    #[must_use]
    pub const fn gauge(value: u64) -> Self {
        Self::Gauge(number(value))
    }
}

/// A distribution over fixed buckets.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    buckets: Vec<AtomicU64>,
    /// In millionths, so that it can be added to without a lock.
    sum_millionths: AtomicU64,
}

impl Histogram {
    /// An empty distribution. `bounds` are the upper bounds of the buckets, ascending.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, sum_millionths: AtomicU64::new(0) }
    }

    /// Adds a value.
    pub fn add(&self, value: f64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.buckets[bucket].fetch_add(1, Relaxed);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds, and rows of one commit")]
        self.sum_millionths.fetch_add((value * 1e6) as u64, Relaxed);
    }

    /// Its value now.
    #[must_use]
    pub fn value(&self) -> Value {
        let mut count = 0;
        let buckets = self.bounds.iter().zip(&self.buckets).map(|(bound, bucket)| {
            count += bucket.load(Relaxed);
            (*bound, count)
        });
        let buckets: Vec<_> = buckets.collect();
        count += self.buckets[self.bounds.len()].load(Relaxed);
        Value::Histogram { buckets, count, sum: number(self.sum_millionths.load(Relaxed)) / 1e6 }
    }
}

/// Group commits of one kind: how many rows, and the time from the first statement to the end of the commit.
#[derive(Debug)]
pub struct Commits {
    pub(crate) rows: Histogram,
    pub(crate) seconds: Histogram,
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
        self.rows.buckets.iter().map(|bucket| bucket.load(Relaxed)).sum()
    }

    /// All of them together.
    #[must_use]
    pub fn totals(&self) -> CommitStats {
        let millionths = |histogram: &Histogram| histogram.sum_millionths.load(Relaxed);
        CommitStats {
            commits: self.count(),
            rows: millionths(&self.rows) / 1_000_000,
            total_us: millionths(&self.seconds),
        }
    }

    /// Adds a commit.
    pub fn add(&self, rows: usize, seconds: f64) {
        self.rows.add(number(rows as u64));
        self.seconds.add(seconds);
    }
}

/// Upper bounds of the buckets for the duration of an attempt, in seconds. An endpoint's time limit is at most 30 s.
const ATTEMPT_SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0];

/// Attempts: how many succeeded, why others failed, and how long they took.
#[derive(Debug)]
pub struct Attempts {
    delivered: AtomicU64,
    /// By the code of the cause.
    failed: Mutex<BTreeMap<&'static str, u64>>,
    seconds: Histogram,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { delivered: AtomicU64::new(0), failed: Mutex::default(), seconds: Histogram::new(&ATTEMPT_SECONDS) }
    }
}

impl Attempts {
    /// Adds an attempt that took this long. `cause` says why it failed, if it did.
    pub(crate) fn add(&self, duration_ms: u32, cause: Option<Cause>) {
        self.seconds.add(f64::from(duration_ms) / 1e3);
        match cause {
            None => count(&self.delivered, 1),
            Some(cause) => {
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner).entry(cause.code()).or_default() += 1;
            }
        }
    }

    fn metrics(&self) -> [Metric; 3] {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let failed = failed.into_iter().map(|(cause, n)| (cause, Value::counter(n)));
        [
            Metric::counter("offhook_attempts_delivered_total", "Attempts with a 2xx response.", &self.delivered),
            Metric::by("offhook_attempts_failed_total", "Attempts that failed, by cause.", "cause", failed),
            Metric::histogram("offhook_attempt_duration_seconds", "Duration of attempts, seconds.", &self.seconds),
        ]
    }
}

/// Emails that ended.
#[derive(Debug, Default)]
pub struct Emails {
    /// Accepted by the mail server.
    pub(crate) sent: AtomicU64,
    /// Given up.
    pub(crate) failed: AtomicU64,
    /// Not queued, because there were too many within an hour.
    pub(crate) dropped: AtomicU64,
}

/// What is counted since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Events accepted.
    pub events: AtomicU64,
    /// Group commits of events.
    pub intake: Commits,
    /// Attempts that were recorded.
    pub attempts: Attempts,
    /// Emails.
    pub emails: Emails,
    /// Group commits of outcomes.
    pub record: Commits,
    /// Transactions that delete what is past retention.
    pub clean: Commits,
    /// Deliveries claimed from the database rather than queued in memory when they were accepted.
    pub claimed: AtomicU64,
    /// Outcomes whose lease was gone.
    pub fenced: AtomicU64,
}

impl Counters {
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let (counter, histogram) = (Metric::counter, Metric::histogram);
        let (intake, record, clean) = (&self.intake, &self.record, &self.clean);
        let mut metrics = vec![
            counter("offhook_events_accepted_total", "Events accepted.", &self.events),
            counter("offhook_deliveries_claimed_total", "Deliveries claimed from the database.", &self.claimed),
            counter("offhook_outcomes_fenced_total", "Outcomes dropped because another node took over.", &self.fenced),
            histogram("offhook_ingest_commit_events", "Events of a group commit.", &intake.rows),
            histogram("offhook_ingest_commit_seconds", "Time of a group commit of events, seconds.", &intake.seconds),
            histogram("offhook_record_commit_outcomes", "Outcomes of a group commit.", &record.rows),
            histogram("offhook_record_commit_seconds", "Time of a group commit of outcomes, seconds.", &record.seconds),
            histogram("offhook_clean_commit_rows", "Rows of a step of retention.", &clean.rows),
            histogram("offhook_clean_commit_seconds", "Time of a step of retention, seconds.", &clean.seconds),
        ];
        metrics.extend(self.attempts.metrics());
        metrics.extend([
            counter("offhook_emails_sent_total", "Emails that the mail server accepted.", &self.emails.sent),
            counter("offhook_emails_failed_total", "Emails that were given up.", &self.emails.failed),
            counter(
                "offhook_emails_dropped_total",
                "Emails that were not queued, because there were too many within an hour.",
                &self.emails.dropped,
            ),
        ]);
        metrics
    }
}

/// Adds to a counter.
pub(crate) fn count(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Relaxed);
}

/// The deliveries that wait in the database, counted recently.
#[derive(Debug, Default)]
pub(crate) struct Backlog(Mutex<Option<(UnixMs, backlog::Backlog)>>);

impl Backlog {
    pub(crate) async fn get(&self, db: &Db, now: UnixMs) -> StoreResult<backlog::Backlog> {
        let cached = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, waiting)) = cached
            && now.since_ms(at).abs() < BACKLOG_CACHED_MS
        {
            return Ok(waiting);
        }
        let waiting = backlog::count(db).await?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, waiting));
        Ok(waiting)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^52")]
const fn number(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_values_above_all_bounds_count() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        [0.5, 1.0, 1.5, 7.0].into_iter().for_each(|value| histogram.add(value));
        let expected = Value::Histogram { buckets: vec![(1.0, 2), (2.0, 3)], count: 4, sum: 10.0 };
        assert_eq!(histogram.value(), expected);
    }

    #[test]
    fn failed_attempts_are_counted_by_cause() {
        let attempts = Attempts::default();
        attempts.add(30, None);
        attempts.add(15_000, Some(Cause::Http5xx));
        attempts.add(20, Some(Cause::Http5xx));
        let [delivered, failed, seconds] = attempts.metrics();
        assert_eq!(delivered.value, Value::counter(1));
        let expected = vec![(vec![("cause", Cause::Http5xx.code().to_owned())], Value::counter(2))];
        assert_eq!(failed.value, Value::Family(expected));
        assert!(matches!(seconds.value, Value::Histogram { count: 3, .. }), "{seconds:?}");
    }
}
