//! What an administrator learns about a session.

use domain::connector::{ConnectorProblem, StateReport};

use super::{Failure, Session};
use crate::session::{clock_problem, report};

impl Session {
    /// Its state. The delay is not known here.
    #[must_use]
    pub fn report(&self) -> StateReport {
        StateReport {
            connected: self.is_connected,
            last_event_at: self.last_event_at,
            system_version: self.version.clone(),
            seen: self.endpoints.seen(),
            ..report(&self.calls, self.problem())
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
        if !self.settings.trunks.is_empty() && self.endpoints.match_no_trunk() {
            let detail = format!("No call used a trunk. Endpoints seen: {}", self.endpoints.seen().join(", "));
            return Some((ConnectorProblem::UnknownTrunk, detail));
        }
        self.clock.off_s().map(|ahead_s| clock_problem("Asterisk", ahead_s))
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
