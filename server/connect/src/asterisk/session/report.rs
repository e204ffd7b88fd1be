//! What an administrator learns about a session.

use domain::connector::{ConnectorProblem, StateReport};

use super::{Failure, Permission, Session};
use crate::session::{Failure as _, Session as _, clock_problem, report};

impl Session {
    pub(super) fn state(&self) -> StateReport {
        StateReport {
            connected: self.journal.connected_since.is_some(),
            last_event_at: self.last_event_at,
            system_version: self.version.clone(),
            seen: self.endpoints.seen(),
            ..report(&self.journal.calls, self.problem())
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
            let text = format!(
                "Messages of Asterisk that could not be read: {messages}. The others are complete. Update Asterisk, or unload the module that sends them."
            );
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
