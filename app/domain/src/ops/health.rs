//! The health of the installation, as figures and as one sentence.

use serde::{Deserialize, Serialize};

use crate::{
    id::AccountId,
    time::{SECOND_MS, UnixMs, counted, span},
};

/// A delivery counts as late after being due for this long, in milliseconds.
const LATE_MS: i64 = 30 * SECOND_MS;
/// A node counts as silent when its heartbeat is older than this, in milliseconds.
const SILENT_MS: i64 = 15 * SECOND_MS;
/// Maximum number of accounts listed for their failures.
pub const FAILING_ENDPOINTS_MAX: u32 = 10;

/// Statistics of one kind of group commit since this node started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitStats {
    /// Number of commits.
    pub commits: u64,
    /// Rows in all of them.
    pub rows: u64,
    /// Total duration, in microseconds.
    pub total_us: u64,
}

impl CommitStats {
    /// A summary for display: `1,204, on average 8.1 rows in 2.3 ms`.
    #[must_use]
    pub fn summary(self) -> String {
        if self.commits == 0 {
            return "None yet".to_owned();
        }
        let tenths = |sum: u64| {
            let tenths = sum.saturating_mul(10) / self.commits;
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        let commits = grouped(self.commits);
        format!("{commits}, on average {} rows in {} ms", tenths(self.rows), tenths(self.total_us / 1_000))
    }
}

/// A server process connected to the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its id, new for each run.
    pub id: String,
    /// Time of its latest heartbeat.
    pub heartbeat: UnixMs,
    /// Whether it is the node that handles this request.
    pub here: bool,
}

/// The last 24 hours of an account's deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDay {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Attempts with a 2xx response.
    pub delivered: u64,
    /// Failed attempts, and deliveries that ended as failed.
    pub failed: u64,
}

/// The current health of the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// When it was read.
    pub at: UnixMs,
    /// Number of accounts.
    pub accounts: u64,
    /// Deliveries of active endpoints waiting in the database.
    pub waiting: u64,
    /// Held deliveries.
    pub held: u64,
    /// When the earliest waiting delivery was or will be due.
    pub oldest_due: Option<UnixMs>,
    /// Deliveries in the memory of this node.
    pub in_memory: u64,
    /// Attempts of this node whose outcome has not been recorded yet.
    pub in_flight: u64,
    /// Events waiting for a commit on this node.
    pub awaiting_commit: u64,
    /// The maximum; beyond it new events are refused with 503.
    pub awaiting_commit_max: u64,
    /// Group commits of events.
    pub ingest: CommitStats,
    /// Group commits of outcomes.
    pub record: CommitStats,
    /// Nodes, this one first.
    pub nodes: Vec<Node>,
    /// Whether nodes send heartbeats. With SQLite there is a single node, which holds a lock.
    pub several_nodes: bool,
    /// The database: `SQLite` or `PostgreSQL`.
    pub database: String,
    /// Its size in bytes.
    pub database_bytes: u64,
    /// Version of Offhook.
    pub version: String,
    /// The accounts with the most failures in 24 hours, worst first.
    pub troubled: Vec<AccountDay>,
}

/// The severity of the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthLevel {
    /// Nothing to do.
    Healthy,
    /// Needs watching.
    Degraded,
    /// Something is not working.
    Failing,
}

impl Health {
    /// How long the earliest due delivery has been due, in milliseconds.
    #[must_use]
    pub fn lag_ms(&self) -> i64 {
        self.oldest_due.map_or(0, |due| self.at.since_ms(due).max(0))
    }

    /// Number of silent nodes.
    #[must_use]
    pub fn silent(&self) -> usize {
        let silent = |node: &&Node| self.at.since_ms(node.heartbeat) > SILENT_MS;
        if self.several_nodes { self.nodes.iter().filter(silent).count() } else { 0 }
    }

    /// The verdict in one sentence.
    #[must_use]
    pub fn verdict(&self) -> (HealthLevel, String) {
        if self.awaiting_commit * 2 > self.awaiting_commit_max {
            let message = format!(
                "Events arrive faster than they can be stored: {} waiting. Beyond {}, new events are refused.",
                grouped(self.awaiting_commit),
                grouped(self.awaiting_commit_max)
            );
            return (HealthLevel::Failing, message);
        }
        if self.lag_ms() >= LATE_MS {
            let since = span(self.lag_ms());
            return (HealthLevel::Failing, format!("Deliveries are late: the oldest has been due for {since}."));
        }
        if self.silent() > 0 {
            let nodes = counted(i64::try_from(self.silent()).unwrap_or(i64::MAX), "node");
            let message =
                format!("{nodes} silent for more than {}: the others take over its deliveries.", span(SILENT_MS));
            return (HealthLevel::Degraded, message);
        }
        (HealthLevel::Healthy, format!("Healthy: {}", self.waiting_summary()))
    }

    fn waiting_summary(&self) -> String {
        let held = match self.held {
            0 => String::new(),
            1 => " 1 is held.".to_owned(),
            n => format!(" {} are held.", grouped(n)),
        };
        let waiting = match self.waiting {
            0 => "nothing is waiting.".to_owned(),
            1 => "1 delivery is waiting.".to_owned(),
            n => format!("{} deliveries are waiting.", grouped(n)),
        };
        waiting + &held
    }
}

/// A number with thousands separators.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().filter_map(|chunk| std::str::from_utf8(chunk).ok());
    groups.collect::<Vec<_>>().join(",")
}

/// A number of bytes for display: `1.4 GB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match UNITS.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MINUTE_MS;

    fn health() -> Health {
        Health {
            at: UnixMs(1_000_000),
            accounts: 1,
            waiting: 0,
            held: 0,
            oldest_due: None,
            in_memory: 0,
            in_flight: 0,
            awaiting_commit: 0,
            awaiting_commit_max: 4_096,
            ingest: CommitStats::default(),
            record: CommitStats::default(),
            nodes: vec![Node { id: "node_1".into(), heartbeat: UnixMs(1_000_000), here: true }],
            several_nodes: true,
            database: "SQLite".into(),
            database_bytes: 0,
            version: "0.1.0".into(),
            troubled: Vec::new(),
        }
    }

    #[test]
    fn the_verdict_names_the_worst_problem() {
        let mut seen = health();
        assert_eq!(seen.verdict(), (HealthLevel::Healthy, "Healthy: nothing is waiting.".into()));
        (seen.waiting, seen.held, seen.oldest_due) = (1_204, 61, Some(UnixMs(2_000_000)));
        assert_eq!(seen.verdict().1, "Healthy: 1,204 deliveries are waiting. 61 are held.");
        seen.nodes[0].heartbeat = UnixMs(1_000_000 - SILENT_MS - 1);
        assert_eq!(seen.verdict().0, HealthLevel::Degraded);
        seen.oldest_due = Some(UnixMs(1_000_000 - 3 * MINUTE_MS));
        assert_eq!(
            seen.verdict(),
            (HealthLevel::Failing, "Deliveries are late: the oldest has been due for 3 min.".into())
        );
        seen.awaiting_commit = 3_000;
        assert!(seen.verdict().1.starts_with("Events arrive faster"));
    }

    #[test]
    fn a_single_node_needs_no_heartbeat() {
        let alone = Health { several_nodes: false, at: UnixMs(9_000_000), ..health() };
        assert_eq!(alone.verdict().0, HealthLevel::Healthy);
    }

    #[test]
    fn sizes_and_commits_are_formatted_for_display() {
        assert_eq!([size(999), size(1_450), size(2_900_000_000)], ["999 bytes", "1.4 kB", "2.9 GB"]);
        let commits = CommitStats { commits: 10, rows: 81, total_us: 23_000 };
        assert_eq!(commits.summary(), "10, on average 8.1 rows in 2.3 ms");
    }
}
