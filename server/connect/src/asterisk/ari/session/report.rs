//! What an administrator learns about a session.

use domain::connector::{ConnectorProblem, StateReport};

use super::{Failure, Session};

/// Longest detail of a problem, in characters.
const DETAIL_MAX_CHARS: usize = 200;
/// Channels without one to the outside, after which the names of the trunks are probably wrong.
const ALL_INSIDE_MIN: u32 = 6;

impl Session {
    /// Its state. The delay is not known here.
    #[must_use]
    pub fn report(&self) -> StateReport {
        let problem = self.problem();
        let printable = |text: String| text.chars().filter(|c| !c.is_control()).take(DETAIL_MAX_CHARS).collect();
        StateReport {
            connected: self.is_connected,
            last_event_at: self.last_event_at,
            calls_open: u32::try_from(self.calls.open()).unwrap_or(u32::MAX),
            lag_ms: None,
            system_version: self.version.clone(),
            problem: problem.as_ref().map(|(problem, _)| *problem),
            detail: problem.map(|(_, detail)| printable(detail)),
            seen: self.seen.iter().cloned().collect(),
        }
    }

    /// What is wrong, the worst first.
    fn problem(&self) -> Option<(ConnectorProblem, String)> {
        if let Some(failure) = &self.failure {
            return Some((failure.problem(), failure.to_string()));
        }
        if let Some(problem) = self.systems.problem(self.heard_at) {
            return Some(problem);
        }
        if self.lacks_call_events {
            let detail = "Asterisk sends no events of calls. Add subscribe_all = yes to [offhook] in ari.conf.";
            return Some((ConnectorProblem::MissingPermission, detail.to_owned()));
        }
        if self.lacks_groups {
            let detail = "Add to [general] in ari.conf: channelvars = CHANNEL(linkedid),CALLERID(num-pres)";
            return Some((ConnectorProblem::MissingPermission, detail.to_owned()));
        }
        if !self.settings.trunks.is_empty() && !self.has_outside && self.inside >= ALL_INSIDE_MIN {
            let seen: Vec<&str> = self.seen.iter().map(String::as_str).collect();
            let detail = format!("No call used a trunk. Endpoints seen: {}", seen.join(", "));
            return Some((ConnectorProblem::UnknownTrunk, detail));
        }
        self.clock.off_s().map(|ahead_s| {
            let (seconds, direction) = (ahead_s.abs(), if ahead_s > 0 { "ahead" } else { "behind" });
            let detail =
                format!("Asterisk's clock is {seconds} s {direction}. Set it with NTP. Times of events are corrected.");
            (ConnectorProblem::ClockOff, detail)
        })
    }
}

impl Failure {
    const fn problem(&self) -> ConnectorProblem {
        match self {
            Self::NotAri | Self::TooLarge => ConnectorProblem::Malformed,
            Self::Refused(_) | Self::ClosedAtOnce => ConnectorProblem::MissingPermission,
        }
    }
}
