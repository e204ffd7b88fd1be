//! How the installation does, in figures and in one sentence.

use serde::{Deserialize, Serialize};

use crate::{
    id::AccountId,
    time::{SECOND_MS, UnixMs, counted, span},
};

/// A delivery that has been due for longer than this is late, in milliseconds.
pub const LATE_MS: i64 = 30 * SECOND_MS;
/// A node whose heartbeat is older than this is silent, in milliseconds.
pub const SILENT_MS: i64 = 15 * SECOND_MS;
/// Accounts that are named because of their failures.
pub const TROUBLED_MAX: u32 = 10;

/// Group commits of one side since the start of this node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitFigures {
    /// How many commits.
    pub commits: u64,
    /// Rows of all of them.
    pub rows: u64,
    /// Time of all of them, in microseconds.
    pub total_us: u64,
}

impl CommitFigures {
    /// As people read it: `1,204, on average 8.1 rows in 2.3 ms`.
    #[must_use]
    pub fn words(self) -> String {
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

/// A process that works on the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name in this run.
    pub id: String,
    /// When it last said that it lives.
    pub heartbeat: UnixMs,
    /// Whether it is the one that answers.
    pub here: bool,
}

/// What the endpoints of an account did in the last 24 hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDay {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Attempts answered with 2xx.
    pub delivered: u64,
    /// Attempts that failed, and deliveries that ended as failed.
    pub failed: u64,
}

/// How the installation does now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// When it was looked at.
    pub at: UnixMs,
    /// Accounts there are.
    pub accounts: u64,
    /// Deliveries of active endpoints that wait in the database.
    pub waiting: u64,
    /// Deliveries that are held.
    pub held: u64,
    /// When the longest due delivery was or will be due.
    pub oldest_due: Option<UnixMs>,
    /// Deliveries in this node's memory.
    pub in_memory: u64,
    /// Attempts of this node whose outcome is not recorded yet.
    pub in_flight: u64,
    /// Events that wait for a commit at this node.
    pub at_the_door: u64,
    /// Most of them; past that the door answers 503.
    pub at_the_door_max: u64,
    /// Group commits of events.
    pub ingest: CommitFigures,
    /// Group commits of outcomes.
    pub record: CommitFigures,
    /// Nodes, the one that answers first.
    pub nodes: Vec<Node>,
    /// Whether nodes are told apart by heartbeats; with SQLite there is one, which holds a lock.
    pub several_nodes: bool,
    /// Kind of database: `SQLite`, `PostgreSQL`.
    pub database: String,
    /// Its size in bytes.
    pub database_bytes: u64,
    /// Version of Offhook.
    pub version: String,
    /// The accounts with most failures in 24 hours, the worst first.
    pub troubled: Vec<AccountDay>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mood {
    /// Nothing to do.
    Quiet,
    /// Worth a look.
    Strained,
    /// Something does not work.
    Late,
}

impl Health {
    /// How long the longest due delivery has been due, in milliseconds.
    #[must_use]
    pub fn lag_ms(&self) -> i64 {
        self.oldest_due.map_or(0, |due| self.at.since_ms(due).max(0))
    }

    /// Nodes that have not been heard of for too long.
    #[must_use]
    pub fn silent(&self) -> usize {
        let silent = |node: &&Node| self.at.since_ms(node.heartbeat) > SILENT_MS;
        if self.several_nodes { self.nodes.iter().filter(silent).count() } else { 0 }
    }

    /// The verdict in one sentence.
    #[must_use]
    pub fn verdict(&self) -> (Mood, String) {
        if self.at_the_door * 2 > self.at_the_door_max {
            let words = format!(
                "Events are coming in faster than they can be stored: {} wait, and past {} the door refuses.",
                grouped(self.at_the_door),
                grouped(self.at_the_door_max)
            );
            return (Mood::Late, words);
        }
        if self.lag_ms() >= LATE_MS {
            let since = span(self.lag_ms());
            return (Mood::Late, format!("Deliveries are late: the oldest has been due for {since}."));
        }
        if self.silent() > 0 {
            let nodes = counted(i64::try_from(self.silent()).unwrap_or(i64::MAX), "node");
            let words =
                format!("{nodes} silent for more than {}: others take over what it had in hand.", span(SILENT_MS));
            return (Mood::Strained, words);
        }
        (Mood::Quiet, format!("All quiet: {}", self.waiting_words()))
    }

    fn waiting_words(&self) -> String {
        let held = match self.held {
            0 => String::new(),
            1 => " 1 is held.".to_owned(),
            n => format!(" {} are held.", grouped(n)),
        };
        let waiting = match self.waiting {
            0 => "nothing waits.".to_owned(),
            1 => "1 delivery waits for its time.".to_owned(),
            n => format!("{} deliveries wait for their time.", grouped(n)),
        };
        waiting + &held
    }
}

/// A number with its thousands set apart.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().filter_map(|chunk| std::str::from_utf8(chunk).ok());
    groups.collect::<Vec<_>>().join(",")
}

/// A number of bytes as people read it: `1.4 GB`.
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
            at_the_door: 0,
            at_the_door_max: 4_096,
            ingest: CommitFigures::default(),
            record: CommitFigures::default(),
            nodes: vec![Node { id: "node_1".into(), heartbeat: UnixMs(1_000_000), here: true }],
            several_nodes: true,
            database: "SQLite".into(),
            database_bytes: 0,
            version: "0.1.0".into(),
            troubled: Vec::new(),
        }
    }

    #[test]
    fn the_verdict_names_what_is_worst() {
        let mut seen = health();
        assert_eq!(seen.verdict(), (Mood::Quiet, "All quiet: nothing waits.".into()));
        (seen.waiting, seen.held, seen.oldest_due) = (1_204, 61, Some(UnixMs(2_000_000)));
        assert_eq!(seen.verdict().1, "All quiet: 1,204 deliveries wait for their time. 61 are held.");
        seen.nodes[0].heartbeat = UnixMs(1_000_000 - SILENT_MS - 1);
        assert_eq!(seen.verdict().0, Mood::Strained);
        seen.oldest_due = Some(UnixMs(1_000_000 - 3 * MINUTE_MS));
        assert_eq!(seen.verdict(), (Mood::Late, "Deliveries are late: the oldest has been due for 3 min.".into()));
        seen.at_the_door = 3_000;
        assert!(seen.verdict().1.starts_with("Events are coming in faster"));
    }

    #[test]
    fn a_lone_node_needs_no_heartbeat() {
        let alone = Health { several_nodes: false, at: UnixMs(9_000_000), ..health() };
        assert_eq!(alone.verdict().0, Mood::Quiet);
    }

    #[test]
    fn sizes_and_commits_are_told_in_words() {
        assert_eq!([size(999), size(1_450), size(2_900_000_000)], ["999 bytes", "1.4 kB", "2.9 GB"]);
        let commits = CommitFigures { commits: 10, rows: 81, total_us: 23_000 };
        assert_eq!(commits.words(), "10, on average 8.1 rows in 2.3 ms");
    }
}
