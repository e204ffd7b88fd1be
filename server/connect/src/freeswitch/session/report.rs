//! What an administrator learns about a session.

use domain::connector::{ConnectorProblem, StateReport};

use super::Session;
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
        let unknown = self.unknown_trunks();
        if !self.endpoints.has_outside() && !unknown.is_empty() {
            let names = unknown.join(", ");
            let text = format!(
                "FreeSWITCH has no gateway or Sofia profile of this name: {names}. List them with: fs_cli -x 'sofia status'"
            );
            return Some((ConnectorProblem::UnknownTrunk, text));
        }
        if self.endpoints.match_no_trunk() {
            let text = format!(
                "No call used a trunk. Gateways, users and profiles seen: {}",
                self.endpoints.seen().join(", ")
            );
            return Some((ConnectorProblem::UnknownTrunk, text));
        }
        if self.decoder.malformed() > 0 {
            let events = self.decoder.malformed();
            let text = format!("Events of FreeSWITCH that could not be read: {events}. The others are complete.");
            return Some((ConnectorProblem::Malformed, text));
        }
        self.journal.clock.off_s().map(|ahead_s| clock_problem(Self::SYSTEM, ahead_s))
    }
}
