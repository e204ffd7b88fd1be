//! What an administrator learns about a session.

use domain::connector::{ConnectorProblem, StateReport};

use super::{Failure, Permission, Session};
use crate::session::{Failure as _, Session as _, clock_problem, detail};

impl Session {
    pub(super) fn state(&self) -> StateReport {
        let problem = self.problem();
        StateReport {
            connected: self.journal.connected_since.is_some(),
            last_event_at: self.last_event_at,
            calls_open: u32::try_from(self.journal.calls.open()).unwrap_or(u32::MAX),
            lag_ms: None,
            system_version: self.version.clone(),
            problem: problem.as_ref().map(|(problem, _)| *problem),
            detail: problem.map(|(_, text)| detail(&text)),
            seen: self.endpoints.seen(),
        }
    }

    /// What is wrong, the worst first.
    fn problem(&self) -> Option<(ConnectorProblem, String)> {
        if let Some(failure) = &self.failure {
            return Some((failure.problem(), failure.to_string()));
        }
        if self.lacks_call_events {
            let failure = Failure::MissingPermission(Permission::ReadCall);
            return Some((failure.problem(), failure.to_string()));
        }
        if let Some(detail) = self.trunk_problem() {
            return Some((ConnectorProblem::UnknownTrunk, detail));
        }
        if self.decoder.malformed() > 0 {
            let messages = self.decoder.malformed();
            let text = format!("Messages of Asterisk that could not be read: {messages}. The others are complete.");
            return Some((ConnectorProblem::Malformed, text));
        }
        self.journal.clock.off_s().map(|ahead_s| clock_problem(Self::SYSTEM, ahead_s))
    }

    fn trunk_problem(&self) -> Option<String> {
        if self.endpoints.has_outside() {
            return None;
        }
        if self.endpoints.match_no_trunk() {
            return Some(format!("No call used a trunk. Endpoints seen: {}", self.endpoints.seen().join(", ")));
        }
        let unknown: Vec<&str> = self.trunks.unknown().collect();
        let names = unknown.join(", ");
        (!unknown.is_empty()).then(|| {
            format!(
                "Asterisk has no endpoint of this name: {names}. List them with: asterisk -rx 'pjsip show endpoints'"
            )
        })
    }
}
