//! The health of the installation, as figures and as one sentence.

use serde::{Deserialize, Serialize};

use crate::{
    id::AccountId,
    ops::parked::Parked,
    time::{SECOND_MS, UnixMs, counted, span},
};

/// A delivery counts as late after being due for this long, in milliseconds.
const LATE_MS: i64 = 30 * SECOND_MS;
/// A node counts as silent when its heartbeat is older than this, in milliseconds.
const SILENT_MS: i64 = 15 * SECOND_MS;
/// A node's clock is shown as wrong when it is further than this from the database's, in milliseconds.
pub const CLOCK_OFFSET_WARN_MS: i64 = SECOND_MS;
/// A node whose clock is further than this from the database's claims no deliveries, in milliseconds.
pub const CLOCK_OFFSET_MAX_MS: i64 = 10 * SECOND_MS;
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
    /// How far its clock is ahead of the database's, in milliseconds; none before it was measured.
    pub clock_ahead_ms: Option<i64>,
    /// Whether it is the node that handles this request.
    pub here: bool,
}

/// A task that runs for as long as a node does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskHealth {
    /// Its name.
    pub name: String,
    /// Whether nothing is delivered without it.
    pub essential: bool,
    /// Whether it is not running: it panicked and will be started again.
    pub down: bool,
    /// How often it has panicked since the node started.
    pub panics: u64,
    /// What is wrong with it, or was within the last minute; `None` if all is well.
    pub problem: Option<String>,
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
    /// Why this node is not ready; none while it is.
    pub not_ready: Option<String>,
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
    /// The tasks of this node.
    pub tasks: Vec<TaskHealth>,
    /// Items that were set aside, the latest first.
    pub parked: Vec<Parked>,
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
        if let Some(task) = self.tasks.iter().find(|task| task.essential && task.down) {
            let message = format!("Not working: {} has stopped and is being started again.", task.name);
            return (HealthLevel::Failing, message);
        }
        if let Some(clock @ (HealthLevel::Failing, _)) = self.wrong_clock() {
            return clock;
        }
        if let Some(reason) = &self.not_ready {
            return (HealthLevel::Failing, format!("This node is not ready: {reason}. New events may be refused."));
        }
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
        if let Some(task) = self.tasks.iter().find(|task| task.problem.is_some()) {
            return (HealthLevel::Degraded, format!("A background task has a problem: {}.", task.name));
        }
        if !self.parked.is_empty() {
            let items = counted(i64::try_from(self.parked.len()).unwrap_or(i64::MAX), "item");
            return (HealthLevel::Degraded, format!("{items} could not be processed. See below."));
        }
        if let Some(clock) = self.wrong_clock() {
            return clock;
        }
        (HealthLevel::Healthy, format!("Healthy: {}", self.waiting_summary()))
    }

    /// The node whose clock is furthest from the database's, if it is too far.
    fn wrong_clock(&self) -> Option<(HealthLevel, String)> {
        let offsets = self.nodes.iter().filter_map(|node| Some((node, node.clock_ahead_ms?)));
        let (node, ahead_ms) = offsets.max_by_key(|(_, ahead_ms)| ahead_ms.abs())?;
        if ahead_ms.abs() <= CLOCK_OFFSET_WARN_MS {
            return None;
        }
        let whose = if node.here { "This node's clock".to_owned() } else { format!("The clock of {}", node.id) };
        let level = if ahead_ms.abs() > CLOCK_OFFSET_MAX_MS { HealthLevel::Failing } else { HealthLevel::Degraded };
        Some((level, clock_sentence(&whose, ahead_ms)))
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

/// How far a clock is off, and what follows. `whose` is the subject: `This node's clock`.
#[must_use]
pub fn clock_sentence(whose: &str, ahead_ms: i64) -> String {
    let so = if ahead_ms.abs() > CLOCK_OFFSET_MAX_MS {
        "The node claims no deliveries until they agree within 10 s. Check its time synchronisation (NTP)."
    } else {
        "Check the node's time synchronisation (NTP)."
    };
    format!("{whose} is {} the database's clock. {so}", clock_offset(ahead_ms))
}

/// A clock's offset for display: `2.1 s ahead of`, `0.4 s behind`.
#[must_use]
pub fn clock_offset(ahead_ms: i64) -> String {
    let (ms, side) = (ahead_ms.unsigned_abs(), if ahead_ms < 0 { "behind" } else { "ahead of" });
    format!("{}.{} s {side}", ms / 1_000, ms % 1_000 / 100)
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
            not_ready: None,
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
            nodes: vec![Node {
                id: "node_1".into(),
                heartbeat: UnixMs(1_000_000),
                clock_ahead_ms: Some(3),
                here: true,
            }],
            several_nodes: true,
            database: "SQLite".into(),
            database_bytes: 0,
            version: "0.1.0".into(),
            troubled: Vec::new(),
            tasks: Vec::new(),
            parked: Vec::new(),
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
        let task = TaskHealth { name: "writer".into(), essential: true, down: true, panics: 1, problem: None };
        let down = Health { tasks: vec![task], ..seen.clone() };
        assert_eq!(down.verdict().1, "Not working: writer has stopped and is being started again.");
        seen.awaiting_commit = 3_000;
        assert!(seen.verdict().1.starts_with("Events arrive faster"));
        seen.not_ready = Some("database: disk full".to_owned());
        let expected = "This node is not ready: database: disk full. New events may be refused.";
        assert_eq!(seen.verdict(), (HealthLevel::Failing, expected.into()));
    }

    #[test]
    fn a_wrong_clock_is_named() {
        let mut seen = health();
        seen.nodes[0].clock_ahead_ms = Some(-2_140);
        let (level, sentence) = seen.verdict();
        assert_eq!(level, HealthLevel::Degraded);
        assert_eq!(
            sentence,
            "This node's clock is 2.1 s behind the database's clock. Check the node's time synchronisation (NTP)."
        );
        seen.nodes[0] = Node { clock_ahead_ms: Some(90_000), here: false, ..seen.nodes[0].clone() };
        let (level, sentence) = seen.verdict();
        assert_eq!(level, HealthLevel::Failing);
        assert!(
            sentence.starts_with("The clock of node_1 is 90.0 s ahead of the database's clock. The node claims no")
        );
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
