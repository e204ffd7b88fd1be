//! What a connector reports about itself, and what follows from it.

use serde::{Deserialize, Serialize};

use super::{
    SEEN_MAX, TRUNK_MAX_CHARS,
    reporters::{RUN_MAX_CHARS, Reporters},
    system::{System, Way, names},
};
use crate::{
    error::{Error, FieldError, Result},
    time::{MINUTE_MS, SECOND_MS, UnixMs},
};

/// How often a connector reports its state, in milliseconds; at once when it changes.
pub const REPORT_EVERY_MS: i64 = 30 * SECOND_MS;
/// A connector that has not reported for this long is not connected, in milliseconds.
pub const SILENT_MS: i64 = 2 * MINUTE_MS;
/// A connector that has not been connected for this long is down: an audit record and an alert, in milliseconds.
pub const DOWN_MS: i64 = 5 * MINUTE_MS;
/// Longest version of a phone system, in characters.
const VERSION_MAX_CHARS: usize = 80;
/// Longest detail of a problem, in characters.
const DETAIL_MAX_CHARS: usize = 200;

/// What keeps a connector from working, or from working well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ConnectorProblem {
    /// Nothing accepts connections.
    Unreachable,
    /// The phone system refused the secret.
    WrongSecret,
    /// The phone system's user lacks a permission.
    MissingPermission,
    /// The phone system is too old.
    TooOld,
    /// No channel belongs to any of the trunks.
    UnknownTrunk,
    /// The phone system's clock is wrong.
    ClockOff,
    /// Another connector reports the same phone system.
    Duplicate,
    /// Two phone systems connect with its credentials.
    TwoSystems,
    /// What the phone system sends cannot be understood.
    Malformed,
    /// Events wait because Offhook does not accept them.
    SpoolFull,
    /// More calls are open than can be saved.
    TooManyCalls,
    /// The mapping matches none of the requests.
    NothingMatches,
}

names! { ConnectorProblem {
    Unreachable = "unreachable", "The phone system can't be reached. Check that it runs and listens at the address.";
    WrongSecret = "wrong_secret", "The phone system refused the secret. Copy the current one into its configuration, or rotate it.";
    MissingPermission = "missing_permission", "A permission is missing in the phone system's configuration. Compare it with the text shown here.";
    TooOld = "too_old", "The phone system is too old. Update it to a supported version.";
    UnknownTrunk = "unknown_trunk", "No call used any of the trunks. Choose the trunks among the endpoints seen.";
    ClockOff = "clock_off", "The phone system's clock is off by minutes. Set it with NTP.";
    Duplicate = "duplicate", "Two connectors report this phone system. Each event is stored once, but stop or delete one of them.";
    TwoSystems = "two_systems", "Two phone systems connect as this one, so calls of both are incomplete. Create a connector for each.";
    Malformed = "malformed", "What the phone system sends can't be understood. Check that the address is the right one.";
    SpoolFull = "spool_full", "Events wait at the connector because Offhook didn't accept them. Check its address and token.";
    TooManyCalls = "too_many_calls", "More calls are open than this server can save, so a restart may leave some incomplete. Check for calls that never end, or run offhook connect beside the phone system.";
    NothingMatches = "nothing_matches", "The mapping matches none of the requests. Try it on the latest requests.";
} }

/// What a connector reports about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateReport {
    /// Whether it is connected to its phone system.
    pub connected: bool,
    /// When it last saw an event of the phone system.
    pub last_event_at: Option<UnixMs>,
    /// Calls in progress.
    pub calls_open: u32,
    /// Time from an event of the phone system to Offhook's response, in milliseconds.
    pub lag_ms: Option<u32>,
    /// The version of the phone system.
    pub system_version: Option<String>,
    /// What is wrong.
    pub problem: Option<ConnectorProblem>,
    /// What is wrong in particular, such as the missing permission.
    pub detail: Option<String>,
    /// Endpoints of the phone system that had calls; none to keep those reported before.
    pub seen: Vec<String>,
    /// Which run of the program reports; `None` for what runs once in any case.
    pub run: Option<String>,
}

impl StateReport {
    /// Checks the limits of its texts.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(&self) -> Result<()> {
        let is_short = |text: &str, most: usize| text.chars().count() <= most && !text.chars().any(char::is_control);
        let mut errors = Vec::new();
        let mut check = |fits: bool, field: &str, message: &str| {
            if !fits {
                errors.push(FieldError::new(field, message));
            }
        };
        let version = self.system_version.as_deref().unwrap_or_default();
        check(is_short(version, VERSION_MAX_CHARS), "system_version", "A version has at most 80 printable characters.");
        let detail = self.detail.as_deref().unwrap_or_default();
        check(is_short(detail, DETAIL_MAX_CHARS), "detail", "A detail has at most 200 printable characters.");
        let fit = self.seen.len() <= SEEN_MAX && self.seen.iter().all(|one| is_short(one, TRUNK_MAX_CHARS));
        check(fit, "seen", "At most 200 endpoints, each of at most 80 printable characters.");
        let run = self.run.as_deref().unwrap_or_default();
        check(is_short(run, RUN_MAX_CHARS), "run", "The name of a run has at most 40 printable characters.");
        if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
    }
}

/// The latest state of a connector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorState {
    /// When it last reported; `None` if it never did.
    pub reported_at: Option<UnixMs>,
    /// Since when it is connected; `None` if it is not.
    pub connected_since: Option<UnixMs>,
    /// When it was last known to be connected; `None` if it never was.
    pub connected_at: Option<UnixMs>,
    /// When it last saw an event of the phone system, or a request.
    pub last_event_at: Option<UnixMs>,
    /// Calls in progress.
    pub calls_open: u32,
    /// Time from an event of the phone system to Offhook's response, in milliseconds.
    pub lag_ms: Option<u32>,
    /// The version of the phone system.
    pub system_version: Option<String>,
    /// What is wrong.
    pub problem: Option<ConnectorProblem>,
    /// What is wrong in particular.
    pub detail: Option<String>,
    /// Endpoints of the phone system that had calls.
    pub seen: Vec<String>,
    /// Who reports it.
    #[serde(default)]
    pub reporters: Reporters,
    /// Since when it is known to be down, once an audit record and an alert have reported it.
    pub down_since: Option<UnixMs>,
}

impl ConnectorState {
    /// The state after a report.
    #[must_use]
    pub fn after(&self, report: StateReport, now: UnixMs) -> Self {
        let reports = self.reported_at.is_some_and(|at| now.since_ms(at) < SILENT_MS);
        let since = self.connected_since.filter(|_| reports).unwrap_or(now);
        let run = report.run.as_deref().filter(|_| report.connected);
        let reporters = run.map_or_else(|| self.reporters.clone(), |run| self.reporters.after(run, now));
        let two = reporters.are_two(now) && report.problem.is_none();
        let twice = || "The program runs twice for this connector".to_owned();
        Self {
            reported_at: Some(now),
            connected_since: report.connected.then_some(since),
            // An event shows a connection, too, also before all of its channels are known.
            connected_at: if report.connected { Some(now) } else { self.connected_at.max(report.last_event_at) },
            last_event_at: report.last_event_at.or(self.last_event_at),
            calls_open: report.calls_open,
            lag_ms: report.lag_ms,
            system_version: report.system_version.or_else(|| self.system_version.clone()),
            problem: if two { Some(ConnectorProblem::Duplicate) } else { report.problem },
            detail: if two { Some(twice()) } else { report.detail },
            reporters,
            seen: if report.seen.is_empty() { self.seen.clone() } else { report.seen },
            down_since: self.down_since.filter(|_| !report.connected),
        }
    }

    pub(super) fn status(&self, system: System, way: Way, now: UnixMs) -> ConnectorStatus {
        if !way.is_connected(system) {
            return if self.last_event_at.is_some() { ConnectorStatus::Connected } else { ConnectorStatus::Waiting };
        }
        let reports = self.reported_at.is_some_and(|at| now.since_ms(at) < SILENT_MS);
        match (self.connected_since, self.connected_at) {
            (Some(_), _) if reports => ConnectorStatus::Connected,
            (_, Some(at)) if now.since_ms(at) >= DOWN_MS => ConnectorStatus::Down,
            (_, Some(_)) => ConnectorStatus::Reconnecting,
            (_, None) => ConnectorStatus::Waiting,
        }
    }

    /// Whether this connector, which is not paused, is down, which was not reported yet.
    #[must_use]
    pub fn goes_down(&self, system: System, way: Way, now: UnixMs) -> bool {
        let down = way.is_connected(system) && self.status(system, way, now) == ConnectorStatus::Down;
        down && self.down_since.is_none()
    }
}

/// How a connector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ConnectorStatus {
    /// Nothing has connected yet.
    Waiting,
    /// It works.
    Connected,
    /// It lost its phone system a moment ago.
    Reconnecting,
    /// It has not been connected for [`DOWN_MS`].
    Down,
    /// A user paused it.
    Paused,
}

names! { ConnectorStatus {
    Waiting = "waiting", "Waiting for the first connection";
    Connected = "connected", "Connected";
    Reconnecting = "reconnecting", "Reconnecting";
    Down = "down", "Down";
    Paused = "paused", "Paused";
} }

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_764_000_000_000);

    fn state(reported_ms_ago: i64, connected: bool) -> ConnectorState {
        let at = NOW.plus_ms(-reported_ms_ago);
        ConnectorState {
            reported_at: Some(at),
            connected_since: connected.then_some(at),
            connected_at: Some(at),
            ..ConnectorState::default()
        }
    }

    #[test]
    fn a_connector_is_down_after_five_minutes_without_a_connection() {
        let status = |state: ConnectorState| state.status(System::Asterisk, Way::Ari, NOW);
        assert_eq!(status(ConnectorState::default()), ConnectorStatus::Waiting);
        assert_eq!(status(state(SILENT_MS - 1, true)), ConnectorStatus::Connected);
        assert_eq!(status(state(SILENT_MS, true)), ConnectorStatus::Reconnecting);
        assert_eq!(status(state(0, false)), ConnectorStatus::Reconnecting);
        assert_eq!(status(state(DOWN_MS, true)), ConnectorStatus::Down);
        let reporting = ConnectorState { reported_at: Some(NOW), ..state(DOWN_MS, false) };
        assert_eq!(status(reporting), ConnectorStatus::Down, "it runs, but has no phone system");
    }

    #[test]
    fn a_connector_without_a_connection_is_never_down() {
        let lost = state(DOWN_MS, true);
        assert!(lost.goes_down(System::Asterisk, Way::Beside, NOW));
        assert!(!lost.goes_down(System::Kamailio, Way::Beside, NOW));
        assert!(!lost.goes_down(System::Yeastar, Way::Http, NOW));
        assert_eq!(ConnectorState::default().status(System::Kamailio, Way::Beside, NOW), ConnectorStatus::Waiting);
        let used = ConnectorState { last_event_at: Some(UnixMs(0)), ..ConnectorState::default() };
        assert_eq!(used.status(System::Kamailio, Way::Beside, NOW), ConnectorStatus::Connected);
        let reported = ConnectorState { down_since: Some(NOW), ..lost };
        assert!(!reported.goes_down(System::Asterisk, Way::Beside, NOW), "once");
    }

    #[test]
    fn a_report_replaces_the_state_and_a_long_silence_ends_a_connection() {
        let connected = StateReport { connected: true, seen: vec!["PJSIP/a".into()], ..StateReport::default() };
        let first = ConnectorState::default().after(connected.clone(), NOW);
        assert_eq!((first.connected_since, first.connected_at, first.down_since), (Some(NOW), Some(NOW), None));
        let later = NOW.plus_ms(SILENT_MS - 1);
        let second = first.after(StateReport { seen: Vec::new(), ..connected.clone() }, later);
        assert_eq!((second.connected_since, &second.seen), (Some(NOW), &first.seen));
        let much_later = later.plus_ms(SILENT_MS);
        assert_eq!(second.after(connected.clone(), much_later).connected_since, Some(much_later));
        let lost = ConnectorState { down_since: Some(later), ..second }.after(StateReport::default(), later);
        assert_eq!((lost.connected_since, lost.connected_at, lost.down_since), (None, Some(later), Some(later)));
        assert_eq!(lost.after(connected, later).down_since, None);
    }

    #[test]
    fn an_event_shows_that_there_was_a_connection() {
        let reported = StateReport { last_event_at: Some(NOW), ..StateReport::default() };
        let state = ConnectorState::default().after(reported.clone(), NOW.plus_ms(12_000));
        assert_eq!((state.connected_at, state.last_event_at), (Some(NOW), Some(NOW)));
        assert_eq!(state.status(System::Asterisk, Way::Ari, NOW.plus_ms(12_000)), ConnectorStatus::Reconnecting);
        let later = ConnectorState { connected_at: Some(NOW.plus_ms(1)), ..state };
        assert_eq!(later.after(reported, NOW.plus_ms(13_000)).connected_at, later.connected_at);
    }

    #[test]
    fn a_report_has_limits() {
        let report = StateReport {
            system_version: Some("x".repeat(81)),
            detail: Some("a\nb".into()),
            seen: vec!["PJSIP/trunk".into(); SEEN_MAX + 1],
            ..StateReport::default()
        };
        let error = report.check().unwrap_err();
        let fields: Vec<_> = error.fields().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["system_version", "detail", "seen"]);
    }
}
